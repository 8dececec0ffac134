"""What a server keeps, in SQLite or PostgreSQL: keys, audit, files, batches. Knows nothing of HTTP."""

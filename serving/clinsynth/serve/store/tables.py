"""The tables. Times are Unix seconds; the schema changes only by a migration (``migrations/versions``)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

# SQLite counts up only what it calls INTEGER.
_Counter = BigInteger().with_variant(Integer, "sqlite")

METADATA: Final = MetaData()

KEYS: Final = Table(
    "keys",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    # SHA-256 of the secret half: 256 random bits need no slow hash
    Column("digest", LargeBinary(32), nullable=False),
    Column("scopes", String(200), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger),
    Column("revoked", BigInteger),
    Column("requests_per_minute", Integer),
    Column("tokens_per_minute", Integer),
    Column("concurrency", Integer),
)

# Who asked for how much; no column can hold text of a note.
AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("id", _Counter, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("key_id", String(32)),
    Column("method", String(10), nullable=False),
    Column("route", String(100), nullable=False),
    Column("status", Integer, nullable=False),
    Column("model", String(200)),
    Column("notes", Integer, nullable=False),
    Column("withheld", Integer, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("milliseconds", BigInteger, nullable=False),
    Index("audit_at", "at"),
)

# Files are cut into chunks, so that no request holds a whole one in memory.
FILES: Final = Table(
    "files",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("key_id", String(32), nullable=False),
    Column("filename", String(255), nullable=False),
    Column("purpose", String(20), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger),
    Index("files_key", "key_id", "created"),
)

CHUNKS: Final = Table(
    "chunks",
    METADATA,
    Column("file_id", String(40), ForeignKey("files.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

BATCHES: Final = Table(
    "batches",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("key_id", String(32), nullable=False),
    # the model of the servers that may run it: two models' servers can share a database
    Column("served", String(200), nullable=False),
    Column("endpoint", String(40), nullable=False),
    Column("input_file_id", String(40), nullable=False),
    Column("completion_window", String(10), nullable=False),
    Column("status", String(20), nullable=False),
    Column("extra", Text, nullable=False),
    Column("errors", Text),
    Column("output_file_id", String(40)),
    Column("error_file_id", String(40)),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("in_progress", BigInteger),
    Column("cancelling", BigInteger),
    Column("ended", BigInteger),
    Column("total", Integer, nullable=False),
    Column("completed", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    # the server that runs it, and until when nobody else may
    Column("owner", String(40)),
    Column("lease", BigInteger),
    Index("batches_key", "key_id", "created"),
    Index("batches_status", "status"),
)

# One row a line of a batch's input, until the batch has ended: a line has one result or none.
LINES: Final = Table(
    "lines",
    METADATA,
    Column("batch_id", String(40), ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("custom_id", String(512), nullable=False),
    Column("body", Text, nullable=False),
    Column("status", Integer),
    Column("result", Text),
)

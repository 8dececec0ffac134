"""What people read: results.json and one HTML file."""

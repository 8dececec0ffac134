"""Files and batches."""

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, String, Text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From keys and audit."""
    op.create_table(
        "files",
        Column("id", String(40), primary_key=True),
        Column("key_id", String(32), nullable=False),
        Column("filename", String(255), nullable=False),
        Column("purpose", String(20), nullable=False),
        Column("bytes", BigInteger, nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("expires", BigInteger),
    )
    op.create_index("files_key", "files", ["key_id", "created"])
    op.create_table(
        "chunks",
        Column("file_id", String(40), ForeignKey("files.id", ondelete="CASCADE"), primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("data", LargeBinary, nullable=False),
    )
    op.create_table(
        "batches",
        Column("id", String(40), primary_key=True),
        Column("key_id", String(32), nullable=False),
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
        Column("owner", String(40)),
        Column("lease", BigInteger),
    )
    op.create_index("batches_key", "batches", ["key_id", "created"])
    op.create_index("batches_status", "batches", ["status"])
    op.create_table(
        "lines",
        Column("batch_id", String(40), ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("custom_id", String(512), nullable=False),
        Column("body", Text, nullable=False),
        Column("status", Integer),
        Column("result", Text),
    )

"""Keys and audit."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From nothing."""
    op.create_table(
        "keys",
        Column("id", String(32), primary_key=True),
        Column("name", String(100), nullable=False, unique=True),
        Column("digest", LargeBinary(32), nullable=False),
        Column("scopes", String(200), nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("expires", BigInteger),
        Column("revoked", BigInteger),
        Column("requests_per_minute", Integer),
        Column("tokens_per_minute", Integer),
        Column("concurrency", Integer),
    )
    op.create_table(
        "audit",
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
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
    )
    op.create_index("audit_at", "audit", ["at"])

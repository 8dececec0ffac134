"""The tables. Times are Unix seconds; the schema changes only by a migration (``migrations/versions``)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table

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

"""Bearer keys: ``cs-ID-SECRET``, shown once when made; the database holds the ID and a hash."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from clinsynth.errors import UsageError
from clinsynth.serve.store.tables import KEYS

SCOPES: Final = ("generate", "batches", "metrics")
"""What a key may be good for: notes and completions; files and batches; /metrics. Any key may read
``/v1/models`` and the documents of the API."""

ENVIRONMENT: Final = "environment"
"""The id of the key that the environment gives; no other key can have it."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_KEY: Final = re.compile(r"cs-([0-9a-f]{12})-([A-Za-z0-9_-]{43})")
_NOTHING: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one key may use; None is what the server's config says.

    Args:
        concurrency: requests under way at once.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A key as the server knows it; times are Unix seconds."""

    id: str
    name: str
    scopes: frozenset[str]
    created: int
    expires: int | None = None
    revoked: int | None = None
    allowance: Allowance = Allowance()

    def is_good(self, now: float) -> bool:
        """Neither expired nor revoked."""
        return self.revoked is None and (self.expires is None or now < self.expires)


def create_key(
    connection: Connection,
    name: str,
    scopes: Iterable[str],
    expires: int | None = None,
    allowance: Allowance = Allowance(),
) -> str:
    """A new key as text, which nobody can get again.

    Raises:
        UsageError: the name is taken or no name, there is no such scope, or the time is past.
    """
    wanted, now = frozenset(scopes), int(time.time())
    if not _NAME.fullmatch(name):
        raise UsageError(f"name: {name!r}: use letters, digits, '.', '_' and '-', at most 100")
    if not wanted or not wanted <= set(SCOPES):
        raise UsageError(f"scopes: one or more of {', '.join(SCOPES)}")
    if expires is not None and expires <= now:
        raise UsageError("expires: lies in the past")
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    row = {
        "id": key_id,
        "name": name,
        "digest": _digest(secret),
        "scopes": " ".join(sorted(wanted)),
        "created": now,
        "expires": expires,
        "requests_per_minute": allowance.requests_per_minute,
        "tokens_per_minute": allowance.tokens_per_minute,
        "concurrency": allowance.concurrency,
    }
    try:
        connection.execute(insert(KEYS).values(row))
    except IntegrityError:
        raise UsageError(f"name: there is a key {name} already") from None
    return f"cs-{key_id}-{secret}"


def list_keys(connection: Connection) -> list[Key]:
    """All keys ever made, the oldest first."""
    return [_key(row) for row in connection.execute(select(KEYS).order_by(KEYS.c.created, KEYS.c.name))]


def revoke_key(connection: Connection, name: str) -> None:
    """The key opens nothing any more. Its row stays: the audit speaks of it.

    Raises:
        UsageError: there is no such key, or it has been revoked.
    """
    changed = connection.execute(
        update(KEYS).where(KEYS.c.name == name, KEYS.c.revoked.is_(None)).values(revoked=int(time.time()))
    )
    if changed.rowcount == 0:
        raise UsageError(f"name: there is no key {name!r} in force; `clinsynth keys list` shows them")


def find_key(connection: Connection, shown: str) -> Key | None:
    """The key of that text, whether in force or not; None where there is none.

    The secret's hash is compared in constant time, and also when the ID is unknown.
    """
    match = _KEY.fullmatch(shown)
    key_id, secret = match.groups() if match else ("", shown)
    row = connection.execute(select(KEYS).where(KEYS.c.id == key_id)).one_or_none()
    digest = _NOTHING if row is None else row.digest
    return _key(row) if hmac.compare_digest(_digest(secret), digest) and row is not None else None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _key(row: Any) -> Key:
    return Key(
        row.id,
        row.name,
        frozenset(row.scopes.split()),
        row.created,
        row.expires,
        row.revoked,
        Allowance(row.requests_per_minute, row.tokens_per_minute, row.concurrency),
    )

"""The keys that open this server: the environment's one, and those of the database."""

from __future__ import annotations

import hashlib
import hmac
import time
from functools import partial
from typing import Final

from clinsynth.serve.store.database import Database
from clinsynth.serve.store.keys import ENVIRONMENT, SCOPES, Key, find_key

REVOKED_WITHIN: Final = 5.0
"""Seconds after which a revoked key opens nothing any more."""

_MOST_REMEMBERED: Final = 10_000


class Keyring:
    """Finds the key behind an ``Authorization`` header.

    Args:
        environment: the key that the environment gives, good for everything; None: there is none.
    """

    def __init__(self, database: Database, environment: str | None) -> None:
        self._database = database
        self._digest = None if environment is None else _digest(environment.encode())
        self._environment = Key(ENVIRONMENT, ENVIRONMENT, frozenset(SCOPES), int(time.time()))
        self._remembered: dict[bytes, tuple[float, Key]] = {}

    async def find(self, authorization: bytes) -> Key | None:
        """The key in force that is shown; None where it is none, or expired, or revoked.

        Secrets are compared as digests of one length, in constant time.
        """
        scheme, _, shown = authorization.partition(b" ")
        shown = shown.strip()
        if scheme.lower() != b"bearer" or not shown:
            return None
        digest = _digest(shown)
        if self._digest is not None and hmac.compare_digest(digest, self._digest):
            return self._environment
        key = await self._of_database(digest, shown)
        return key if key is not None and key.is_good(time.time()) else None

    async def _of_database(self, digest: bytes, shown: bytes) -> Key | None:
        at, key = self._remembered.get(digest, (0.0, None))
        now = time.monotonic()
        if key is not None and now < at + REVOKED_WITHIN:
            return key
        self._remembered.pop(digest, None)
        try:
            text = shown.decode("ascii")
        except UnicodeDecodeError:
            return None
        key = await self._database.run(partial(find_key, shown=text))
        if key is not None:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[digest] = now, key
        return key


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()

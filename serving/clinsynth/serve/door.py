"""What stands between the network and the routes: keys, limits, audit, metrics, and the end of it all."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from clinsynth.serve.drain import Drain
from clinsynth.serve.keyring import Keyring
from clinsynth.serve.limits import Limiter
from clinsynth.serve.metrics import Metrics
from clinsynth.serve.settings import ServeConfig, Settings
from clinsynth.serve.store.audit import Audit
from clinsynth.serve.store.database import Database


@dataclass(frozen=True, slots=True)
class Door:
    """One server's."""

    config: ServeConfig
    database: Database
    keyring: Keyring
    limiter: Limiter
    audit: Audit
    metrics: Metrics
    drain: Drain


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Door]:
    """A door with its database.

    Raises:
        UsageError, MissingExtraError, FolderError: as ``Database``.
    """
    config = settings.config
    with Database(settings.database) as database:
        async with Audit(database) as audit:
            yield Door(
                config,
                database,
                Keyring(database, settings.api_key),
                Limiter(config.limits),
                audit,
                Metrics(),
                Drain(),
            )

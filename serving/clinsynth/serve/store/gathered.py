"""Writes many things in few commits: while one commit is under way, the next things gather."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from sqlalchemy import Connection

from clinsynth.serve.store.database import Database

T = TypeVar("T")
_MOST: Final = 500  # things of one commit


class Gathered(Generic[T]):
    """Args:
    write: writes things in one transaction; what it raises, each of their writers gets.
    """

    def __init__(self, database: Database, write: Callable[[Connection, list[T]], None]) -> None:
        self._database, self._write = database, write
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def write(self, thing: T) -> None:
        """Returns when the thing is on disk; it is written also when whoever asks is cancelled.

        Raises:
            Exception: what ``write`` raised; then nothing of its transaction was written.
        """
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((thing, done))
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._commit_all())
        await asyncio.shield(done)

    async def settle(self) -> None:
        """Returns when nothing is waiting any more."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _commit_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            things = [thing for thing, _ in batch]
            error: Exception | None = None
            try:
                await self._database.run(lambda connection, things=things: self._write(connection, things))  # type: ignore[misc]
            except Exception as raised:  # noqa: BLE001 - each who waits is told
                error = raised
            for _, done in batch:
                _tell(done, error)


def _tell(done: asyncio.Future[None], error: Exception | None) -> None:
    if error is None:
        done.set_result(None)
        return
    done.set_exception(error)
    with contextlib.suppress(Exception):
        done.exception()  # where nobody waits any more, the loop need not complain

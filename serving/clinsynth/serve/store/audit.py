"""Who asked for how much. An entry is on disk before the last byte of its answer leaves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Final, Self

from sqlalchemy import Connection, delete, insert, select

from clinsynth.serve.store.database import Database
from clinsynth.serve.store.tables import AUDIT

_MOST: Final = 500  # entries of one commit


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. Counts and names of our own, never a word of a client's or a note's.

    Args:
        at: Unix seconds when it came.
        key_id: whose; None where no key was good.
        route: the route's template (``/v1/files/{file_id}``), not the path that was asked.
        model: one of the server's models; None where none was asked or none was found.
        notes: notes or choices that were answered.
        withheld: of these, those that the gate kept back.
    """

    at: int
    request_id: str
    key_id: str | None
    method: str
    route: str
    status: int
    model: str | None = None
    notes: int = 0
    withheld: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    milliseconds: int = 0


class Audit:
    """Writes entries, many in one commit: while one commit is under way, the next entries gather."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[Entry, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            await self._task

    async def write(self, entry: Entry) -> None:
        """Returns when the entry is on disk.

        Raises:
            SQLAlchemyError: it could not be written. The request must not be answered then.
        """
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, done))
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._commit_all())
        # whoever asked may be gone: the entry is written all the same
        await asyncio.shield(done)

    async def _commit_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            rows = [asdict(entry) for entry, _ in batch]
            try:
                await self._database.run(lambda connection, rows=rows: _insert(connection, rows))  # type: ignore[misc]
            except Exception as error:  # noqa: BLE001 - each who waits is told
                for _, done in batch:
                    _tell(done, error)
            else:
                for _, done in batch:
                    _tell(done, None)


def _tell(done: asyncio.Future[None], error: Exception | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
        return
    done.set_exception(error)
    with contextlib.suppress(Exception):
        done.exception()  # where nobody waits any more, the loop need not complain


def _insert(connection: Connection, rows: list[dict[str, object]]) -> None:
    connection.execute(insert(AUDIT), rows)


def entries(connection: Connection, since: int = 0) -> Iterator[Entry]:
    """Entries from Unix second ``since`` on, the oldest first."""
    columns = [AUDIT.c[name] for name in Entry.__dataclass_fields__]
    for row in connection.execute(select(*columns).where(AUDIT.c.at >= since).order_by(AUDIT.c.id)):
        yield Entry(*row)


def forget_before(connection: Connection, at: int) -> int:
    """Removes entries older than Unix second ``at``; how many there were."""
    return connection.execute(delete(AUDIT).where(AUDIT.c.at < at)).rowcount

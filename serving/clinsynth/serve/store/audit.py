"""Who asked for how much. An entry is on disk before the last byte of its answer leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, delete, insert, select

from clinsynth.serve.store.database import Database
from clinsynth.serve.store.gathered import Gathered
from clinsynth.serve.store.tables import AUDIT


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
    """An async context manager: what was to be written is, when it ends."""

    def __init__(self, database: Database) -> None:
        self._gathered = Gathered(database, _insert)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._gathered.settle()

    async def write(self, entry: Entry) -> None:
        """Returns when the entry is on disk; it is written also when whoever asks is gone.

        Raises:
            SQLAlchemyError: it could not be written. The request must not be answered then.
        """
        await self._gathered.write(entry)


def _insert(connection: Connection, entries: list[Entry]) -> None:
    connection.execute(insert(AUDIT), [asdict(entry) for entry in entries])


def entries(connection: Connection, since: int = 0) -> Iterator[Entry]:
    """Entries from Unix second ``since`` on, the oldest first."""
    columns = [AUDIT.c[name] for name in Entry.__dataclass_fields__]
    for row in connection.execute(select(*columns).where(AUDIT.c.at >= since).order_by(AUDIT.c.id)):
        yield Entry(*row)


def forget_before(connection: Connection, at: int) -> int:
    """Removes entries older than Unix second ``at``; how many there were."""
    return connection.execute(delete(AUDIT).where(AUDIT.c.at < at)).rowcount

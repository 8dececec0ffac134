"""Batches: a state, lines with at most one result each, and a lease of the one server that runs it.

What is done survives a kill: a line's result, its count and its audit entry are one transaction. When a
batch has ended its lines are removed; what came out stands in its files.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from clinsynth.serve.store.audit import Entry
from clinsynth.serve.store.files import save_file
from clinsynth.serve.store.ids import new_id
from clinsynth.serve.store.paging import Page
from clinsynth.serve.store.tables import AUDIT, BATCHES, LINES

Status = Literal["validating", "in_progress", "completed", "failed", "expired", "cancelling", "cancelled"]
OPEN: Final = ("validating", "in_progress", "cancelling")
_INSERTED_TOGETHER: Final = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as its row says; times are Unix seconds.

    Args:
        extra: the client's ``metadata`` as JSON.
        errors: why it failed, as JSON (OpenAI's list); None where it has not.
        ended: when it completed, failed, expired or was cancelled.
    """

    id: str
    key_id: str
    served: str
    endpoint: str
    input_file_id: str
    completion_window: str
    status: Status
    extra: str
    errors: str | None
    output_file_id: str | None
    error_file_id: str | None
    created: int
    expires: int
    in_progress: int | None
    cancelling: int | None
    ended: int | None
    total: int
    completed: int
    failed: int
    owner: str | None
    lease: int | None


@dataclass(frozen=True, slots=True, repr=False)
class Line:
    """A line that has no result yet; ``body`` is JSON."""

    number: int
    custom_id: str
    body: str


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """What came of a line.

    Args:
        status: HTTP's; 200 is a success.
        text: the line of the output or error file, without its end.
        entry: for the audit.
    """

    number: int
    status: int
    text: str
    entry: Entry


class LostBatchError(Exception):
    """Another server runs the batch by now, or it is gone."""


def create_batch(
    connection: Connection,
    key_id: str,
    served: str,
    endpoint: str,
    input_file_id: str,
    window: str,
    seconds: int,
    extra: str,
) -> Batch:
    """A new batch that waits for a server.

    Args:
        served: the model that a server must have to run it.
        seconds: until it expires; ``window`` is the same as the client wrote it.
    """
    now, batch_id = int(time.time()), new_id("batch_")
    row = {
        "id": batch_id,
        "key_id": key_id,
        "served": served,
        "endpoint": endpoint,
        "input_file_id": input_file_id,
        "completion_window": window,
        "status": "validating",
        "extra": extra,
        "created": now,
        "expires": now + seconds,
        "total": 0,
        "completed": 0,
        "failed": 0,
    }
    connection.execute(insert(BATCHES).values(row))
    return _one(connection, BATCHES.c.id == batch_id)


def find_batch(connection: Connection, key_id: str, batch_id: str) -> Batch | None:
    """A key's batch; None where there is none."""
    row = connection.execute(
        select(BATCHES).where(BATCHES.c.id == batch_id, BATCHES.c.key_id == key_id)
    ).one_or_none()
    return None if row is None else Batch(*row)


def list_batches(connection: Connection, key_id: str, page: Page) -> list[Batch]:
    """A page of a key's batches, and one more where there are more."""
    query = page.of(select(BATCHES).where(BATCHES.c.key_id == key_id), BATCHES)
    return [Batch(*row) for row in connection.execute(query)]


def open_batches(connection: Connection, key_id: str) -> int:
    """How many of a key's batches have not ended."""
    where = (BATCHES.c.key_id == key_id, BATCHES.c.status.in_(OPEN))
    return connection.scalar(select(func.count()).select_from(BATCHES).where(*where)) or 0


def cancel_batch(connection: Connection, key_id: str, batch_id: str) -> Batch | None:
    """Asks for the end of a batch; one that has ended or is about to is left as it is."""
    connection.execute(
        update(BATCHES)
        .where(
            BATCHES.c.id == batch_id,
            BATCHES.c.key_id == key_id,
            BATCHES.c.status.in_(("validating", "in_progress")),
        )
        .values(status="cancelling", cancelling=int(time.time()))
    )
    return find_batch(connection, key_id, batch_id)


def claim_batch(connection: Connection, served: str, owner: str, seconds: int) -> Batch | None:
    """The oldest open batch of the model that no server runs, from now on run by ``owner``; None: none."""
    now = int(time.time())
    free = BATCHES.c.owner.is_(None) | (BATCHES.c.lease < now)
    query = (
        select(BATCHES.c.id)
        .where(BATCHES.c.served == served, BATCHES.c.status.in_(OPEN), free)
        .order_by(BATCHES.c.created, BATCHES.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    batch_id = connection.scalar(query)
    if batch_id is None:
        return None
    where = BATCHES.c.id == batch_id
    connection.execute(update(BATCHES).where(where).values(owner=owner, lease=now + seconds))
    return _one(connection, where)


def renew_lease(connection: Connection, batch_id: str, owner: str, seconds: int) -> Batch:
    """The batch as it is now, the owner's for so long.

    Raises:
        LostBatchError: it is not the owner's.
    """
    where = _owned(batch_id, owner)
    changed = connection.execute(update(BATCHES).where(*where).values(lease=int(time.time()) + seconds))
    if not changed.rowcount:
        raise LostBatchError
    return _one(connection, *where)


def release_batch(connection: Connection, batch_id: str, owner: str) -> None:
    """Another server may go on with it at once."""
    connection.execute(update(BATCHES).where(*_owned(batch_id, owner)).values(owner=None, lease=None))


def begin_batch(connection: Connection, batch_id: str, owner: str, lines: Iterable[Line]) -> None:
    """The input is good: its lines are to be run, unless the batch is being cancelled."""
    connection.execute(delete(LINES).where(LINES.c.batch_id == batch_id))
    total, waiting = 0, list[dict[str, Any]]()
    for line in lines:
        waiting.append({"batch_id": batch_id, **asdict(line)})
        total += 1
        if len(waiting) == _INSERTED_TOGETHER:
            connection.execute(insert(LINES), waiting)
            waiting.clear()
    if waiting:
        connection.execute(insert(LINES), waiting)
    where = (*_owned(batch_id, owner), BATCHES.c.status == "validating")
    connection.execute(
        update(BATCHES)
        .where(*where)
        .values(status="in_progress", in_progress=int(time.time()), total=total)
    )


def fail_batch(connection: Connection, batch_id: str, owner: str, errors: str) -> None:
    """The input is no good. ``errors`` is OpenAI's list, as JSON."""
    ended = {"status": "failed", "ended": int(time.time()), "errors": errors, "owner": None, "lease": None}
    connection.execute(update(BATCHES).where(*_owned(batch_id, owner)).values(ended))


def pending_lines(connection: Connection, batch_id: str, after: int, most: int) -> list[Line]:
    """Lines without a result, by number, from behind number ``after`` on."""
    query = (
        select(LINES.c.number, LINES.c.custom_id, LINES.c.body)
        .where(LINES.c.batch_id == batch_id, LINES.c.result.is_(None), LINES.c.number > after)
        .order_by(LINES.c.number)
        .limit(most)
    )
    return [Line(*row) for row in connection.execute(query)]


def store_results(connection: Connection, results: Sequence[Result], batch_id: str, owner: str) -> None:
    """Results with their audit entries, together.

    Raises:
        LostBatchError: the batch is not the owner's; nothing is stored.
    """
    if connection.scalar(select(BATCHES.c.id).where(*_owned(batch_id, owner)).with_for_update()) is None:
        raise LostBatchError
    completed = failed = 0
    for result in results:
        changed = connection.execute(
            update(LINES)
            .where(LINES.c.batch_id == batch_id, LINES.c.number == result.number, LINES.c.result.is_(None))
            .values(status=result.status, result=result.text)
        )
        assert changed.rowcount == 1, "a line has one result"
        completed += result.status == 200
        failed += result.status != 200
    connection.execute(insert(AUDIT), [asdict(result.entry) for result in results])
    connection.execute(
        update(BATCHES)
        .where(BATCHES.c.id == batch_id)
        .values(completed=BATCHES.c.completed + completed, failed=BATCHES.c.failed + failed)
    )


def end_batch(
    connection: Connection,
    batch: Batch,
    owner: str,
    status: Status,
    left_over: str | None,
    seconds: int | None,
) -> None:
    """Writes the output and error files, removes the lines, and ends the batch, all in one.

    Args:
        left_over: the ``error`` of lines without a result, as JSON; None: they are left out.
        seconds: until the files are removed.
    """
    if connection.scalar(select(BATCHES.c.id).where(*_owned(batch.id, owner)).with_for_update()) is None:
        return
    values: dict[str, Any] = {"status": status, "ended": int(time.time()), "owner": None, "lease": None}
    for column, kind, lines in (
        ("output_file_id", "output", _results(connection, batch.id, LINES.c.status == 200)),
        ("error_file_id", "error", _errors(connection, batch.id, left_over)),
    ):
        first = next(lines, None)
        if first is not None:
            content = (f"{line}\n".encode() for line in _chained(first, lines))
            file = save_file(
                connection, batch.key_id, f"{batch.id}_{kind}.jsonl", "batch_output", content, seconds
            )
            values[column] = file.id
    if left_over is not None:
        values["failed"] = batch.total - _completed(connection, batch.id)
    connection.execute(update(BATCHES).where(BATCHES.c.id == batch.id).values(values))
    connection.execute(delete(LINES).where(LINES.c.batch_id == batch.id))


def _completed(connection: Connection, batch_id: str) -> int:
    return connection.scalar(select(BATCHES.c.completed).where(BATCHES.c.id == batch_id)) or 0


def _results(connection: Connection, batch_id: str, *where: ColumnElement[bool]) -> Iterator[str]:
    query = select(LINES.c.result).where(LINES.c.batch_id == batch_id, *where).order_by(LINES.c.number)
    for row in connection.execute(query.execution_options(yield_per=100)):
        yield row.result


def _errors(connection: Connection, batch_id: str, left_over: str | None) -> Iterator[str]:
    yield from _results(connection, batch_id, LINES.c.status != 200)
    if left_over is None:
        return
    query = select(LINES.c.custom_id).where(LINES.c.batch_id == batch_id, LINES.c.result.is_(None))
    for row in connection.execute(query.order_by(LINES.c.number).execution_options(yield_per=100)):
        yield json.dumps(
            {
                "id": f"batch_req_{uuid.uuid4().hex}",
                "custom_id": row.custom_id,
                "response": None,
                "error": json.loads(left_over),
            }
        )


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _owned(batch_id: str, owner: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return BATCHES.c.id == batch_id, BATCHES.c.owner == owner


def _one(connection: Connection, *where: ColumnElement[bool]) -> Batch:
    return Batch(*connection.execute(select(BATCHES).where(*where)).one())

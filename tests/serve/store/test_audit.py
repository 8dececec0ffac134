"""The audit: written when it is said to be, many in one commit, by nobody's hand but ours."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import String, text
from sqlalchemy.exc import SQLAlchemyError

from clinsynth.serve.store.audit import Audit, Entry, entries, forget_before
from clinsynth.serve.store.database import Database
from clinsynth.serve.store.tables import AUDIT


def entry(i: int) -> Entry:
    return Entry(1000 + i, f"request-{i}", "key", "POST", "/v1/notes", 200, "model", 2, 1, 10, 300, 42)


def kept(database: Database, since: int = 0) -> list[Entry]:
    return database.now(lambda connection: list(entries(connection, since)))


def test_an_entry_is_kept_as_it_was(database: Database) -> None:
    async def write() -> None:
        async with Audit(database) as audit:
            await audit.write(entry(1))
            assert kept(database) == [entry(1)]

    asyncio.run(write())


def test_many_at_once_are_all_kept_in_few_commits(database: Database) -> None:
    commits = 0
    run = database.run

    async def counted(work):  # type: ignore[no-untyped-def]
        nonlocal commits
        commits += 1
        return await run(work)

    database.run = counted  # type: ignore[method-assign]

    async def write() -> None:
        async with Audit(database) as audit:
            await asyncio.gather(*(audit.write(entry(i)) for i in range(700)))

    asyncio.run(write())
    assert sorted(one.at for one in kept(database)) == [1000 + i for i in range(700)]
    assert commits <= 5
    assert len(kept(database, since=1690)) == 10


def test_one_who_has_gone_is_written_down_all_the_same(database: Database) -> None:
    async def write() -> None:
        async with Audit(database) as audit:
            task = asyncio.ensure_future(audit.write(entry(1)))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(write())
    assert kept(database) == [entry(1)]


def test_what_cannot_be_written_is_told_and_the_next_is_written(database: Database) -> None:
    async def write() -> None:
        async with Audit(database) as audit:
            database.now(lambda c: c.execute(text("ALTER TABLE audit RENAME TO elsewhere")))
            with pytest.raises(SQLAlchemyError):
                await audit.write(entry(1))
            database.now(lambda c: c.execute(text("ALTER TABLE elsewhere RENAME TO audit")))
            await audit.write(entry(2))

    asyncio.run(write())
    assert kept(database) == [entry(2)]


def test_old_entries_can_be_forgotten(database: Database) -> None:
    async def write() -> None:
        async with Audit(database) as audit:
            await asyncio.gather(*(audit.write(entry(i)) for i in range(5)))

    asyncio.run(write())
    assert database.now(lambda c: forget_before(c, 1003)) == 3
    assert [one.at for one in kept(database)] == [1003, 1004]


def test_no_column_has_room_for_a_note() -> None:
    assert all(column.type.length <= 200 for column in AUDIT.c if isinstance(column.type, String))  # type: ignore[operator]

"""Batches: one owner, a line has one result, what is done survives."""

from __future__ import annotations

import json
import threading
import time

import pytest
from sqlalchemy import update

from clinsynth.serve.store.audit import Entry, entries
from clinsynth.serve.store.batches import (
    Batch,
    Line,
    LostBatchError,
    Result,
    begin_batch,
    cancel_batch,
    claim_batch,
    create_batch,
    end_batch,
    fail_batch,
    find_batch,
    list_batches,
    open_batches,
    pending_lines,
    release_batch,
    renew_lease,
    store_results,
)
from clinsynth.serve.store.database import Database
from clinsynth.serve.store.files import read_lines
from clinsynth.serve.store.paging import Page
from clinsynth.serve.store.tables import BATCHES

LINES = [Line(i, f"line-{i}", "{}") for i in range(1203)]


def created(database: Database, served: str = "model") -> Batch:
    return database.now(lambda c: create_batch(c, "ward", served, "/v1/notes", "file-1", "24h", 60, "null"))


def claimed(database: Database, owner: str = "me", seconds: int = 60) -> Batch | None:
    return database.now(lambda c: claim_batch(c, "model", owner, seconds))


def begun(database: Database) -> Batch:
    created(database)
    batch = claimed(database)
    assert batch is not None
    database.now(lambda c: begin_batch(c, batch.id, "me", LINES))
    return database.now(lambda c: renew_lease(c, batch.id, "me", 60))


def result(number: int, status: int = 200) -> Result:
    entry = Entry(1, f"request-{number}", "ward", "POST", "/v1/notes", status)
    return Result(number, status, json.dumps({"custom_id": f"line-{number}"}), entry)


def stored(database: Database, batch: Batch, *results: Result, owner: str = "me") -> None:
    database.now(lambda c: store_results(c, results, batch.id, owner))


def found(database: Database, batch: Batch) -> Batch:
    one = database.now(lambda c: find_batch(c, "ward", batch.id))
    assert one is not None
    return one


def ids_in(database: Database, file_id: str | None) -> list[str]:
    if file_id is None:
        return []
    return [json.loads(line)["custom_id"] for line in database.now(lambda c: list(read_lines(c, file_id)))]


def test_from_its_lines_to_its_files(database: Database) -> None:
    batch = begun(database)
    assert (batch.status, batch.total) == ("in_progress", 1203)
    assert database.now(lambda c: pending_lines(c, batch.id, 1200, 9)) == LINES[1201:]
    for start in range(0, 1203, 100):
        numbers = range(start, min(start + 100, 1203))
        stored(database, batch, *(result(n, 422 if n % 3 == 0 else 200) for n in numbers))
    now = found(database, batch)
    assert (now.completed, now.failed) == (802, 401)
    database.now(lambda c: end_batch(c, now, "me", "completed", None, 60))
    ended = found(database, batch)
    assert ended.status == "completed"
    assert ended.ended is not None
    assert ids_in(database, ended.output_file_id) == [f"line-{n}" for n in range(1203) if n % 3]
    assert ids_in(database, ended.error_file_id) == [f"line-{n}" for n in range(1203) if n % 3 == 0]
    assert database.now(lambda c: pending_lines(c, batch.id, -1, 9)) == []
    assert len(database.now(lambda c: list(entries(c)))) == 1203


def test_a_line_has_one_result(database: Database) -> None:
    batch = begun(database)
    stored(database, batch, result(0))
    with pytest.raises(AssertionError):
        stored(database, batch, result(1), result(0))
    assert found(database, batch).completed == 1
    assert [line.number for line in database.now(lambda c: pending_lines(c, batch.id, -1, 2))] == [1, 2]


def test_one_server_runs_it(database: Database) -> None:
    batch = created(database)
    assert claimed(database, "me") is not None
    assert claimed(database, "other") is None
    with pytest.raises(LostBatchError):
        database.now(lambda c: renew_lease(c, batch.id, "other", 60))
    database.now(lambda c: c.execute(update(BATCHES).values(lease=int(time.time()) - 1)))
    assert claimed(database, "other") is not None
    with pytest.raises(LostBatchError):
        stored(database, batch, result(0))
    database.now(lambda c: end_batch(c, batch, "me", "completed", None, 60))
    assert found(database, batch).status == "validating", "what another runs is not mine to end"
    database.now(lambda c: release_batch(c, batch.id, "other"))
    assert claimed(database, "me") is not None


def test_servers_that_ask_together_do_not_get_the_same(database: Database) -> None:
    for _ in range(4):
        created(database)
    got: list[str] = []
    start = threading.Barrier(6)

    def ask(owner: str) -> None:
        start.wait()
        batch = claimed(database, owner)
        if batch is not None:
            got.append(batch.id)

    threads = [threading.Thread(target=ask, args=(f"server-{i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == len(set(got)) >= 3  # one that finds the oldest locked may look past it, or find none


def test_the_oldest_first_and_only_of_the_model(database: Database) -> None:
    created(database, "another model")
    first = created(database)
    database.now(lambda c: c.execute(update(BATCHES).values(created=1)))
    created(database)
    batch = claimed(database)
    assert batch is not None
    assert batch.id == first.id


def test_cancelling_keeps_what_is_done(database: Database) -> None:
    batch = begun(database)
    stored(database, batch, result(0), result(5, 400))
    asked = database.now(lambda c: cancel_batch(c, "ward", batch.id))
    assert asked is not None
    assert asked.status == "cancelling"
    now = found(database, batch)
    database.now(lambda c: end_batch(c, now, "me", "cancelled", None, 60))
    ended = found(database, batch)
    assert (ended.status, ended.completed, ended.failed, ended.total) == ("cancelled", 1, 1, 1203)
    assert ids_in(database, ended.output_file_id) == ["line-0"]
    assert ids_in(database, ended.error_file_id) == ["line-5"]
    again = database.now(lambda c: cancel_batch(c, "ward", batch.id))
    assert again == ended


def test_expiry_tells_of_every_line_that_had_no_turn(database: Database) -> None:
    batch = begun(database)
    stored(database, batch, result(3))
    now = found(database, batch)
    left = json.dumps({"code": "batch_expired", "message": "over"})
    database.now(lambda c: end_batch(c, now, "me", "expired", left, 60))
    ended = found(database, batch)
    assert (ended.status, ended.completed, ended.failed) == ("expired", 1, 1202)
    assert ids_in(database, ended.error_file_id) == [f"line-{n}" for n in range(1203) if n != 3]


def test_an_input_that_is_no_good_ends_it(database: Database) -> None:
    created(database)
    batch = claimed(database)
    assert batch is not None
    assert database.now(lambda c: open_batches(c, "ward")) == 1
    database.now(lambda c: fail_batch(c, batch.id, "me", '{"data": []}'))
    assert found(database, batch).status == "failed"
    assert database.now(lambda c: open_batches(c, "ward")) == 0
    assert claimed(database) is None


def test_another_key_sees_nothing(database: Database) -> None:
    batch = created(database)
    assert database.now(lambda c: find_batch(c, "other", batch.id)) is None
    assert database.now(lambda c: cancel_batch(c, "other", batch.id)) is None
    assert database.now(lambda c: list_batches(c, "other", Page())) == []
    assert found(database, batch).status == "validating"

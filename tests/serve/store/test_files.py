"""Files: every byte comes back, whole or not at all, to the key that brought it."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from clinsynth.serve.store.database import Database
from clinsynth.serve.store.files import (
    CHUNK_BYTES,
    delete_expired,
    delete_file,
    find_file,
    list_files,
    read_chunk,
    read_lines,
    save_file,
)
from clinsynth.serve.store.paging import Page
from clinsynth.serve.store.tables import CHUNKS, FILES


def saved(database: Database, content: list[bytes], key: str = "ward", seconds: int | None = 60):  # type: ignore[no-untyped-def]
    return database.now(lambda c: save_file(c, key, "in.jsonl", "batch", content, seconds))


def content_of(database: Database, file_id: str) -> bytes:
    found, number = b"", 0
    while (chunk := database.now(lambda c, n=number: read_chunk(c, file_id, n))) is not None:
        assert 0 < len(chunk) <= CHUNK_BYTES
        found, number = found + chunk, number + 1
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(st.lists(st.binary(max_size=50), max_size=20))
def test_every_byte_comes_back(database: Database, pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    file = saved(database, pieces)
    assert file.bytes == len(whole)
    assert content_of(database, file.id) == whole
    lines = database.now(lambda c: list(read_lines(c, file.id)))
    assert lines == (whole[:-1] if whole.endswith(b"\n") else whole).split(b"\n") * bool(whole)


@pytest.mark.parametrize("size", [CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 7])
def test_chunks_of_large_files(database: Database, size: int) -> None:
    whole = bytes(i % 251 for i in range(size))
    file = saved(database, [whole[: size // 3], whole[size // 3 :]])
    assert content_of(database, file.id) == whole


def test_lines_that_straddle_chunks(database: Database) -> None:
    lines = [b"x" * n for n in (CHUNK_BYTES - 3, 10, 0, 2 * CHUNK_BYTES, 5)]
    file = saved(database, [b"\n".join(lines)])
    assert database.now(lambda c: list(read_lines(c, file.id))) == lines


def test_what_breaks_off_leaves_nothing(database: Database) -> None:
    def pieces():  # type: ignore[no-untyped-def]
        yield b"x" * (2 * CHUNK_BYTES)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        saved(database, pieces())
    with database.transaction() as connection:
        assert connection.scalar(select(func.count()).select_from(CHUNKS)) == 0


def test_another_key_sees_nothing(database: Database) -> None:
    file = saved(database, [b"x"])
    assert database.now(lambda c: find_file(c, "ward", file.id)) == file
    assert database.now(lambda c: find_file(c, "other", file.id)) is None
    assert database.now(lambda c: list_files(c, "other", Page())) == []
    assert not database.now(lambda c: delete_file(c, "other", file.id))
    assert database.now(lambda c: delete_file(c, "ward", file.id))
    assert content_of(database, file.id) == b""


def test_what_has_expired_is_not_there_and_then_removed(database: Database) -> None:
    file, lasting = saved(database, [b"x"]), saved(database, [b"y"], seconds=None)
    database.now(
        lambda c: c.execute(update(FILES).where(FILES.c.id == file.id).values(expires=int(time.time()) - 1))
    )
    assert database.now(lambda c: find_file(c, "ward", file.id)) is None
    assert database.now(lambda c: list_files(c, "ward", Page())) == [lasting]
    assert database.now(delete_expired) == 1
    assert content_of(database, file.id) == b""


def test_the_newest_comes_first_within_a_second_too(database: Database) -> None:
    files = [saved(database, [b"x"]).id for _ in range(9)]
    assert [one.id for one in database.now(lambda c: list_files(c, "ward", Page()))] == files[::-1]


def test_pages_hold_each_file_once_in_order(database: Database) -> None:
    files = [saved(database, [b"x"]) for _ in range(7)]
    database.now(lambda c: c.execute(update(FILES).values(created=1)))  # ties
    for newest_first in (True, False):
        seen: list[str] = []
        after = None
        while True:
            page = Page(3, after, newest_first)
            found = database.now(lambda c, page=page: list_files(c, "ward", page))
            seen += [one.id for one in found[:3]]
            if len(found) <= 3:
                break
            after = seen[-1]
        assert seen == sorted((one.id for one in files), reverse=newest_first)
    nowhere = Page(3, "file-" + "0" * 32)
    assert database.now(lambda c: list_files(c, "ward", nowhere)) == []

"""Opening, upgrading, and what a commit is worth."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import stat
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, func, select, text

from clinsynth.errors import FolderError, UsageError
from clinsynth.serve.store.database import Database, checked_url, default_url
from clinsynth.serve.store.keys import create_key, list_keys
from clinsynth.serve.store.tables import KEYS, METADATA


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "no URL"),
        ("clinsynth.sqlite", "no URL"),
        ("mysql://a:hidden@host/b", "not one of"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
    ],
)
def test_a_url_that_will_not_do(url: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as error:
        checked_url(url)
    assert "hidden" not in str(error.value)


@pytest.mark.parametrize(
    "url", ["sqlite:////var/lib/x.sqlite", "postgresql://u@h/n", "postgresql+psycopg://u@h/n"]
)
def test_a_url_that_will_do(url: str) -> None:
    assert checked_url(url).get_backend_name() in ("sqlite", "postgresql")


def test_the_default_is_in_the_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_url() == f"sqlite:///{tmp_path}/clinsynth/serve.sqlite"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_url() == f"sqlite:///{tmp_path}/.local/state/clinsynth/serve.sqlite"


def test_migrations_make_what_the_code_expects(database: Database) -> None:
    with database.transaction() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_opening_again_changes_nothing(url: str) -> None:
    with Database(url) as first:
        first.now(lambda connection: create_key(connection, "ward", ["generate"]))
    with Database(url) as again:
        assert [key.name for key in again.now(list_keys)] == ["ward"]


def test_servers_that_start_together_take_turns(url: str) -> None:
    opened = threading.Barrier(4)
    failed: list[BaseException] = []

    def start() -> None:
        opened.wait()
        try:
            Database(url).close()
        except BaseException as error:  # noqa: BLE001 - the main thread shows it
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_newer_release_s_database_is_refused(url: str) -> None:
    with Database(url) as one:
        one.now(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(FolderError, match="newer release"):
        Database(url)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Mr. Bloomquist was seen today. " * 100)
    with pytest.raises(FolderError, match="cannot be opened") as error:
        Database(f"sqlite:///{path}")
    assert "Bloomquist" not in str(error.value)


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(FolderError, match="cannot be opened") as error:
        Database("postgresql://u:hidden@127.0.0.1:1/n")
    assert "hidden" not in str(error.value)


def test_the_file_is_the_owner_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "serve.sqlite"
    Database(f"sqlite:///{path}").close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    def half(connection: Connection) -> None:
        create_key(connection, "ward", ["generate"])
        raise RuntimeError

    with pytest.raises(RuntimeError):
        asyncio.run(database.run(half))
    assert database.now(list_keys) == []


def test_transactions_that_read_and_write_do_not_lose_each_other(database: Database) -> None:
    def one_more(connection: Connection) -> None:
        count = connection.scalar(select(func.count()).select_from(KEYS))
        create_key(connection, f"key-{count}-{threading.get_ident()}", ["generate"])

    async def many() -> None:
        await asyncio.gather(*(database.run(one_more) for _ in range(40)))

    asyncio.run(many())
    assert len(database.now(list_keys)) == 40


def _write_until_killed(url: str, told: multiprocessing.connection.Connection) -> None:
    with Database(url) as one:
        for i in range(10_000):
            one.now(lambda connection, i=i: create_key(connection, f"key-{i}", ["generate"]))  # type: ignore[misc]
            told.send(i)


def test_what_was_reported_outlives_a_kill(url: str) -> None:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    writer = context.Process(target=_write_until_killed, args=(url, there))
    writer.start()
    there.close()  # so that the writer's end is the pipe's
    last = -1
    while last < 20:
        last = here.recv()
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    with contextlib.suppress(EOFError):
        while True:
            last = here.recv()
    with Database(url) as one:
        names = {key.name for key in one.now(list_keys)}
    assert names >= {f"key-{i}" for i in range(last + 1)}

"""One database by URL: SQLite in a file by default, PostgreSQL for several servers. Brought up to date on
opening, and asked beside the event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from clinsynth.errors import FolderError, MissingExtraError, UsageError

T = TypeVar("T")
_MIGRATIONS: Final = Path(__file__).with_name("migrations")
_MIGRATION_LOCK: Final = (
    7_216_533_001  # of PostgreSQL's advisory locks: servers that start together take turns
)
_BUSY_SECONDS: Final = 30


class Database:
    """A context manager.

    Args:
        url: SQLAlchemy's, such as ``sqlite:////var/lib/clinsynth/serve.sqlite`` or
            ``postgresql+psycopg://user@host/name``.

    Raises:
        UsageError: the URL is none, or names another database than the two.
        MissingExtraError: the driver is not installed.
        FolderError: the database can't be opened, or was written by a newer release.
    """

    def __init__(self, url: str) -> None:
        self._url = checked_url(url)
        self._threads = ThreadPoolExecutor(1 if self.is_sqlite else 4, thread_name_prefix="database")
        self._engine = _engine(self._url)
        try:
            self._upgrade()
        except DBAPIError as error:
            self.close()
            raise FolderError(f"{self.name}: cannot be opened ({type(error.orig).__name__})") from None
        except BaseException:
            self.close()
            raise

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine."""
        return self._url.get_backend_name() == "sqlite"

    @property
    def name(self) -> str:
        """The URL without its password."""
        return self._url.render_as_string(hide_password=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Waits for what is under way."""
        self._threads.shutdown(wait=True)
        self._engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All of the block or nothing of it, on disk when it has ended."""
        with self._engine.begin() as connection:
            yield connection

    async def run(self, work: Callable[[Connection], T]) -> T:
        """``work`` in a transaction of its own, beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.now, work)

    def now(self, work: Callable[[Connection], T]) -> T:
        """``work`` in a transaction of its own."""
        with self.transaction() as connection:
            return work(connection)

    def _upgrade(self) -> None:
        from alembic.command import upgrade
        from alembic.config import Config
        from alembic.runtime.migration import MigrationContext
        from alembic.script import ScriptDirectory

        with self.transaction() as connection:
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _MIGRATION_LOCK})
            config = Config(attributes={"connection": connection})
            config.set_main_option("script_location", str(_MIGRATIONS))
            script = ScriptDirectory.from_config(config)
            stands = MigrationContext.configure(connection).get_current_revision()
            if stands == script.get_current_head():
                return
            if stands is not None and stands not in {one.revision for one in script.walk_revisions()}:
                raise FolderError(f"{self.name}: was written by a newer release of clinsynth")
            upgrade(config, "head")


def default_url() -> str:
    """A SQLite file in the user's state folder (XDG), which is made when it is missing."""
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return f"sqlite:///{home / 'clinsynth' / 'serve.sqlite'}"


def checked_url(url: str) -> URL:
    """The URL, read.

    Raises:
        UsageError: it is none, or names another database than SQLite in a file or PostgreSQL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:  # its message shows the URL, which may hold a password
        raise UsageError("database: is no URL; sqlite:///FILE or postgresql://USER@HOST/NAME") from None
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        raise UsageError(f"database: {parsed.drivername} is not one of sqlite and postgresql")
    if not parsed.database or parsed.database == ":memory:":
        raise UsageError(
            "database: sqlite needs a file, sqlite:///FILE: what is kept must outlive a restart"
        )
    return parsed


def _engine(url: URL) -> Engine:
    try:
        if url.get_backend_name() != "sqlite":
            return create_engine(url, pool_pre_ping=True)
        assert url.database is not None
        path = Path(url.database)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)  # hashed keys and clients' files: nobody else's to read
        except OSError as error:
            raise FolderError(f"{path}: {error.strerror}") from None
        engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
        event.listen(engine, "connect", _as_wal)
        event.listen(engine, "begin", _take_turns)
    except (NoSuchModuleError, ModuleNotFoundError):
        raise MissingExtraError("psycopg", "postgresql") from None
    return engine


def _as_wal(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver begins no transactions: `_take_turns` does
    cursor = connection.cursor()
    # FULL: a commit is on disk before it is reported, also in write-ahead mode
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _take_turns(connection: Connection) -> None:
    # a transaction that reads first and writes then would fail where another wrote between
    connection.exec_driver_sql("BEGIN IMMEDIATE")

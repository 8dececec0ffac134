"""Which key opens a server that nobody has given one."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from clinsynth.errors import UsageError
from clinsynth.serve.run import _with_key, listener
from clinsynth.serve.settings import Settings
from clinsynth.serve.store.database import Database
from clinsynth.serve.store.keys import create_key, revoke_key


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(Path("model"), database_url=f"sqlite:///{tmp_path}/serve.sqlite")


def test_this_machine_gets_a_key_for_the_run(settings: Settings) -> None:
    first, second = (_with_key(settings, "127.0.0.1") for _ in range(2))
    assert first.shows_key
    assert first.api_key is not None
    assert len(first.api_key) >= 32
    assert first.api_key != second.api_key


def test_a_key_that_somebody_made_is_enough(settings: Settings) -> None:
    with Database(settings.database) as database:
        database.now(lambda c: create_key(c, "ward", ["generate"]))
    for host in ("127.0.0.1", "0.0.0.0"):
        assert _with_key(settings, host) == settings


def test_others_need_a_key_in_force(settings: Settings) -> None:
    with Database(settings.database) as database:
        database.now(lambda c: create_key(c, "ward", ["generate"]))
        database.now(lambda c: revoke_key(c, "ward"))
    with pytest.raises(UsageError, match="clinsynth keys create"):
        _with_key(settings, "0.0.0.0")


def test_answers_leave_at_once() -> None:
    # asyncio sets TCP_NODELAY only where the socket says that it is TCP's: without, each answer waits 40 ms
    with listener("127.0.0.1", 0) as sock:
        assert sock.proto == socket.IPPROTO_TCP

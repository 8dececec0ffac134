"""Keys: what is kept, what opens, what is refused."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import select

from clinsynth.errors import UsageError
from clinsynth.serve.store.database import Database
from clinsynth.serve.store.keys import Allowance, Key, create_key, find_key, list_keys, revoke_key
from clinsynth.serve.store.tables import KEYS


def made(database: Database, name: str = "ward-7", **more: object) -> str:
    return database.now(lambda c: create_key(c, name, ["generate", "batches"], **more))  # type: ignore[arg-type]


def found(database: Database, shown: str) -> Key | None:
    return database.now(lambda c: find_key(c, shown))


def test_a_key_is_found_by_what_was_shown_once(database: Database) -> None:
    allowance = Allowance(10, 2000, 3)
    shown = made(database, allowance=allowance, expires=int(time.time()) + 60)
    key = found(database, shown)
    assert key is not None
    assert (key.name, key.scopes, key.allowance) == ("ward-7", {"generate", "batches"}, allowance)
    assert key.is_good(time.time())
    assert not key.is_good(time.time() + 61)


def test_the_secret_is_not_kept(database: Database) -> None:
    secret = made(database).rsplit("-", 1)[1]
    with database.transaction() as connection:
        [row] = connection.execute(select(KEYS)).all()
    assert secret not in repr(tuple(row))
    assert len(row.digest) == 32


def test_what_does_not_open(database: Database) -> None:
    shown = made(database)
    prefix, key_id, _ = shown.split("-", 2)
    other = made(database, "other").split("-", 2)[2]
    for wrong in (
        "", "x", shown[:-1], shown + "A", shown.upper(), f"{prefix}-{key_id}-{other}",
        f"{prefix}-{'0' * 12}-{other}", "cs--", "é" * 60, "\ud800", " " + shown,
    ):  # fmt: skip
        assert found(database, wrong) is None, wrong


def test_a_revoked_key_is_known_and_no_good(database: Database) -> None:
    shown = made(database)
    database.now(lambda c: revoke_key(c, "ward-7"))
    key = found(database, shown)
    assert key is not None
    assert not key.is_good(time.time())
    for name in ("ward-7", "nobody"):
        with pytest.raises(UsageError, match="no key"):
            database.now(lambda c, name=name: revoke_key(c, name))
    with pytest.raises(UsageError, match="already"):
        made(database)


@pytest.mark.parametrize(
    ("name", "scopes", "expires", "says"),
    [
        ("", ["generate"], None, "name"),
        ("a b", ["generate"], None, "name"),
        ("-a", ["generate"], None, "name"),
        ("a" * 101, ["generate"], None, "name"),
        ("a", [], None, "scopes"),
        ("a", ["generate", "root"], None, "scopes"),
        ("a", ["generate"], 1, "past"),
    ],
)
def test_keys_that_cannot_be(
    database: Database, name: str, scopes: list[str], expires: int | None, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        database.now(lambda c: create_key(c, name, scopes, expires))
    assert database.now(list_keys) == []

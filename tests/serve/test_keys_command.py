"""``clinsynth keys`` as a person uses it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from clinsynth.errors import UsageError
from clinsynth.serve.keys_command import keys, seconds
from clinsynth.serve.store.database import Database
from clinsynth.serve.store.keys import find_key


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/serve.sqlite"


def run(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(keys, arguments, env={"CLINSYNTH_DATABASE_URL": url})


def test_the_life_of_a_key(url: str) -> None:
    assert "no keys" in run(url, "list").stderr
    made = run(url, "create", "ward-7", "--scope", "generate", "--expires", "90d", "--concurrency", "4")
    assert made.exit_code == 0, made.output
    shown = made.stdout.strip()
    with Database(url) as database:
        key = database.now(lambda c: find_key(c, shown))
    assert key is not None
    assert key.expires == pytest.approx(key.created + 90 * 86400, abs=5)
    assert (key.scopes, key.allowance.concurrency) == ({"generate"}, 4)
    listed = run(url, "list").stdout
    assert "ward-7" in listed
    assert "in force until" in listed
    assert shown not in listed
    assert shown.rsplit("-", 1)[1] not in listed
    assert run(url, "revoke", "ward-7").exit_code == 0
    assert "revoked" in run(url, "list").stdout


def test_what_is_wrong_is_said_in_one_line(url: str) -> None:
    run(url, "create", "ward")
    for arguments, says in (
        (("create", "ward"), "already"),
        (("create", "a b"), "name"),
        (("create", "b", "--expires", "soon"), "--expires soon"),
        (("revoke", "nobody"), "keys list"),
    ):
        error = run(url, *arguments).exception
        assert isinstance(error, UsageError)
        assert says in str(error)
        assert "\n" not in str(error)


@pytest.mark.parametrize(("text", "wanted"), [("12h", 43200), ("90d", 7776000), ("4w", 2419200)])
def test_times(text: str, wanted: int) -> None:
    assert seconds(text) == wanted


@pytest.mark.parametrize("text", ["", "0d", "-1d", "90", "d", "1y", "1.5d"])
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        seconds(text)

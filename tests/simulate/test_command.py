"""``clinsynth simulate``: what it writes, and what it refuses."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from clinsynth.corpus import from_dict
from clinsynth.errors import ClinsynthError
from clinsynth.simulate import simulate_notes
from clinsynth.simulate.command import simulate


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(simulate, [str(a) for a in arguments])


def test_plain_and_packed_hold_the_same_notes(tmp_path: Path) -> None:
    plain, packed = tmp_path / "notes.jsonl", tmp_path / "notes.jsonl.gz"
    assert _run(plain, "--notes", 12, "--seed", 3).exit_code == 0
    assert _run(packed, "--notes", 12, "--seed", 3).exit_code == 0
    rows = plain.read_text("utf-8").splitlines()
    assert gzip.decompress(packed.read_bytes()).decode().splitlines() == rows
    assert [from_dict(json.loads(row)) for row in rows] == list(simulate_notes(12, 3))


def test_parts_make_the_whole(tmp_path: Path) -> None:
    whole, first, second = (tmp_path / f"{name}.jsonl" for name in ("whole", "first", "second"))
    _run(whole, "--notes", 10, "--seed", 3)
    _run(first, "--notes", 4, "--seed", 3)
    _run(second, "--notes", 6, "--seed", 3, "--start", 4)
    assert first.read_bytes() + second.read_bytes() == whole.read_bytes()


def test_parquet(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    out = tmp_path / "notes.parquet"
    assert _run(out, "--notes", 5, "--seed", 3).exit_code == 0
    assert pq.read_table(out).column("id").to_pylist() == [f"sim-{i:06}" for i in range(5)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("notes.jsonl", "--notes", 0), "--notes is 0"),
        (("notes.jsonl", "--notes", -5), "--notes is -5"),
        (("notes.csv", "--notes", 5), "must end in .jsonl"),
        (("notes", "--notes", 5), "must end in .jsonl"),
        (("notes.jsonl", "--notes", 5, "--start", -1), "--start is -1"),
    ],
)
def test_nonsense_is_refused_in_one_line(
    tmp_path: Path, arguments: tuple[object, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = _run(*arguments)
    assert isinstance(result.exception, ClinsynthError)
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_unless_asked(tmp_path: Path) -> None:
    out = tmp_path / "notes.jsonl"
    out.write_text("mine\n")
    result = _run(out, "--notes", 2)
    assert isinstance(result.exception, ClinsynthError)
    assert "--overwrite" in str(result.exception)
    assert out.read_text() == "mine\n"
    assert _run(out, "--notes", 2, "--overwrite").exit_code == 0
    assert len(out.read_text("utf-8").splitlines()) == 2


def test_help_teaches() -> None:
    text = _run("--help").output
    assert "Example: clinsynth simulate" in text
    assert "--overwrite" in text

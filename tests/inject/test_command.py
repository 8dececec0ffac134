"""``clinsynth inject``: gold on disk, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from clinsynth.corpus.readers import read_notes
from clinsynth.corpus.writers import NoteWriter
from clinsynth.inject.command import inject
from clinsynth.simulate import simulate_notes


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(inject, [str(a) for a in arguments])


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.jsonl"
    with NoteWriter(path) as writer:
        for note in simulate_notes(6, seed=2):
            writer.write(note)
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".parquet"])
def test_writes_what_can_be_read_again(notes: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"gold{suffix}"
    result = _run(notes, out, "--split", "dev", "--seed", "3")
    assert result.exit_code == 0, result.output
    gold = list(read_notes(out))
    assert len(gold) == 6
    assert all(note.phi for note in gold)
    assert f"{sum(len(note.phi) for note in gold):,} identifiers" in result.output


def test_the_same_again_with_the_same_seed(notes: Path, tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        _run(notes, tmp_path / name, "--split", "test")
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--notes", "0"], "ask for at least 1"),
        (["--per-note", "2"], "ask for at least 5"),
    ],
)
def test_refuses_what_makes_no_gold(notes: Path, tmp_path: Path, arguments: list[str], told: str) -> None:
    out = tmp_path / "gold.jsonl"
    result = _run(notes, out, "--split", "dev", *arguments)
    assert result.exit_code != 0
    assert told in str(result.exception)
    assert not out.exists()


def test_does_not_overwrite_unasked(notes: Path, tmp_path: Path) -> None:
    out = tmp_path / "gold.jsonl"
    out.write_text("mine")
    result = _run(notes, out, "--split", "dev")
    assert result.exit_code != 0
    assert "--overwrite" in str(result.exception)
    assert out.read_text() == "mine"
    odd = _run(notes, tmp_path / "gold.csv", "--split", "dev")
    assert odd.exit_code != 0
    assert ".parquet" in str(odd.exception)

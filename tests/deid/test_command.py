"""``clinsynth deid`` on real files, in its three modes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clinsynth.corpus.readers import read_notes
from clinsynth.deid import TAG

NOTES = [
    {"id": "a", "patient_id": "p1", "text": "Patient: Mr. John Okonkwo\nMRN: 48213377\nSeen on 3/14/2019."},
    {"id": "b", "patient_id": "p1", "text": "Mr. Okonkwo called from 212-555-0147 about his cough."},
    {"id": "c", "patient_id": "p2", "text": "BP 120/80, pain 7/10, strength 5/5. Take 1-2 tablets daily."},
]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in NOTES), "utf-8")
    return path


def deid(*arguments: str | Path, key: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "CLINSYNTH_DEID_KEY"}
    return subprocess.run(
        [sys.executable, "-m", "clinsynth.cli", "deid", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=environment if key is None else environment | {"CLINSYNTH_DEID_KEY": key},
    )


def test_spans_are_offsets_into_the_text_as_it_came(notes: Path, tmp_path: Path) -> None:
    out = tmp_path / "spans.jsonl"
    assert deid(notes, out, "--mode", "spans").returncode == 0
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [set(row) for row in rows] == [{"id", "text", "phi"}] * 3
    assert [row["text"] for row in rows] == [row["text"] for row in NOTES]
    found = {row["text"][span["start"] : span["end"]] for row in rows for span in row["phi"]}
    assert {"48213377", "3/14/2019", "212-555-0147"} <= found
    assert rows[2]["phi"] == []


def test_tags_stand_where_identifiers_stood(notes: Path, tmp_path: Path) -> None:
    out = tmp_path / "tagged.parquet"
    run = deid(notes, out, "--mode", "tags", "--workers", "1")
    assert run.returncode == 0
    texts = [note.text for note in read_notes(out)]
    assert not [word for word in ("Okonkwo", "48213377", "555-0147", "3/14") if word in " ".join(texts)]
    assert TAG.search(texts[0])
    assert texts[2] == NOTES[2]["text"]
    assert "Okonkwo" not in run.stdout + run.stderr


def test_surrogates_follow_the_key(notes: Path, tmp_path: Path) -> None:
    texts = []
    for name, key in (("1", "first"), ("2", "first"), ("3", "second")):
        out = tmp_path / f"{name}.jsonl.gz"
        assert deid(notes, out, "--mode", "surrogates", "--workers", "1", key=key).returncode == 0
        texts.append([note.text for note in read_notes(out)])
    assert texts[0] == texts[1] != texts[2]
    assert "Okonkwo" not in " ".join(texts[0] + texts[2])
    assert not TAG.search(" ".join(texts[0]))


def test_counts_are_printed_by_class_and_written(notes: Path, tmp_path: Path) -> None:
    counts = tmp_path / "counts.json"
    run = deid(notes, tmp_path / "out.jsonl", "--mode", "tags", "--workers", "1", "--report", counts)
    table = [line.split() for line in run.stderr.splitlines()]
    written = json.loads(counts.read_text("utf-8"))
    assert ["A", "NAME", "2", "2"] in table
    assert ["H", "MRN", "1", "1"] in table
    assert ["P", "BIOMETRIC", "0", "0"] in table
    assert written["labels"]["NAME"] == {
        "safe_harbor": "A",
        "identifiers": 2,
        "notes": 2,
        "left_as_tags": 0,
    }
    assert run.stdout == f"{tmp_path / 'out.jsonl'}: 3 notes, {written['identifiers']} identifiers\n"


def test_a_dry_run_counts_and_writes_nothing(notes: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    run = deid(notes, tmp_path / "out", "--mode", "tags", "--dry-run")
    assert run.stdout.splitlines()[0] == f"{tmp_path / 'out' / 'notes.jsonl.gz'}: 3 notes"
    assert "3 notes in 1 inputs, 1 parts" in run.stdout
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("source", "out", "options", "line"),
    [
        ("notes.jsonl", "out.jsonl", ["--mode", "surrogates"], "CLINSYNTH_DEID_KEY"),
        ("notes.jsonl", "out.jsonl", ["--mode", "surrogates", "--key-file", "no.key"], "no.key"),
        ("notes.jsonl", "out.csv", ["--mode", "tags"], ".parquet"),
        ("notes.jsonl", "out.parquet", ["--mode", "spans"], ".jsonl"),
        ("missing.jsonl", "out.jsonl", ["--mode", "tags"], "missing.jsonl"),
        ("notes.jsonl", "notes.jsonl", ["--mode", "tags"], "exists"),
        ("notes.jsonl", "out.jsonl", ["--mode", "tags", "--report", "no/counts.json"], "no folder"),
        ("broken.jsonl", "out.jsonl", ["--mode", "tags"], "line 2"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    notes: Path, tmp_path: Path, source: str, out: str, options: list[str], line: str
) -> None:
    (tmp_path / "broken.jsonl").write_text('{"id": "a", "text": "fine"}\n{"id": "b", "te\n', "utf-8")
    before = sorted(tmp_path.iterdir())
    run = deid(tmp_path / source, tmp_path / out, *options)
    assert run.returncode != 0
    assert "Traceback" not in run.stderr
    assert line in run.stderr.strip().splitlines()[-1]
    assert sorted(tmp_path.iterdir()) == before

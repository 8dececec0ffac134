"""``clinsynth deid train`` and ``clinsynth deid --ner`` as a user runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from tests.deid.ner.conftest import ner_settings
from tests.train.test_configs import left_out

from clinsynth.config import load_config
from clinsynth.corpus import Note
from clinsynth.corpus.writers import NoteWriter
from clinsynth.deid.group import deid
from clinsynth.deid.ner.config import NerTraining
from clinsynth.errors import ClinsynthError, FolderError

RUNS = sorted((Path(__file__).parents[3] / "configs" / "deid").glob("*.yaml"))


def clinsynth(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "clinsynth.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(ner_settings(out=str(folder / "ner"), **changes)), "utf-8")
    return path


@pytest.fixture
def source(tmp_path: Path, notes: list[Note]) -> Path:
    with NoteWriter(tmp_path / "notes.jsonl") as writer:
        for note in notes:
            writer.write(Note(note.id, note.text))
    return tmp_path / "notes.jsonl"


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_a_run_names_every_key(path: Path) -> None:
    load_config(path, NerTraining)
    assert list(left_out(NerTraining, yaml.safe_load(path.read_text("utf-8")))) == []


def test_help_shows_both_ways() -> None:
    run = clinsynth("deid", "--help")
    assert "deid [OPTIONS] IN OUT" in run.stdout
    assert "--mode" in run.stdout
    assert "train" in run.stdout.split("Commands:")[1]
    assert "deid train [OPTIONS] CONFIG" in clinsynth("deid", "train", "--help").stdout


def test_training_and_using_the_model(tmp_path: Path, source: Path, notes: list[Note]) -> None:
    config = written(tmp_path, train=[{"simulate": {"notes": 12, "seed": 3}, "empty_windows": 0.0}])
    dry = CliRunner().invoke(deid, ["train", str(config), "--dry-run"])
    assert dry.exit_code == 0, dry.output
    assert "12 notes" in dry.output
    assert not (tmp_path / "ner").exists()
    run = CliRunner().invoke(deid, ["train", str(config), "fine_tuning.epochs=1"])
    assert run.exit_code == 0, run.output
    assert "dev notes, the model alone" in run.output
    with pytest.raises(FolderError, match="exists: choose another place or pass --overwrite"):
        CliRunner().invoke(deid, ["train", str(config)], catch_exceptions=False)
    out = tmp_path / "spans.jsonl"
    used = clinsynth("deid", source, out, "--mode", "spans", "--ner", tmp_path / "ner")
    assert used.returncode == 0, used.stderr
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [row["id"] for row in rows] == [note.id for note in notes]
    assert all(row["phi"] for row in rows)


def test_a_missing_model_stops_everything(tmp_path: Path, source: Path) -> None:
    run = clinsynth("deid", source, tmp_path / "out.jsonl", "--mode", "tags", "--ner", tmp_path / "none")
    assert run.returncode == 4
    assert run.stderr.strip().splitlines()[-1].endswith("no such folder (clinsynth deid train makes one)")
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"train": [{"path": "none.jsonl"}]}, "train.0.path: none.jsonl: no such file or folder"),
        ({"train": [{"path": "plain.jsonl"}]}, "train.0: plain.jsonl: no note has an identifier in phi"),
        ({"train": [{"path": "plain.jsonl", "identifiers": "none"}]}, "every source has identifiers: none"),
        ({"train": [{"path": "odd.jsonl"}]}, "odd.jsonl: PERSON is no label of identifiers"),
        ({"encoder": "nowhere"}, "encoder nowhere: no such folder"),
        ({"encoder": "."}, "needs config.json"),
        ({"train": [{}]}, "give either path or simulate"),
        ({"trian": []}, "did you mean train?"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plain.jsonl").write_text('{"id": "a", "text": "Nothing."}\n')
    phi = [{"start": 0, "end": 3, "label": "PERSON"}]
    Path("odd.jsonl").write_text(json.dumps({"id": "a", "text": "Ada came.", "phi": phi}) + "\n")
    with pytest.raises(ClinsynthError) as raised:
        CliRunner().invoke(deid, ["train", str(written(tmp_path, **changes))], catch_exceptions=False)
    assert line in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "ner").exists()

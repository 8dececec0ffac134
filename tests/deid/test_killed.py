"""``clinsynth deid`` killed in the middle, by one and by two processes: what was finished is not lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clinsynth.corpus.writers import NoteWriter
from clinsynth.folders import read_manifest
from clinsynth.simulate import simulate_notes
from clinsynth.unfinished import unfinished_folder

pytestmark = pytest.mark.slow
FILES, NOTES = 8, 80


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed") / "notes"
    notes = simulate_notes(FILES * NOTES, seed=5)
    for i in range(FILES):
        with NoteWriter(folder / f"{i}.jsonl") as writer:
            for _ in range(NOTES):
                writer.write(next(notes))
    return folder


def command(source: Path, out: Path, workers: int) -> list[str]:
    options = [
        "--mode",
        "surrogates",
        "--workers",
        str(workers),
        "--report",
        str(out.parent / "counts.json"),
    ]
    return [sys.executable, "-m", "clinsynth.cli", "deid", str(source), str(out), *options]


def run(source: Path, out: Path, workers: int) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"CLINSYNTH_DEID_KEY": "secret"}
    return subprocess.run(
        command(source, out, workers), env=environment, capture_output=True, text=True, check=True
    )


def lines(journal: Path) -> int:
    return len(journal.read_text("utf-8").splitlines()) if journal.exists() else 0


def test_killed_it_goes_on_and_gives_the_same_bytes(source: Path, tmp_path: Path) -> None:
    out, journal = tmp_path / "out", unfinished_folder(tmp_path / "out") / "journal.jsonl"
    process = subprocess.Popen(
        command(source, out, 2),
        env=os.environ | {"CLINSYNTH_DEID_KEY": "secret"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while lines(journal) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was done before it could be killed"
    assert not out.exists()
    finished = lines(journal)
    assert 2 <= finished < FILES
    parts = {p: p.stat().st_mtime_ns for p in (journal.parent / "parts").glob("[0-9]*")}

    run_again = run(source, out, 1)
    rate = [line for line in run_again.stderr.splitlines() if line.startswith("de-identifying")]
    assert f"{FILES * NOTES:,}/{FILES * NOTES:,} notes (100%)" in rate[-1]
    assert len(parts) >= finished
    unbroken = tmp_path / "unbroken"
    run(source, unbroken, 2)
    manifest, other = (read_manifest(folder, "deidentified", verify=True) for folder in (out, unbroken))
    assert manifest.files == other.files
    assert len(manifest.files) == FILES
    assert manifest.counts == other.counts == json.loads((tmp_path / "counts.json").read_text("utf-8"))
    assert not journal.parent.exists()

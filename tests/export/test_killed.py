"""A run that is killed without warning goes on: the plan's notes, each once, and no process left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from clinsynth.errors import FolderError
from clinsynth.export import ExportConfig, make_plan, run_export
from clinsynth.folders import Manifest

_SCRIPT = """
import sys
from pathlib import Path
from clinsynth.export import ExportConfig, run_export

if __name__ == "__main__":
    run_export(ExportConfig.model_validate_json(Path(sys.argv[1]).read_text()))
"""


@pytest.mark.slow
def test_kill_and_go_on(
    made: tuple[ExportConfig, Manifest], export_config: Callable[..., ExportConfig], tmp_path: Path
) -> None:
    unbroken, _ = made
    config = unbroken.model_copy(update={"out": tmp_path / "export"})
    place = tmp_path / ".export.partial"
    (tmp_path / "config.json").write_text(config.model_dump_json())
    (tmp_path / "script.py").write_text(_SCRIPT)
    finished = _kill_after(1, [sys.executable, tmp_path / "script.py", tmp_path / "config.json"], place)
    assert 1 <= len(finished) < 5, "killed in the middle"
    assert not config.out.exists()
    before = {p.name: p.stat().st_mtime_ns for p in (place / "export" / "data").iterdir()}

    with pytest.raises(FolderError, match="another run"):
        run_export(config.model_copy(update={"seed": 99}))
    # What a kill in the middle of a write may leave.
    with (place / "journal.jsonl").open("a") as stream:
        stream.write('{"shard": 4, "sha256": "00')
    (place / "train-00004-of-00005.parquet.writing").write_bytes(b"PAR1")

    manifest = run_export(config)
    assert not place.exists()
    plan = make_plan(config)
    shards = sorted((config.out / "data").iterdir())
    ids = [i for path in shards for i in pq.read_table(path).column("id").to_pylist()]
    assert ids == [plan.note_id(n) for n in range(config.notes)]
    after = {p.name: p.stat().st_mtime_ns for p in shards}
    assert all(after[name] == before[name] for name in finished), "finished shards are not drawn again"
    whole = sorted((unbroken.out / "data").iterdir())
    assert [p.read_bytes() for p in shards] == [p.read_bytes() for p in whole]
    assert manifest.counts["draws"] >= config.notes


def _kill_after(lines: int, command: list[object], place: Path) -> list[str]:
    """Starts the command, kills it once the journal has so many lines; the names of finished shards."""
    process = subprocess.Popen(
        [str(part) for part in command], env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE
    )
    journal = place / "journal.jsonl"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if journal.exists() and journal.read_text().count("\n") >= lines:
            break
        time.sleep(0.005)
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "the run ended before it could be killed"
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == [], "the gate's process outlived the run"
    return [f"train-{i:05d}-of-00005.parquet" for i in range(journal.read_text().count("\n"))]

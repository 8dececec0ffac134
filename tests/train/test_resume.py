"""A run that is cut off with kill -9 and started again gives the losses of one that was not."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from clinsynth.checkpoint import read_card
from clinsynth.train import checkpoints

pytestmark = pytest.mark.slow


def losses(folder):
    rows = [json.loads(line) for line in (folder / "train" / "metrics.jsonl").read_text().splitlines()]
    return {(row["step"], key): row[key] for row in rows for key in ("loss", "valid_loss") if key in row}


@pytest.fixture
def start(train_environment):
    """Starts the real command line; whatever is left of it ends with the test."""
    started = []

    def begin(path):
        command = [sys.executable, "-m", "clinsynth.cli", "train", str(path)]
        process = subprocess.Popen(command, env=train_environment, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        process.stderr.close()


def ranks_of(launcher, folder):
    logs = {log.resolve(): int(log.stem.removeprefix("rank-")) for log in (folder / "train/logs").glob("*")}
    found = {}
    for process in psutil.Process(launcher.pid).children(recursive=True):
        said = Path(f"/proc/{process.pid}/fd/1").readlink()
        if said in logs:
            found[logs[said]] = process
    return found


def wait_for_checkpoint(folder, step, process):
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if any(path.name >= checkpoints.name_of(step) for path in checkpoints.complete(folder / "train")):
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    raise AssertionError(f"no checkpoint of step {step}")


def test_a_killed_run_goes_on_as_if_it_had_not_been(trained, start_run, launch, start):
    unbroken, path = trained("llama-untied"), start_run("llama-untied")
    folder = path.parent

    first = start(path)
    wait_for_checkpoint(folder, 10, first)
    ranks_of(first, folder)[1].kill()
    code, error = first.wait(timeout=30), first.stderr.read()
    assert code == 1
    assert "training process 1 was ended by SIGKILL" in error.strip().splitlines()[-1]
    assert "Traceback" not in error
    assert not (folder / "model").exists()
    assert checkpoints.complete(folder / "train")[-1].name < checkpoints.name_of(30), "it was cut off early"

    second = launch(path)
    assert second.code == 0, second.error
    assert losses(folder) == pytest.approx(losses(unbroken.out.parent), abs=1e-6)
    assert len(losses(folder)) == 30 + 3
    assert read_card(folder / "model").tokens_seen == read_card(unbroken.out).tokens_seen
    kept = [found.name for found in checkpoints.complete(folder / "train")]
    assert kept == [checkpoints.name_of(20), checkpoints.name_of(30)], "older checkpoints are pruned"
    assert not list(folder.glob(".model*")), "nothing half-written is left"


def test_processes_do_not_outlive_their_launcher(start_run, start):
    path = start_run("gpt2")
    launcher = start(path)
    until = time.monotonic() + 120
    while len(ranks_of(launcher, path.parent)) < 4 and time.monotonic() < until:
        time.sleep(0.05)
    processes = psutil.Process(launcher.pid).children(recursive=True)
    assert len(processes) >= 4
    launcher.kill()
    _, alive = psutil.wait_procs(processes, timeout=20)
    assert not alive
    assert not (path.parent / "model").exists()

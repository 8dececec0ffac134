"""A run that is cut off with kill -9 and started again gives the losses of one that was not."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from clinsynth.checkpoint import read_card
from clinsynth.train import checkpoints

pytestmark = pytest.mark.slow

PATIENCE = 400  # seconds: a busy machine is no failure


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
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if any(path.name >= checkpoints.name_of(step) for path in checkpoints.complete(folder / "train")):
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    raise AssertionError(f"no checkpoint of step {step}")


@pytest.fixture
def cut_off(start_run, start):
    """A run whose second process was killed in its middle: (its YAML, exit code, what it said)."""
    for _ in range(3):  # on a busy machine the run may end before this process gets to kill it
        path = start_run("llama-untied")
        folder = path.parent
        launcher = start(path)
        wait_for_checkpoint(folder, 5, launcher)
        with contextlib.suppress(psutil.NoSuchProcess, KeyError):
            ranks_of(launcher, folder)[1].kill()
        code, error = launcher.wait(timeout=PATIENCE), launcher.stderr.read()
        if code:
            return path, code, error
    raise AssertionError("the run was faster than kill, three times")


def test_a_killed_run_goes_on_as_if_it_had_not_been(trained, cut_off, launch):
    path, code, error = cut_off
    folder = path.parent
    assert code == 1
    assert "was ended by SIGKILL" in error.strip().splitlines()[-1]
    assert "Traceback" not in error
    assert not (folder / "model").exists()
    assert checkpoints.complete(folder / "train")[-1].name < checkpoints.name_of(30)

    again = launch(path)
    assert again.code == 0, again.error
    unbroken = trained("llama-untied")
    assert losses(folder) == pytest.approx(losses(unbroken.out.parent), abs=1e-6)
    assert len(losses(folder)) == 30 + 3
    assert read_card(folder / "model").tokens_seen == read_card(unbroken.out).tokens_seen
    kept = [found.name for found in checkpoints.complete(folder / "train")]
    assert kept == [checkpoints.name_of(25), checkpoints.name_of(30)], "older checkpoints are pruned"
    assert not list(folder.glob(".model*")), "nothing half-written is left"


def test_a_run_goes_on_at_another_layout(trained, start_run, launch):
    unbroken = trained("llama")
    path = start_run("llama")
    name = checkpoints.name_of(25)
    for part in (f"checkpoints/{name}", "metrics.jsonl"):
        (path.parent / "train" / part).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (unbroken.folder / part).is_dir() else shutil.copyfile
        copy(unbroken.folder / part, path.parent / "train" / part)
    again = launch(path, "layout.tp=1", "layout.pp=1", "layout.dp=2")
    assert again.code == 0, again.error
    assert losses(path.parent) == pytest.approx(losses(unbroken.out.parent), abs=1e-6)
    assert read_card(path.parent / "model").layout == {"tp": 1, "pp": 1, "dp": 2}
    assert not (path.parent / "train" / "checkpoints" / name / "universal").exists()


def test_processes_do_not_outlive_their_launcher(start_run, start):
    path = start_run("gpt2")
    launcher = start(path)
    until = time.monotonic() + PATIENCE
    while len(ranks_of(launcher, path.parent)) < 4 and time.monotonic() < until:
        time.sleep(0.05)
    processes = psutil.Process(launcher.pid).children(recursive=True)
    assert len(processes) >= 4
    launcher.kill()
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert not alive
    assert not (path.parent / "model").exists()

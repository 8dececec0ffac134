"""A run that is cut off with kill -9 and started again gives the losses of one that was not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from clinsynth.checkpoint import read_card
from clinsynth.train import checkpoints
from clinsynth.train.distributed import LIFELINE_FD
from clinsynth.train.launch import PEER_LOST

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


def ranks_of(launcher):
    children = psutil.Process(launcher.pid).children()
    return {int(child.environ()["RANK"]): child for child in children if "RANK" in child.environ()}


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
    os.kill(ranks_of(first)[1].pid, signal.SIGKILL)
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


def test_processes_do_not_outlive_their_launcher():
    code = (
        "from clinsynth.train.launch import watch_lifeline; import time; watch_lifeline(); time.sleep(60)"
    )
    reading, writing = os.pipe()
    environment = {**os.environ, LIFELINE_FD: str(reading)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, pass_fds=[reading]) as worker:
        assert worker.poll() is None
        os.close(writing)
        assert worker.wait(timeout=20) == PEER_LOST
    os.close(reading)

"""Runs that are asked to stop under every launcher, and go on under the next as if they had not been.

SLURM is not here: ``srun`` and ``scontrol`` are stubs that do what their manual says, for the script around them.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clinsynth.errors import StoppedError
from clinsynth.train import checkpoints

SBATCH = Path("configs/slurm/train.sbatch").resolve()
SAVED = StoppedError.exit_code
PATIENCE = 400  # seconds: a busy machine is no failure

SRUN = f"""#!{sys.executable}
import itertools, json, os, pathlib, signal, subprocess, sys
command = list(itertools.dropwhile(lambda word: word.startswith("--"), sys.argv[1:]))
with (pathlib.Path(os.environ["STUBS"]) / "srun.jsonl").open("a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
nodes = [subprocess.Popen(command) for _ in range(int(os.environ["SLURM_JOB_NUM_NODES"]))]
for number in (signal.SIGUSR1, signal.SIGTERM):
    signal.signal(number, lambda number, _: [node.send_signal(number) for node in nodes])
sys.exit(max(node.wait() for node in nodes))
"""
SCONTROL = """#!/usr/bin/env bash
case $1 in
show) echo localhost ;;
*) echo "$@" >>"$STUBS/requeued" ;;
esac
"""


@pytest.fixture
def slurm(tmp_path_factory, train_environment):
    """The environment of a job on two nodes of one process each."""
    stubs = tmp_path_factory.mktemp("slurm")
    for name, script in (("srun", SRUN), ("scontrol", SCONTROL)):
        (stubs / name).write_text(script)
        (stubs / name).chmod(0o755)
    return {
        **train_environment,
        "PATH": f"{stubs}:{os.environ['PATH']}",
        "STUBS": str(stubs),
        "SLURM_JOB_ID": "77",
        "SLURM_JOB_NUM_NODES": "2",
        "SLURM_JOB_NODELIST": "node[1-2]",
        "SLURM_CPUS_PER_TASK": "1",
        "GPUS": "1",
        "PYTHON": sys.executable,
        "MASTER_PORT": str(free_port()),
        "NCCL_SOCKET_IFNAME": "lo",
        "GLOO_SOCKET_IFNAME": "lo",
    }


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def requeued(slurm):
    file = Path(slurm["STUBS"]) / "requeued"
    return file.read_text().splitlines() if file.exists() else []


def losses(folder):
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return {(row["step"], key): row[key] for row in rows for key in ("loss", "valid_loss") if key in row}


def steps_done(folder):
    try:
        return max((step for step, _ in losses(folder)), default=0)
    except (OSError, ValueError):  # a line is just being written
        return 0


def stop_in_the_middle(command, environment, folder, number):
    """Starts a run, signals it as soon as it has done steps; (exit code, what it said)."""
    newest = checkpoints.complete(folder)
    before = int(newest[-1].name.removeprefix("step-")) if newest else 0
    process = subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    until = time.monotonic() + PATIENCE
    try:
        while steps_done(folder) <= before:
            assert time.monotonic() < until
            assert process.poll() is None, process.communicate()
            time.sleep(0.005)
        process.send_signal(number)
        out, error = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    return process.returncode, out + error


@pytest.mark.slow
def test_a_run_stops_and_goes_on_under_every_launcher(start_run, trained, launch, train_environment, slurm):
    path = start_run("llama-untied")
    folder = path.parent / "train"
    train = ["clinsynth.cli", "train", str(path)]
    hostfile = path.parent / "hosts"
    hostfile.write_text("# this machine\nlocalhost slots=2\n")
    gloo = {**train_environment, "GLOO_SOCKET_IFNAME": "lo"}
    saved = []

    def goes_on(launcher, command, environment, number, code):
        found, said = stop_in_the_middle(command, environment, folder, number)
        assert found == code, said
        saved.append(checkpoints.complete(folder)[-1].name)
        assert saved == sorted(set(saved)), launcher
        assert saved[-1] == checkpoints.name_of(steps_done(folder)), "the last step is saved"
        assert f"saved {saved[-1]}; the same command goes on from it" in said

    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", *train]
    goes_on("torchrun", torchrun, gloo, signal.SIGTERM, 1)  # its own exit code, whatever its processes'
    hosts = [sys.executable, "-m", *train, "--hostfile", str(hostfile)]
    goes_on("hostfile", hosts, train_environment, signal.SIGTERM, SAVED)
    goes_on("sbatch", ["bash", str(SBATCH), str(path)], slurm, signal.SIGUSR1, 0)
    assert requeued(slurm) == ["requeue 77"]
    goes_on("train", [sys.executable, "-m", *train], train_environment, signal.SIGINT, SAVED)

    done = launch(path)
    assert done.code == 0, done.error
    assert losses(folder) == pytest.approx(losses(trained("llama-untied").folder), abs=1e-6)


@pytest.mark.parametrize(
    ("code", "restarts", "requeues"),
    [
        (0, 0, []),
        (0, 3, []),
        (1, 0, []),
        (8, 2, []),
        (127, 0, []),
        (SAVED, 0, ["requeue 77"]),
        (SAVED, 5, []),
    ],
)
def test_a_job_is_requeued_when_it_saved_and_not_too_often(slurm, tmp_path, code, restarts, requeues):
    python = tmp_path / "python"
    python.write_text(f"#!/usr/bin/env bash\nexit {code}\n")
    python.chmod(0o755)
    job = {**slurm, "PYTHON": str(python), "SLURM_RESTART_COUNT": str(restarts), "REQUEUES": "5"}
    done = subprocess.run(
        ["bash", str(SBATCH), "my.yaml", "resume=step-00000005"], env=job, capture_output=True
    )
    assert requeued(slurm) == requeues
    assert done.returncode == (0 if requeues else code)
    for call in map(json.loads, (Path(slurm["STUBS"]) / "srun.jsonl").read_text().splitlines()):
        assert call[call.index("-m", call.index("-m") + 1) :] == [
            *("-m", "clinsynth.cli", "train", "my.yaml", "resume=step-00000005"),
            *(["resume=auto"] if restarts else []),
        ]
        assert call[call.index("--rdzv-endpoint") + 1] == f"localhost:{slurm['MASTER_PORT']}"
        assert call[call.index("--rdzv-id") + 1] == f"77-{restarts}"


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
def test_a_signal_to_the_job_reaches_its_steps_and_is_waited_for(slurm, tmp_path, number):
    python = tmp_path / "python"
    python.write_text(
        f"#!{sys.executable}\nimport pathlib, signal, sys, time\n"
        f"came = []\nsignal.signal({int(number)}, lambda *_: came.append(1))\n"
        f"pathlib.Path('{tmp_path}', f'up-{{id(came)}}').touch()\n"
        f"while not came: time.sleep(0.02)\ntime.sleep(0.5)\nsys.exit({SAVED})\n"
    )
    python.chmod(0o755)
    job = {**slurm, "PYTHON": str(python), "SLURM_JOB_NUM_NODES": "1"}
    process = subprocess.Popen(["bash", str(SBATCH), "my.yaml"], env=job, stdout=subprocess.PIPE)
    until = time.monotonic() + 60
    while not list(tmp_path.glob("up-*")) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(number)
    assert process.communicate(timeout=60)[0] == b"train.sbatch: saved, requeued\n"
    assert process.returncode == 0
    assert requeued(slurm) == ["requeue 77"]


def test_the_sbatch_script_asks_slurm_for_what_it_needs():
    asked = [
        line.removeprefix("#SBATCH ")
        for line in SBATCH.read_text().splitlines()
        if line.startswith("#SBATCH ")
    ]
    assert {"--requeue", "--signal B:USR1@180", "--ntasks-per-node 1"} <= set(asked)

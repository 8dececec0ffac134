"""Starts the processes of a run on this machine, shows the first one's progress, ends all when one dies.

Each process writes to a log of its own in the run folder. They meet through a file, so no port can clash.
They leave when the launcher dies, however it dies: each holds the reading end of a pipe that only the
launcher can write to.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from clinsynth.errors import ClinsynthError
from clinsynth.train.checks import accelerators, check_machine, cores
from clinsynth.train.distributed import LIFELINE_FD, PROGRESS_FD, RENDEZVOUS

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig

PEER_LOST: Final = 75
"""Exit code of a process that failed because another one went away."""
_POLL_SECONDS: Final = 0.1
_SETTLE_SECONDS: Final = 3.0
_GRACE_SECONDS: Final = 10.0


def launch(config: TrainConfig, arguments: Sequence[str]) -> None:
    """Runs ``clinsynth ARGUMENTS`` in tp x pp x dp processes until all are done.

    Raises:
        UsageError: this machine cannot hold them.
        ClinsynthError: a process failed; carries its message and its exit code.
    """
    check_machine(config, accelerators())
    logs = config.folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="clinsynth-train-") as meeting,
        _processes(config, arguments, logs, Path(meeting) / "rendezvous") as processes,
    ):
        failed = _wait(processes)
    if failed is not None:
        rank, code = failed
        raise _failure(rank, code, log_of(logs, rank))


def log_of(logs: Path, rank: int) -> Path:
    """The log of a process."""
    return logs / f"rank-{rank}.log"


def watch_lifeline() -> None:
    """In a process of a run: leaves at once when the launcher is gone."""
    descriptor = os.environ.get(LIFELINE_FD)
    if descriptor is None:
        return

    def wait() -> None:
        os.read(int(descriptor), 1)  # returns when the other end is closed
        os._exit(PEER_LOST)

    threading.Thread(target=wait, daemon=True).start()


@contextlib.contextmanager
def _processes(
    config: TrainConfig, arguments: Sequence[str], logs: Path, rendezvous: Path
) -> Iterator[list[subprocess.Popen[bytes]]]:
    command = [sys.executable, "-m", "clinsynth.cli", *arguments]
    lifeline, ours = os.pipe()
    progress = os.dup(2)
    processes: list[subprocess.Popen[bytes]] = []
    previous = signal.signal(signal.SIGTERM, _leave)
    try:
        for rank in range(config.layout.processes):
            environment = {
                **_environment(config, rank, rendezvous),
                LIFELINE_FD: str(lifeline),
                PROGRESS_FD: str(progress),
            }
            with log_of(logs, rank).open("wb") as log:
                processes.append(
                    subprocess.Popen(
                        command,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        env=environment,
                        pass_fds=(lifeline, progress),
                    )
                )
        yield processes
    finally:
        _end(processes)
        signal.signal(signal.SIGTERM, previous)
        for descriptor in (lifeline, ours, progress):
            os.close(descriptor)


def _environment(config: TrainConfig, rank: int, rendezvous: Path) -> dict[str, str]:
    world = config.layout.processes
    return {
        "DS_ACCELERATOR": "cuda" if accelerators() else "cpu",
        "GLOO_SOCKET_IFNAME": "lo",
        # Activations are large and live for one step: keeping their memory saves clearing it each time.
        "MALLOC_MMAP_THRESHOLD_": str(2**34),
        "MALLOC_TRIM_THRESHOLD_": str(2**34),
        "MALLOC_TOP_PAD_": str(2**26),
        **os.environ,
        "OMP_NUM_THREADS": str(max(1, cores() // world)),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(world),
        RENDEZVOUS: str(rendezvous),
    }


def _wait(processes: Sequence[subprocess.Popen[bytes]]) -> tuple[int, int] | None:
    """Waits for all; (rank, exit code) of the one to blame when one failed."""
    while True:
        codes = [process.poll() for process in processes]
        if all(code == 0 for code in codes):
            return None
        if any(code not in (None, 0) for code in codes):
            return _blame(processes)
        time.sleep(_POLL_SECONDS)


def _blame(processes: Sequence[subprocess.Popen[bytes]]) -> tuple[int, int]:
    """The process that failed by itself: the others fail a moment later, because it is gone."""
    until = time.monotonic() + _SETTLE_SECONDS
    while True:
        failed = [(rank, code) for rank, p in enumerate(processes) if (code := p.poll()) not in (None, 0)]
        own = [(rank, code) for rank, code in failed if code != PEER_LOST]
        if own or time.monotonic() > until:
            return (own or failed)[0]
        time.sleep(_POLL_SECONDS)


def _leave(number: int, _frame: object) -> None:
    sys.exit(128 + number)


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    until = time.monotonic() + _GRACE_SECONDS
    for process in processes:
        try:
            process.wait(timeout=max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _failure(rank: int, code: int, log: Path) -> ClinsynthError:
    if code < 0:
        name = signal.Signals(-code).name
        hint = " (out of memory?)" if -code == signal.SIGKILL else ""
        return ClinsynthError(f"training process {rank} was ended by {name}{hint}; its log is {log}")
    lines = [line for line in log.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    last = lines[-1] if lines else "it said nothing"
    if last.startswith("error: "):
        error = ClinsynthError(last.removeprefix("error: "))
    else:
        error = ClinsynthError(f"training process {rank} failed: {last}; its log is {log}")
    error.exit_code = code if 0 < code < PEER_LOST else 1
    return error

"""Starts the processes of a run on this machine, shows the first one's progress, ends all when one dies.

All are forked from one server that has loaded the libraries, so that eight processes start as fast as one.
Each writes to a log of its own in the run folder. They meet through a file, so no port can clash.

A signal is passed on to the processes, which save and leave; a second SIGTERM or SIGINT kills them.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, Self

from clinsynth.errors import ClinsynthError, StoppedError
from clinsynth.train.checks import accelerators, check_machine, cores
from clinsynth.train.families import names
from clinsynth.train.stopping import SIGNALS
from clinsynth.train.worker import PEER_LOST, work

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig

# Activations are large and live for one step: glibc shall keep their memory, not clear it each time.
ALLOCATOR: Final = {
    "MALLOC_MMAP_THRESHOLD_": str(2**34),
    "MALLOC_TRIM_THRESHOLD_": str(2**34),
    "MALLOC_TOP_PAD_": str(2**26),
}
# What every process would spend its first ten seconds loading.
_PRELOADED: Final = (
    "clinsynth.train.run",
    "deepspeed.pipe",
    "deepspeed.module_inject.layers",
    "transformers.models.auto.modeling_auto",
)
_SETTLE_SECONDS: Final = 3.0
_GRACE_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.05
_AGAIN_SECONDS: Final = 2.0


def launch(config: TrainConfig, *, overwrite: bool) -> None:
    """Trains in tp x pp x dp processes on this machine, and returns when all are done.

    Raises:
        UsageError: this machine cannot hold them.
        StoppedError: asked to stop, and did; the same command goes on.
        ClinsynthError: a process failed; carries its message and its exit code.
    """
    check_machine(config, accelerators())
    logs = config.folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="clinsynth-train-") as meeting,
        _Signals() as signals,
        _processes(config, logs, Path(meeting) / "rendezvous", overwrite=overwrite) as processes,
    ):
        failed = _wait(processes, signals)
    if failed is not None:
        rank, code = failed
        raise _failure(rank, code, log_of(logs, rank))


def log_of(logs: Path, rank: int) -> Path:
    """The log of a process."""
    return logs / f"rank-{rank}.log"


@contextlib.contextmanager
def _processes(
    config: TrainConfig, logs: Path, rendezvous: Path, *, overwrite: bool
) -> Iterator[list[BaseProcess]]:
    context = multiprocessing.get_context("forkserver")
    models = [f"transformers.models.{name}.modeling_{name}" for name in names()]
    adapters = ["clinsynth.train.lora.run", "peft"] if config.lora is not None else []
    context.set_forkserver_preload([*_PRELOADED, *models, *adapters])
    run, world = config.model_dump_json(), config.layout.processes
    processes: list[BaseProcess] = []
    try:
        with _environment(config):
            _start_server()
            for rank in range(world):
                arguments = (run, rank, world, str(rendezvous), str(log_of(logs, rank)), overwrite)
                processes.append(context.Process(target=work, args=arguments))
                processes[-1].start()
        yield processes
    finally:
        _end(processes)


def _start_server() -> None:
    """The server that processes are forked from ignores what asks a run to stop; they do till they listen.

    SLURM and terminals send a signal to every process there is.
    """
    previous = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
    try:
        forkserver.ensure_running()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class _Signals:
    """What asked this process to stop while the block ran."""

    def __init__(self) -> None:
        self._came: list[int] = []
        self._passed_on = 0.0
        self._previous: dict[int, Any] = {}

    def pass_on(self, processes: Sequence[BaseProcess]) -> None:
        """Asks the processes to stop if this one was; and again, for those that did not listen yet.

        Raises:
            SystemExit: somebody asked twice; the processes are killed.
        """
        urgent = [
            number for number in self._came if number != signal.SIGUSR1
        ]  # SLURM sends it, then SIGTERM
        if len(urgent) > 1:
            for process in processes:
                process.kill()
            sys.exit(128 + urgent[-1])
        if self._came and time.monotonic() - self._passed_on > _AGAIN_SECONDS:
            self._passed_on = time.monotonic()
            for process in processes:
                assert process.pid is not None
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, self._came[0])

    def __enter__(self) -> Self:
        self._previous = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._came.append(number)


def environment(processes: int) -> dict[str, str]:
    """What libraries read when they are loaded, for so many processes here and none on other machines."""
    return {
        "DS_ACCELERATOR": "cuda" if accelerators() else "cpu",
        # Asking the driver whether there are GPUs would spoil them for forked processes; NVML does not.
        "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
        "GLOO_SOCKET_IFNAME": "lo",
        **ALLOCATOR,
        "OMP_NUM_THREADS": str(max(1, cores() // processes)),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


@contextlib.contextmanager
def _environment(config: TrainConfig) -> Iterator[None]:
    """``environment``, for as long as processes are started."""
    before = dict(os.environ)
    os.environ.update(environment(config.layout.processes))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _wait(processes: Sequence[BaseProcess], signals: _Signals) -> tuple[int, int] | None:
    """Waits for all; (rank, exit code) of the one to blame when one failed."""
    running = list(processes)
    while running:
        wait([process.sentinel for process in running], timeout=_POLL_SECONDS)
        signals.pass_on(running)
        if any(process.exitcode for process in processes):
            return _blame(processes)
        running = [process for process in running if process.exitcode is None]
    return None


def _blame(processes: Sequence[BaseProcess]) -> tuple[int, int]:
    """The process that failed by itself: the others fail a moment later, because it is gone."""
    until = time.monotonic() + _SETTLE_SECONDS
    while True:
        failed = [(rank, code) for rank, process in enumerate(processes) if (code := process.exitcode)]
        own = [(rank, code) for rank, code in failed if code != PEER_LOST]
        if own or time.monotonic() > until:
            return (own or failed)[0]
        wait([process.sentinel for process in processes if process.exitcode is None], timeout=0.1)


def _end(processes: Sequence[BaseProcess]) -> None:
    for process in processes:
        process.terminate()  # in vain where steps run; that one fails soon, because another is gone
    until = time.monotonic() + _GRACE_SECONDS
    for process in processes:
        process.join(max(0.1, until - time.monotonic()))
        if process.exitcode is None:
            process.kill()
            process.join()


def _failure(rank: int, code: int, log: Path) -> ClinsynthError:
    if code < 0:
        name = signal.Signals(-code).name
        hint = " (out of memory?)" if -code == signal.SIGKILL else ""
        return ClinsynthError(f"training process {rank} was ended by {name}{hint}; its log is {log}")
    lines = [line for line in log.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    last = lines[-1] if lines else "it said nothing"
    if code == StoppedError.exit_code:
        label = f"{StoppedError.label}: "
        said = [line.removeprefix(label) for line in lines if line.startswith(label)]
        return StoppedError(said[-1] if said else f"process {rank} stopped; the same command goes on")
    if last.startswith("error: "):
        error = ClinsynthError(last.removeprefix("error: "))
        error.exit_code = code
        return error
    return ClinsynthError(f"training process {rank} failed: {last}; its log is {log}")

"""Runs commands one after the other, each in a process of its own, and measures time and memory of each."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from clinsynth.errors import ClinsynthError
from clinsynth.folders import MANIFEST
from clinsynth.progress import clock

_MEMORY_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Stage:
    """A sub-command of ``clinsynth`` and the folder or file it leaves, if it leaves one."""

    name: str
    arguments: tuple[str, ...]
    leaves: Path | None = None

    @property
    def done(self) -> bool:
        """It stands: it appears whole or not at all, so there is nothing more to look at."""
        return self.leaves is not None and (self.leaves.is_file() or (self.leaves / MANIFEST).is_file())


@dataclass(frozen=True, slots=True)
class Cost:
    """What a stage took.

    Args:
        seconds: wall-clock time.
        peak_mib: largest memory of the stage's processes together, shared pages counted once (PSS).
    """

    name: str
    seconds: float
    peak_mib: float


def run_stage(stage: Stage) -> Cost:
    """Runs one stage; its output goes to this process's own.

    Raises:
        ClinsynthError: the stage left with a non-zero exit code, which the error carries on.
    """
    start = time.monotonic()
    with start_stage(stage.arguments) as process, peak_memory(process.pid) as peak:
        code = process.wait()
    if code != 0:
        error = ClinsynthError(f"stage {stage.name} failed: clinsynth {' '.join(stage.arguments)}")
        error.exit_code = code if code > 0 else 1
        raise error
    return Cost(stage.name, time.monotonic() - start, peak.mib)


@contextlib.contextmanager
def start_stage(
    arguments: Sequence[str], environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[subprocess.Popen[bytes]]:
    """A running sub-command, ended at the end of the block if it has not ended by itself."""
    process = subprocess.Popen(
        [sys.executable, "-m", "clinsynth.cli", *arguments], env={**os.environ, **environment}
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def cost_table(costs: Sequence[Cost]) -> str:
    """Time and memory a stage, as a Markdown table."""
    rows = [f"| {c.name} | {clock(c.seconds)} | {c.peak_mib:,.0f} MiB |" for c in costs]
    total = f"| together | {clock(sum(c.seconds for c in costs))} | |"
    return "\n".join(["| stage | time | peak memory |", "| --- | ---: | ---: |", *rows, total])


@dataclass(slots=True)
class Peak:
    """The largest memory seen so far, in MiB."""

    mib: float = 0.0


@contextlib.contextmanager
def peak_memory(pid: int) -> Iterator[Peak]:
    """Watches the memory of a process and its children while the block runs."""
    peak, stop = Peak(), threading.Event()

    def poll() -> None:
        while not stop.wait(_MEMORY_POLL_SECONDS):
            peak.mib = max(peak.mib, _tree_mib(pid))

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def _tree_mib(pid: int) -> float:
    import psutil

    total = 0
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                total += process.memory_full_info().pss
    return total / 2**20

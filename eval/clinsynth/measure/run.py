"""Runs tasks one after the other and gathers what they found into the contract of ``results.json``."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from clinsynth.folders import library_versions
from clinsynth.measure.inputs import Inputs
from clinsynth.measure.results import (
    SCHEMA_VERSION,
    ResultsJson,
    SamplesJson,
    TaskResult,
    interval_keys,
    metric_keys,
)
from clinsynth.measure.tasks import Context, Task


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a run was asked, beside its inputs and tasks; ``config`` goes into the results as it is."""

    seed: int
    encoder: Path | None
    config: dict[str, Any]


def run_tasks(tasks: Sequence[Task], inputs: Inputs, options: RunOptions) -> ResultsJson:
    """Runs ``tasks`` in order.

    Raises:
        ClinsynthError: the first task that cannot measure stops the run: half a verdict is none.
    """
    start = time.monotonic()
    context = Context(options.seed, options.encoder)
    found: dict[str, TaskResult] = {}
    seconds: dict[str, float] = {}
    for number, task in enumerate(tasks, 1):
        click.secho(f"[{number}/{len(tasks)}] {task.name}: {task.file.question}", err=True)
        began = time.monotonic()
        found[task.name] = task.run(inputs, context)
        seconds[task.name] = round(time.monotonic() - began, 3)
    return {
        "schema_version": SCHEMA_VERSION,
        "results": {t.name: {"alias": t.name, **metric_keys(found[t.name])} for t in tasks},
        "intervals": {t.name: interval_keys(found[t.name]) for t in tasks},
        "higher_is_better": {t.name: _directions(t) for t in tasks},
        "n-samples": {t.name: _samples(found[t.name]) for t in tasks},
        "versions": {t.name: t.file.version for t in tasks},
        "configs": {t.name: t.resolved() for t in tasks},
        "task_hashes": {t.name: t.sha256() for t in tasks},
        "details": {t.name: dict(found[t.name].details) for t in tasks},
        "remarks": {t.name: list(found[t.name].remarks) for t in tasks},
        "seconds": seconds,
        "config": options.config,
        "inputs": inputs.described,
        "libraries": library_versions(),
        "git_hash": git_hash(),
        "date": time.time(),
        "total_evaluation_time_seconds": f"{time.monotonic() - start:.3f}",
    }


def git_hash() -> str | None:
    """The commit that this code was checked out from, or None when it was installed from a wheel."""
    here = Path(__file__).parent
    try:
        answer = subprocess.run(
            ["git", "-C", str(here), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None


def _directions(task: Task) -> dict[str, bool | None]:
    return {entry.metric: entry.higher_is_better for entry in task.file.metric_list}


def _samples(result: TaskResult) -> SamplesJson:
    return SamplesJson(original=result.original, effective=result.effective)

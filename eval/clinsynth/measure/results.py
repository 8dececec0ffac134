"""The contract of ``results.json``: lm-evaluation-harness' names where they apply, intervals beside them.

A key under ``results`` is ``metric,arm``: where lm-evaluation-harness writes the name of a filter behind
the comma, this writes whose number it is (``real``, ``synthetic``, ``holdout``), or ``none``. The page
``docs/results-json.md`` describes every key.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypedDict, cast

from clinsynth.errors import DataError, FolderError

RESULTS: Final = "results.json"
SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval estimate.

    Args:
        level: nominal coverage, for example 0.95.
        method: how it was made, in words.
    """

    low: float
    high: float
    level: float
    method: str


@dataclass(frozen=True, slots=True)
class Metric:
    """One number and what is known of its uncertainty."""

    value: float
    stderr: float | None = None
    interval: Interval | None = None

    def __post_init__(self) -> None:
        assert math.isfinite(self.value), "a metric that is not a number is left out, not written"


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What one task found.

    Args:
        metrics: (metric, arm) -> number; every metric is named in the task file's ``metric_list``.
        original: notes that were there to measure.
        effective: notes that were measured.
        details: JSON data for plots and tables; no text.
        remarks: what a reader must know about this very run (small test set, unlabelled notes left out).
    """

    metrics: Mapping[tuple[str, str], Metric]
    original: int
    effective: int
    details: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


class IntervalJson(TypedDict):
    """``Interval`` as JSON."""

    low: float
    high: float
    level: float
    method: str


class SamplesJson(TypedDict):
    """How many notes there were (``original``) and how many were measured (``effective``)."""

    original: int
    effective: int


ResultsJson = TypedDict(
    "ResultsJson",
    {
        "schema_version": int,
        "results": dict[str, dict[str, Any]],
        "intervals": dict[str, dict[str, IntervalJson]],
        "higher_is_better": dict[str, dict[str, bool | None]],
        "n-samples": dict[str, SamplesJson],
        "versions": dict[str, int],
        "configs": dict[str, dict[str, Any]],
        "task_hashes": dict[str, str],
        "details": dict[str, dict[str, Any]],
        "remarks": dict[str, list[str]],
        "seconds": dict[str, float],
        "config": dict[str, Any],
        "inputs": dict[str, Any],
        "libraries": dict[str, str],
        "git_hash": str | None,
        "date": float,
        "total_evaluation_time_seconds": str,
    },
)


def metric_keys(result: TaskResult) -> dict[str, float]:
    """The numbers of a task under lm-evaluation-harness' keys: ``f1_strict,real`` and ``_stderr``."""
    keys: dict[str, float] = {}
    for (metric, arm), number in result.metrics.items():
        keys[f"{metric},{arm}"] = number.value
        if number.stderr is not None:
            keys[f"{metric}_stderr,{arm}"] = number.stderr
    return keys


def interval_keys(result: TaskResult) -> dict[str, IntervalJson]:
    """The intervals of a task under the keys of its numbers."""
    return {
        f"{metric},{arm}": IntervalJson(
            low=number.interval.low,
            high=number.interval.high,
            level=number.interval.level,
            method=number.interval.method,
        )
        for (metric, arm), number in result.metrics.items()
        if number.interval is not None
    }


def read_results(path: Path) -> ResultsJson:
    """``results.json`` at ``path``, or in the report folder at ``path``.

    Raises:
        FolderError: there is no such file.
        DataError: it is not JSON, or not a results file of this format.
    """
    file = path / RESULTS if path.is_dir() else path
    try:
        data = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise FolderError(f"{file}: no such file; give a report folder or its {RESULTS}") from None
    except (ValueError, OSError) as error:
        raise DataError(f"{file}: not JSON ({type(error).__name__})") from None
    missing = sorted(ResultsJson.__required_keys__ - set(data)) if isinstance(data, dict) else ["results"]
    if missing:
        raise DataError(f"{file}: key {missing[0]} is missing: not a results file of clinsynth eval")
    if data["schema_version"] != SCHEMA_VERSION:
        raise DataError(
            f"{file}: schema_version {data['schema_version']}, this release reads {SCHEMA_VERSION}"
        )
    return cast(ResultsJson, data)

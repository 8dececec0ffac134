"""Hands the numbers to the trackers from a thread of its own: a slow one does not hold up training."""

from __future__ import annotations

import math
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from clinsynth.errors import ClinsynthError
from clinsynth.train.trackers.base import Series, Tracker

_CLOSE_SECONDS: Final = 30.0


class Trackers:
    """Tells trackers of rows of ``metrics.jsonl``. One that fails is left out from then on, with a line
    that says so.

    Args:
        trackers: by name.
        rows: those that come before; a tracker is told of the ones that it doesn't have.
    """

    def __init__(self, trackers: Mapping[str, Tracker], rows: Iterable[dict[str, Any]] = ()) -> None:
        self._trackers = dict(trackers)
        self._rows: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        for row in rows:
            self._rows.put(row)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def log(self, row: dict[str, Any]) -> None:
        """Takes a row; returns at once."""
        self._rows.put(row)

    def close(self) -> None:
        """Waits until the trackers have all rows, but not for ever."""
        self._rows.put(None)
        self._thread.join(_CLOSE_SECONDS)
        if self._thread.is_alive():
            _warn(
                f"{', '.join(self._trackers)} did not take all numbers within {_CLOSE_SECONDS:.0f} seconds"
            )

    def _work(self) -> None:
        while (row := self._rows.get()) is not None:
            step = row["step"]
            for name in [name for name, tracker in self._trackers.items() if step > tracker.reached]:
                self._try(name, f"its numbers end before step {step}", "log", step, numbers_of(row))
        for name in list(self._trackers):
            self._try(name, "its last numbers may be missing", "close")

    def _try(self, name: str, consequence: str, method: str, *arguments: Any) -> None:
        try:
            getattr(self._trackers[name], method)(*arguments)
        except Exception as error:  # noqa: BLE001 - a server that is away for a while must not end weeks of training
            del self._trackers[name]
            _warn(f"{name} failed ({type(error).__name__}): {consequence}; metrics.jsonl has them all")


def open_trackers(names: Iterable[str], series: Series) -> Trackers:
    """The trackers of a run, going on where they were.

    Raises:
        MissingExtraError: a tracker is not installed.
        ClinsynthError: a tracker did not start.
    """
    return Trackers({name: _open(name, series) for name in names}, series.rows)


def numbers_of(row: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers of a row but its step."""
    return {
        key: value
        for key, value in row.items()
        if key != "step" and isinstance(value, int | float) and math.isfinite(value)
    }


def _open(name: str, series: Series) -> Tracker:
    from clinsynth.train.trackers import mlflow, tensorboard, wandb

    starts: dict[str, Callable[[Series], Tracker]] = {
        "tensorboard": tensorboard.start,
        "mlflow": mlflow.start,
        "wandb": wandb.start,
    }
    try:
        return starts[name](series)
    except ClinsynthError:
        raise
    except Exception as error:  # each library has its own
        said = str(error).strip().splitlines()[:1]
        raise ClinsynthError(
            f"trackers: {name} did not start ({type(error).__name__}): {''.join(said)}"
        ) from error


def _warn(problem: str) -> None:
    sys.stderr.write(f"warning: trackers: {problem}\n")

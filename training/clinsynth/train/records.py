"""Where a run's numbers go: ``metrics.jsonl`` always, and the trackers of the config."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from clinsynth.train.metrics import Metrics, go_back
from clinsynth.train.trackers import Series, Trackers, open_trackers, settings_of

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig


class Records:
    """Takes the rows of a run. In a process that writes none, they go nowhere.

    Args:
        losses: of the steps before.
    """

    def __init__(
        self, metrics: Metrics | None = None, trackers: Trackers | None = None, losses: Iterable[float] = ()
    ) -> None:
        self._metrics, self._trackers = metrics, trackers
        self.losses = list(losses)

    def add(self, **row: Any) -> None:
        """Writes a row down and passes it on."""
        if self._metrics is not None:
            self._metrics.add(**row)
        if self._trackers is not None:
            self._trackers.log(row)

    def close(self) -> None:
        """Returns when the trackers have all rows."""
        if self._trackers is not None:
            self._trackers.close()


@contextmanager
def open_records(config: TrainConfig, step: int, *, writes: bool) -> Iterator[Records]:
    """The records of a run that goes on from ``step``; closed at the end of the block.

    Raises:
        ClinsynthError: a tracker did not start.
    """
    records = _records(config, step) if writes else Records()
    try:
        yield records
    finally:
        records.close()


def _records(config: TrainConfig, step: int) -> Records:
    rows, reached = go_back(config.folder, step)
    series = Series(config.folder, config.name, settings_of(config), rows, step, reached)
    trackers = open_trackers(config.trackers, series)
    return Records(Metrics(config.folder), trackers, [row["loss"] for row in rows if "loss" in row])

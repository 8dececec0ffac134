"""TensorBoard: event files in the run folder, for ``tensorboard --logdir``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clinsynth.errors import MissingExtraError
from clinsynth.train.trackers.base import EXTRA, Series

FOLDER: Final = "tensorboard"


def start(series: Series) -> TensorBoard:
    """Goes on behind the event files of before; what those say of steps that are taken again is hidden."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingExtraError(*EXTRA["tensorboard"]) from None
    folder = series.folder / FOLDER
    reached = series.step if any(folder.glob("events.*")) else 0
    return TensorBoard(SummaryWriter(str(folder), purge_step=reached + 1, flush_secs=30), reached)


class TensorBoard:
    """Scalars, named as in ``metrics.jsonl``."""

    def __init__(self, writer: Any, reached: int) -> None:
        self._writer, self.reached = writer, reached

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Hands over the numbers of a step."""
        for key, value in numbers.items():
            self._writer.add_scalar(key, value, step)

    def close(self) -> None:
        """Writes out what is left."""
        self._writer.close()

"""Stops a run whose loss is no number, or stays far above what is usual for it.

A spike is a loss whose logarithm lies more than ``spike`` robust standard deviations (1.4826 times the
median absolute deviation) above the median of the last ``window`` usual losses, once there are a quarter as
many. Medians, because the spikes themselves must not move what is usual; logarithms, because noise grows
with the loss, so that one setting holds from the first step to the last. A lone spike passes by itself, as
most do: only ``patience`` of them in a row stop the run.

What is usual follows from the losses alone, so that a run that goes on builds it anew from
``metrics.jsonl``.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from clinsynth.train.config import GuardConfig

_DEVIATION: Final = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""
_LEAST_DEVIATION: Final = 0.01
"""Of the logarithm, that is about 1 % of the loss: an even run does not make every ripple a spike."""


class Guard:
    """Looks at each step's loss and gradient norm, in order.

    Args:
        history: losses of the steps done so far.
    """

    def __init__(self, config: GuardConfig, history: Iterable[float] = ()) -> None:
        self._config = config
        self._recent: deque[float] = deque()
        self._sorted: list[float] = []
        self._spikes = 0
        for loss in history:
            self._watch(loss)

    @property
    def spikes(self) -> int:
        """Spikes in a row, up to the last step. Until there are none the weights are in doubt."""
        return self._spikes

    def judge(self, loss: float, norm: float) -> str | None:
        """Why the run must stop after a step with this loss and gradient norm; None when it need not."""
        if not (math.isfinite(loss) and math.isfinite(norm)):
            self._spikes += 1
            return f"the loss is {loss:.4g} and the norm of the gradient {norm:.4g}{self._usually()}"
        self._watch(loss)
        if self._spikes < self._config.patience:
            return None
        return f"the loss is {loss:.4g}, spike {self._spikes} in a row{self._usually()}"

    def _watch(self, loss: float) -> None:
        if self._config.spike is None:
            return
        value = math.log(max(loss, 1e-12))
        if self._judges and value > self._limit():
            self._spikes += 1
            return
        if len(self._recent) == self._config.window:
            del self._sorted[bisect_left(self._sorted, self._recent.popleft())]
        self._spikes = 0
        self._recent.append(value)
        insort(self._sorted, value)

    @property
    def _judges(self) -> bool:
        return len(self._recent) >= max(1, self._config.window // 4)

    def _limit(self) -> float:
        middle = _median(self._sorted)
        deviation = _DEVIATION * _median(sorted(abs(value - middle) for value in self._sorted))
        assert self._config.spike is not None
        return middle + self._config.spike * max(deviation, _LEAST_DEVIATION)

    def _usually(self) -> str:
        if not self._sorted:
            return ""
        usual = f"; usual was {math.exp(_median(self._sorted)):.4g}"
        if not self._judges:
            return usual
        limit = math.exp(self._limit())
        return f"{usual} (median of {len(self._recent)} steps), a spike is more than {limit:.4g}"


def _median(values: Sequence[float]) -> float:
    """Of sorted values."""
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2

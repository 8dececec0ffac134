"""The learning rate as a function of the step: nothing to store, nothing to restore."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clinsynth.train.config import OptimizerConfig


def learning_rate(step: int, steps: int, config: OptimizerConfig) -> float:
    """The rate of step ``step`` (from 0) of ``steps``: a linear rise to ``lr``, then half a cosine down to
    ``final_lr * lr`` at the last step."""
    warmup = min(config.warmup_steps, steps)
    if step < warmup:
        return config.lr * (step + 1) / warmup
    share = (step - warmup) / max(1, steps - 1 - warmup)
    floor = config.final_lr * config.lr
    return floor + (config.lr - floor) * (1 + math.cos(math.pi * min(1.0, share))) / 2

"""The learning rate as a function of the step: nothing to store, nothing to restore.

    cosine     warm-up, then half a cosine to the last step
    wsd        warm-up, stable, decay over the last share of the steps
    constant   warm-up, then the peak

WSD (warmup-stable-decay) is that of MiniCPM (Hu et al. 2024, arXiv:2404.06395). The shape ``1-sqrt`` and a
decay over a fifth of the steps are those that Hägele et al. 2024 ("Scaling Laws and Compute-Optimal
Training Beyond Fixed Training Durations", arXiv:2405.18392) found best. Its stable part does not know how
long the run is: a run that shall go on longer than planned resumes from a checkpoint before the decay with
more ``steps``, and a cosine can't.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clinsynth.train.config import OptimizerConfig


def learning_rate(step: int, steps: int, config: OptimizerConfig) -> float:
    """The rate of step ``step`` (from 0) of ``steps``: a linear rise to ``lr``, then as the schedule says.

    Cosine and WSD reach ``final_lr * lr`` at the last step.
    """
    warmup = min(config.warmup_steps, steps)
    if step < warmup:
        return config.lr * (step + 1) / warmup
    floor = config.final_lr * config.lr
    return floor + (config.lr - floor) * _height(step - warmup, steps - warmup, config)


def _height(step: int, steps: int, config: OptimizerConfig) -> float:
    """Between 1 (the peak) and 0 (the floor), ``step`` of the ``steps`` that follow the warm-up."""
    if config.schedule == "constant":
        return 1.0
    if config.schedule == "cosine":
        return (1 + math.cos(math.pi * min(1.0, step / max(1, steps - 1)))) / 2
    decay = max(1, round(config.decay_share * steps))
    gone = max(0.0, (step + 1 - (steps - decay)) / decay)
    return 1 - gone if config.decay_shape == "linear" else 1 - math.sqrt(gone)

"""Randomness under tensor parallelism: hidden states drop out alike on all processes, attention on each its
own way.

All processes of a tensor-parallel group hold the same hidden states, so their dropout must agree, or the
copies drift apart. Attention is shared out by heads, and heads must not all drop the same places. So the
processes of a group are seeded alike, and ``HeadRandomness`` gives each its own numbers for as long as it
attends (the scheme of Megatron-LM's two random states, without a state to store: a step's numbers are a
function of seed and step).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig


def seed_step(config: TrainConfig, step: int, copy: int, stage: int) -> None:
    """Seeds this process for a step: alike in a tensor-parallel group, otherwise different.

    Args:
        copy: which data-parallel copy this is.
        stage: which pipeline stage.
    """
    torch.manual_seed(number_of("step", config.seed, step, copy, stage))


@dataclass(frozen=True, slots=True)
class HeadRandomness:
    """Random numbers of one tensor-parallel process's own.

    They follow from where the common numbers stand, so that a block that is computed again for its gradient
    draws the same ones again.
    """

    tp_rank: int

    def wrap(self, function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        """``function``, drawing numbers of this process's own; the common ones move on by one draw."""

        def with_own_numbers(*arguments: Any, **options: Any) -> torch.Tensor:
            drawn = int(torch.randint(2**62, ()))
            devices = [arguments[0].device] if arguments[0].is_cuda else []
            with torch.random.fork_rng(devices):
                torch.manual_seed(number_of("heads", drawn, self.tp_rank))
                return function(*arguments, **options)

        return with_own_numbers


def number_of(*parts: object) -> int:
    """A seed, the same whenever the parts are: SHA-256, 63 bits."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1

"""Who holds what of a pipeline: blocks by stage, as DeepSpeed deals them, and micro-batches under way."""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass

from clinsynth.train.plan.anatomy import Anatomy


@dataclass(frozen=True, slots=True)
class Stage:
    """One group of a pipeline.

    Args:
        index, count: which stage this is, of how many.
        blocks: how many blocks it holds.
    """

    index: int
    count: int
    blocks: int

    @property
    def first(self) -> bool:
        """Whether it holds the embedding."""
        return self.index == 0

    @property
    def last(self) -> bool:
        """Whether it holds the last norm and the head."""
        return self.index == self.count - 1

    @property
    def name(self) -> str:
        """``stage 1 of 4``."""
        return f"stage {self.index + 1} of {self.count}"

    def under_way(self, micro_batches: int) -> int:
        """Micro-batches whose activations it holds at once: one forward, one backward in turn (1F1B)."""
        return min(self.count - self.index, micro_batches)

    def held(self, anatomy: Anatomy, tp: int) -> int:
        """Parameters on one of its ``tp`` processes."""
        total = self.blocks * anatomy.held_block(tp)
        if self.first:
            total += anatomy.held_table(tp) + anatomy.position_table
        if self.last:
            total += anatomy.norm
            # A tied head is the embedding; where that stands in another stage, this one holds a copy.
            total += 0 if anatomy.tied and self.first else anatomy.held_table(tp)
        return total


def stages_of(anatomy: Anatomy, pp: int) -> tuple[Stage, ...]:
    """The stages of a pipeline over ``pp`` groups, in order."""
    before = 2 if anatomy.positions else 1
    weights = (0,) * before + (1,) * anatomy.layers + (0, 0)
    ends = balanced(weights, pp)
    return tuple(
        Stage(i, pp, sum(weights[start:end])) for i, (start, end) in enumerate(itertools.pairwise(ends))
    )


@functools.lru_cache(maxsize=256)
def balanced(weights: tuple[int, ...], parts: int) -> tuple[int, ...]:
    """Where each part begins, and the end: ``deepspeed.runtime.utils.partition_balanced``.

    The linear partition problem by dynamic programming, with DeepSpeed's way of choosing among equals.
    """
    count = len(weights)
    if count <= parts:
        return tuple(min(part, count) for part in range(parts + 1))
    before = [0]
    for weight in weights:
        before.append(before[-1] + weight)
    # By items dealt out and parts used: (cost, largest part, smallest part, where the last part begins).
    nothing = (math.inf, math.inf, math.inf, 0)
    best: list[list[tuple[float, float, float, int]]] = [[nothing] * (parts + 1) for _ in range(count + 1)]
    best[0][0] = (0, 0, math.inf, 0)
    for items in range(1, count + 1):
        for used in range(1, min(items, parts) + 1):
            for start in range(items):
                _, largest, smallest, _ = best[start][used - 1]
                this = before[items] - before[start]
                largest, smallest = max(largest, this), min(smallest, this)
                if best[items][used][0] >= largest - smallest:
                    best[items][used] = (largest - smallest, largest, smallest, start)
    ends = [count]
    for used in range(parts, 0, -1):
        ends.append(best[ends[-1]][used][3])
    return tuple(reversed(ends))

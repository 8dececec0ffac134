"""All layouts of a cluster's GPUs: those that fit, best first, and why the others don't."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from clinsynth.train.plan.hardware import Cluster
from clinsynth.train.plan.job import Job, Layout, zero_stages
from clinsynth.train.plan.memory import GIB, Memory, peak
from clinsynth.train.plan.speed import StepTime, step_time

# Steps that differ less are alike to a model that does not know how fast small matrices are.
_CLOSE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Candidate:
    """A layout with what it needs."""

    layout: Layout
    memory: Memory
    time: StepTime

    @property
    def order(self) -> tuple[float, float]:
        """The shorter step first; of two alike, the one that needs less memory."""
        return self.time.total, self.memory.total


@dataclass(frozen=True, slots=True)
class Search:
    """What was found.

    Args:
        fitting: best first; of each tp, pp and ZeRO stage the choice of checkpointing and the largest
            micro-batch whose step is within 1 % of the shortest.
        refused: what is out -> why.
    """

    fitting: tuple[Candidate, ...]
    refused: dict[str, str]


@dataclass(slots=True)
class _Refused:
    """Sizes that are out, collected by why."""

    tp: dict[str, list[int]] = field(default_factory=dict)
    dp: list[int] = field(default_factory=list)
    memory: dict[str, str] = field(default_factory=dict)

    def by_size(self, job: Job) -> dict[str, str]:
        """What is out -> why."""
        found = {_sizes("tp", sizes): f"does not divide {why}" for why, sizes in self.tp.items()}
        if self.dp:
            found[_sizes("dp", self.dp)] = f"does not divide batch.rows {job.rows:,}"
        return found | self.memory


def search(job: Job, cluster: Cluster) -> Search:
    """Layouts of all GPUs, tensor parallel inside a node, with micro-batches of 1, 2, 4 and so on rows."""
    fitting: list[Candidate] = []
    refused = _Refused()
    for tp in _divisors(cluster.gpus_per_node):
        reason = next((f"{name} {size:,}" for name, size in job.divisors if size % tp), None)
        if reason is not None:
            refused.tp.setdefault(reason, []).append(tp)
            continue
        for pp in _divisors(cluster.gpus // tp):
            dp = cluster.gpus // (tp * pp)
            if pp > job.anatomy.layers:
                continue
            if job.rows % dp:
                refused.dp.append(dp)
                continue
            for zero in zero_stages(pp):
                fitting += _best(job, cluster, Layout(tp, pp, dp, zero), refused)
    fitting.sort(key=lambda candidate: candidate.order)
    return Search(tuple(fitting), refused.by_size(job))


def _best(job: Job, cluster: Cluster, layout: Layout, refused: _Refused) -> list[Candidate]:
    """The best of a grid and ZeRO stage; none when no micro-batch of it fits."""
    needs = [(variant, peak(job, variant)) for variant in _variants(job, layout)]
    fitting = [
        Candidate(variant, memory, step_time(job, variant, cluster))
        for variant, memory in needs
        if memory.total <= cluster.usable * GIB
    ]
    if fitting:
        shortest = min(candidate.time.total for candidate in fitting)
        close = [each for each in fitting if each.time.total <= shortest * (1 + _CLOSE)]
        return [max(close, key=lambda each: (each.layout.micro_rows, -each.time.total))]
    least = min(memory.total for _, memory in needs) / GIB
    refused.memory[f"{layout.name}, ZeRO-{layout.zero}"] = (
        f"needs {least:,.0f} GiB at least, {cluster.usable:.0f} are usable"
    )
    return []


def _variants(job: Job, grid: Layout) -> Iterator[Layout]:
    for checkpointing in (False, True):
        micro_rows = 1
        while micro_rows * grid.dp <= job.rows:
            layout = Layout(grid.tp, grid.pp, grid.dp, grid.zero, micro_rows, checkpointing)
            if job.misfit(layout) is None:
                yield layout
            micro_rows *= 2


def _sizes(axis: str, sizes: list[int]) -> str:
    return f"{axis} {', '.join(str(size) for size in sorted(set(sizes)))}"


def _divisors(number: int) -> list[int]:
    return [divisor for divisor in range(1, number + 1) if number % divisor == 0]

"""What travels in a step, by axis, and over which wire.

Processes are numbered as DeepSpeed numbers them: tensor-parallel neighbours first, then data-parallel ones,
then stages. So tensor parallelism stays inside a node, and the others get what is left of it in that order.

An all-reduce among n sends 2 (n - 1) / n of its bytes from each, a gather or scatter half of that (rings).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from clinsynth.train.plan.activations import STREAM_BYTES
from clinsynth.train.plan.hardware import WIRE_SHARE, Cluster
from clinsynth.train.plan.job import Job, Layout
from clinsynth.train.plan.stages import Stage

Wire = Literal["", "NVLink", "network"]
_FLOAT: Final = 4


@dataclass(frozen=True, slots=True)
class Axis:
    """What one GPU sends along an axis of the layout.

    Args:
        wire: the slowest that is on the way; empty when nothing is sent.
        per_micro: bytes a micro-batch.
        per_step: bytes a step beside those.
        bandwidth: bytes/s that one GPU may expect of the wire.
    """

    wire: Wire
    per_micro: float
    per_step: float
    bandwidth: float

    def total(self, micro_batches: int) -> float:
        """Bytes a step."""
        return self.per_micro * micro_batches + self.per_step

    def seconds_per_micro(self) -> float:
        """For what a micro-batch sends."""
        return self.per_micro / self.bandwidth

    def seconds_per_step(self) -> float:
        """For what is sent once a step."""
        return self.per_step / self.bandwidth


@dataclass(frozen=True, slots=True)
class Traffic:
    """What one GPU of a stage sends, by axis."""

    tensor: Axis
    pipeline: Axis
    data: Axis


def traffic(job: Job, layout: Layout, stage: Stage, cluster: Cluster) -> Traffic:
    """Of one GPU of a stage."""
    return Traffic(
        tensor=_tensor(job, layout, stage, cluster),
        pipeline=_pipeline(job, layout, stage, cluster),
        data=_data(job, layout, stage, cluster),
    )


def _all_reduce(size: float, members: int) -> float:
    return 2 * size * (members - 1) / members


def _tensor(job: Job, layout: Layout, stage: Stage, cluster: Cluster) -> Axis:
    """All-reduces of hidden states behind matrices split by rows, of gradients before those by columns."""
    states = job.micro_tokens(layout) * job.anatomy.width * job.compute_bytes
    rows = sum(linear.split == "rows" for linear in job.anatomy.linears)
    columns = len(job.anatomy.linears) - rows
    times = stage.blocks * (rows * (2 if layout.checkpointing else 1) + columns)
    if stage.first:
        times += STREAM_BYTES // job.compute_bytes  # embeddings, in float32
    if stage.last:
        times += 1  # the head's gradient
    sent = _all_reduce(states * times, layout.tp)
    return _axis(cluster, "NVLink", per_micro=sent)


def _pipeline(job: Job, layout: Layout, stage: Stage, cluster: Cluster) -> Axis:
    """Hidden states onwards, their gradients back; a tensor-parallel process sends its share.

    The first and the last stage add up the gradients of an embedding that is the head too.
    """
    share = STREAM_BYTES * job.micro_tokens(layout) * job.anatomy.width / layout.tp
    sent = share * ((not stage.last) + (not stage.first))
    ends = job.anatomy.tied and layout.pp > 1 and (stage.first or stage.last)
    tied = _FLOAT * job.anatomy.held_table(layout.tp) if ends else 0
    inside = layout.gpus <= cluster.gpus_per_node
    return _axis(cluster, "NVLink" if inside else "network", per_micro=sent, per_step=tied)


def _data(job: Job, layout: Layout, stage: Stage, cluster: Cluster) -> Axis:
    """Gradients and weights by ZeRO, in float32."""
    tp, dp = layout.tp, layout.dp
    size = _FLOAT * stage.held(job.anatomy, tp)
    reduce, gather = _all_reduce(size, dp), _all_reduce(size, dp) / 2
    per_micro, per_step = 0.0, reduce + gather
    if layout.zero == 2:  # reduces after each micro-batch
        per_micro, per_step = reduce, gather
    if layout.zero == 3:  # gathers weights for each pass, forward and backward, and scatters gradients
        per_micro, per_step = 3 * gather, 0.0
    wire: Wire = "NVLink" if tp * dp <= cluster.gpus_per_node else "network"
    # A ring that leaves a node does so once, through the adapters of all its GPUs there.
    adapters = max(1, min(dp, cluster.gpus_per_node // tp))
    return _axis(cluster, wire, per_micro=per_micro, per_step=per_step, adapters=adapters)


def _axis(
    cluster: Cluster, wire: Wire, *, per_micro: float, per_step: float = 0.0, adapters: int = 1
) -> Axis:
    if not per_micro + per_step:
        wire = ""
    inside = cluster.nvlink
    speed = min(cluster.network * adapters, inside) if wire == "network" else inside
    return Axis(wire, per_micro, per_step, 1e9 * WIRE_SHARE * speed)

"""How long a step takes: products of matrices, the pipeline's bubble, and what travels meanwhile.

FLOPs of a token are counted as ``train.flops`` counts them, in the convention in which model FLOPs
utilisation (MFU) is stated. What is computed again takes time but counts as no work.
"""

from __future__ import annotations

from dataclasses import dataclass

from clinsynth.train.flops import flops_per_token
from clinsynth.train.plan.hardware import Cluster
from clinsynth.train.plan.job import Job, Layout
from clinsynth.train.plan.stages import Stage, stages_of
from clinsynth.train.plan.traffic import traffic


@dataclass(frozen=True, slots=True)
class StepTime:
    """Seconds of a step, in the stage that takes longest.

    Args:
        compute: of the micro-batches' matrices, what is computed again among them.
        tensor, pipeline, data: of what travels; nothing of it is hidden behind computing.
        bubble: in which the pipeline fills and drains.
    """

    compute: float
    tensor: float
    pipeline: float
    data: float
    bubble: float

    @property
    def total(self) -> float:
        """The whole step."""
        return self.compute + self.tensor + self.pipeline + self.data + self.bubble


def block_flops(job: Job) -> float:
    """Of a block, per token, forward and backward."""
    anatomy = job.anatomy
    return flops_per_token(anatomy.multiplied_block(), 1, anatomy.heads * anatomy.head_width, job.context)


def head_flops(job: Job) -> float:
    """Of the head, per token, forward and backward."""
    return flops_per_token(job.anatomy.embedding, 0, 0, job.context)


def token_flops(job: Job) -> float:
    """Of the whole model, per token, forward and backward."""
    return job.anatomy.layers * block_flops(job) + head_flops(job)


def bubble_share(layout: Layout, micro_batches: int) -> float:
    """Share of the pipeline's time in which a stage waits: (pp - 1) / (micro-batches + pp - 1)."""
    return (layout.pp - 1) / (micro_batches + layout.pp - 1)


def step_time(job: Job, layout: Layout, cluster: Cluster) -> StepTime:
    """Seconds of a step."""
    return max(
        (_stage_time(job, layout, stage, cluster) for stage in stages_of(job.anatomy, layout.pp)),
        key=lambda time: time.total,
    )


def _stage_time(job: Job, layout: Layout, stage: Stage, cluster: Cluster) -> StepTime:
    micro_batches = job.micro_batches(layout)
    again = 4 / 3 if layout.checkpointing else 1
    flops = stage.blocks * block_flops(job) * again + (head_flops(job) if stage.last else 0)
    speed = cluster.gpu.peak(job.precision) * cluster.mfu * layout.tp
    compute = job.micro_tokens(layout) * flops / speed
    sent = traffic(job, layout, stage, cluster)
    tensor, pipeline = sent.tensor.seconds_per_micro(), sent.pipeline.seconds_per_micro()
    return StepTime(
        compute=micro_batches * compute,
        tensor=micro_batches * tensor,
        pipeline=micro_batches * pipeline + sent.pipeline.seconds_per_step(),
        data=micro_batches * sent.data.seconds_per_micro() + sent.data.seconds_per_step(),
        bubble=(layout.pp - 1) * (compute + tensor + pipeline),
    )


def tokens_per_second(job: Job, time: StepTime) -> float:
    """Tokens that the cluster trains on."""
    return job.step_tokens / time.total


def reached_mfu(job: Job, layout: Layout, cluster: Cluster, time: StepTime) -> float:
    """Model FLOPs utilisation of the whole step, bubble and traffic among it."""
    done = job.step_tokens * token_flops(job) / time.total
    return done / (layout.gpus * cluster.gpu.peak(job.precision))

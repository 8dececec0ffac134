"""Memory of one process by kind, when it is at its height.

What DeepSpeed's ZeRO allocates over float32 weights (``runtime/zero/stage_1_and_2.py``, ``stage3.py``), what
its pipeline engine keeps (``runtime/pipe/engine.py``), and what autograd saves. Two moments can be the height
of a step: a backward pass as it begins, and what comes behind the last one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from clinsynth.train.plan.activations import (
    STREAM_BYTES,
    Device,
    block_bytes,
    copied_weights,
    head_bytes,
    passing_gradient,
)
from clinsynth.train.plan.job import Job, Layout
from clinsynth.train.plan.stages import Stage, stages_of

GIB: Final = 2**30
FRAMEWORK: Final = 2 * GIB
"""Assumed for the CUDA context, cuBLAS and NCCL on a GPU."""
_FLOAT: Final = 4
# DeepSpeed's defaults, in numbers.
_REDUCE_BUCKET: Final = 500_000_000
_PREFETCH_BUCKET: Final = 50_000_000
_SUB_GROUP: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes on one process at the height of a step.

    Args:
        stage: of the pipeline, of which this is a process.
        moment: ``backward``, ``reduction`` or ``optimizer``.
        parameters: numbers of the model that it holds, or with ZeRO-3 has a share of.
        weights, gradients, optimizer: states of the model, float32.
        copies: matrices in the run's precision, kept for the backward pass.
        activations: kept for the backward pass, and what passes through it.
        logits: and what the loss needs.
        buffers: of communication.
        framework: CUDA context and libraries.
    """

    stage: Stage
    moment: str
    parameters: int
    weights: float
    gradients: float
    optimizer: float
    copies: float = 0
    activations: float = 0
    logits: float = 0
    buffers: float = 0
    framework: float = 0

    @property
    def total(self) -> float:
        """All of it."""
        return float(sum(getattr(self, kind) for kind in KINDS))


KINDS: Final[Mapping[str, str]] = {
    "weights": "float32",
    "gradients": "float32",
    "optimizer": "float32: master copy, two moments",
    "copies": "of matrices in bf16, for the gradient",
    "activations": "for the gradient",
    "logits": "and what the loss takes",
    "buffers": "of communication",
    "framework": "assumed",
}
"""Kinds of memory, each with a word on what it is."""


@dataclass(frozen=True, slots=True)
class States:
    """What ZeRO keeps of a model, bytes on one process.

    Args:
        gradients: between the micro-batches of a step.
        buckets: held while gradients come in.
        end: gradients and buffers at the height of what follows the last backward pass.
        moment: what that is called.
    """

    weights: float
    gradients: float
    optimizer: float
    buckets: float
    end: tuple[float, float]
    moment: str


def states(
    zero: int, parameters: int, dp: int, *, device: Device = "gpu", accumulated: bool = True
) -> States:
    """By stage of ZeRO.

    Args:
        parameters: of the model on this process, before data parallelism.
        accumulated: more than one micro-batch a step.
    """
    whole, share = _FLOAT * parameters, _FLOAT * parameters / dp
    # A GPU holds the whole bucket, a CPU only the pages that were written.
    bucket = _FLOAT * (_REDUCE_BUCKET if device == "gpu" else min(_REDUCE_BUCKET, parameters))
    master_and_moments = 3 * share
    if zero == 1:
        # Gradients move into a bucket, which is copied to be reduced; from there those of the own share move
        # on, and their room is taken while a second bucket fills.
        moving = max(bucket, share) if whole > bucket else bucket
        return States(whole, whole, master_and_moments, 0, (whole, moving), "reduction")
    if zero == 2:  # reduced bucket by bucket, kept in shares; flattened for the optimizer
        kept = 2 * share if accumulated else share
        return States(whole, kept, master_and_moments, 2 * bucket, (2 * share, 0), "optimizer")
    # float32 weights are their own master copy
    flat = min(share, _FLOAT * _SUB_GROUP)
    return States(share, share, 2 * share, 2 * bucket, (share + flat, bucket), "optimizer")


def peak(job: Job, layout: Layout, device: Device = "gpu") -> Memory:
    """Of the stage that needs most."""
    return max(
        (stage_peak(job, layout, stage, device) for stage in stages_of(job.anatomy, layout.pp)),
        key=lambda memory: memory.total,
    )


def stage_peak(job: Job, layout: Layout, stage: Stage, device: Device = "gpu") -> Memory:
    """Of one process of a stage."""
    return max(moments(job, layout, stage, device), key=lambda memory: memory.total)


def moments(job: Job, layout: Layout, stage: Stage, device: Device = "gpu") -> tuple[Memory, Memory]:
    """A backward pass as it begins, and what follows the last one."""
    parameters, micro_batches = stage.held(job.anatomy, layout.tp), job.micro_batches(layout)
    held = states(layout.zero, parameters, layout.dp, device=device, accumulated=micro_batches > 1)
    head = head_bytes(job, job.micro_tokens(layout), layout.tp, device) if stage.last else None
    # DeepSpeed's last stage keeps the logits of the micro-batch before.
    logits = head.logits * min(2, micro_batches) if head else 0
    framework = FRAMEWORK if device == "gpu" else 0
    passing = _Passing.of(job, layout, stage, device)
    backward = Memory(
        stage=stage,
        moment="backward",
        parameters=parameters,
        weights=held.weights,
        # Those of the first micro-batch appear as its activations go.
        gradients=held.gradients if micro_batches > 1 else 0,
        optimizer=held.optimizer,
        copies=passing.copies,
        activations=passing.activations,
        logits=logits + passing.loss,
        buffers=held.buckets + passing.gathered + _pipe_buffers(job, layout, stage),
        framework=framework,
    )
    gradients, buffers = held.end
    end = Memory(
        stage=stage,
        moment=held.moment,
        parameters=parameters,
        weights=held.weights,
        gradients=gradients,
        optimizer=held.optimizer,
        logits=logits,
        buffers=buffers + _pipe_buffers(job, layout, stage),
        framework=framework,
    )
    return backward, end


@dataclass(frozen=True, slots=True)
class _Passing:
    """What a backward pass of a stage holds, bytes: kept by the forward passes under way, and for a moment.

    Args:
        loss: what the loss or the head's gradient holds for a moment.
        gathered: weights of other processes (ZeRO-3).
    """

    copies: float
    activations: float
    loss: float
    gathered: float

    @classmethod
    def of(cls, job: Job, layout: Layout, stage: Stage, device: Device) -> _Passing:
        tokens, under_way = job.micro_tokens(layout), stage.under_way(job.micro_batches(layout))
        block = block_bytes(job, layout.tp, device)
        copied = copied_weights(job, layout.tp)
        largest = max(linear.weight for linear in job.anatomy.linears) / layout.tp
        in_block = tokens * block.passing + passing_gradient(job, largest)
        if layout.checkpointing:
            kept, copies = under_way * stage.blocks * tokens * block.stream, copied
            in_block += tokens * block.kept
        else:
            kept, copies = under_way * stage.blocks * tokens * block.kept, under_way * stage.blocks * copied
        loss = 0.0
        if stage.last:
            head = head_bytes(job, tokens, layout.tp, device)
            kept, copies = kept + head.kept, copies + head.copied
            # The head's turn and a block's are not at the same time.
            loss = max(0.0, max(head.loss, head.backward) - in_block)
        kept += under_way * _boundary(job, layout, stage)
        return cls(copies, kept + in_block, loss, _gathered(job, layout))


def _boundary(job: Job, layout: Layout, stage: Stage) -> float:
    """Bytes that the pipeline engine keeps of a micro-batch under way: what came in, what goes out."""
    sent = STREAM_BYTES * job.micro_tokens(layout) * job.anatomy.width / layout.tp
    # Without tensor parallelism the hidden states that came in are kept beside their clone.
    came_in = sent if layout.tp == 1 and not stage.first else 0
    return came_in + (0 if stage.last else sent)


def _pipe_buffers(job: Job, layout: Layout, stage: Stage) -> float:
    """Bytes of the pipeline's receiving buffers, for hidden states and for their gradients."""
    sent = STREAM_BYTES * job.micro_tokens(layout) * job.anatomy.width / layout.tp
    return sent * ((not stage.first) + (not stage.last))


def _gathered(job: Job, layout: Layout) -> float:
    """Bytes of the weights that ZeRO-3 gathers: a layer's, and those fetched ahead."""
    if layout.zero < 3:
        return 0
    anatomy, tp = job.anatomy, layout.tp
    return _FLOAT * (max(anatomy.held_block(tp), anatomy.held_table(tp)) + _PREFETCH_BUCKET)

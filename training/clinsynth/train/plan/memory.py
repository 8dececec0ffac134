"""Memory of one process by kind, at the two heights of a step.

Beside what ZeRO keeps of the model (``zero.py``) stand what autograd saves (``activations.py``) and what
DeepSpeed's pipeline engine holds (``runtime/pipe/engine.py``). It is at its height when the activations of
all forward passes under way are held, or when gradients are reduced behind the last backward pass.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
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
from clinsynth.train.plan.zero import FLOAT, PREFETCH_BUCKET, states

GIB: Final = 2**30
FRAMEWORK: Final = 2 * GIB
"""Assumed for the CUDA context, cuBLAS and NCCL on a GPU."""

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
class Memory:
    """Bytes on one process at a height of a step.

    Args:
        stage: of the pipeline, of which this is a process.
        moment: ``forward`` or ``backward``, with activations; ``reduction`` or ``optimizer``, behind them.
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
    """Both heights: with all activations, and behind the last backward pass."""
    parameters, micro_batches = stage.held(job.anatomy, layout.tp), job.micro_batches(layout)
    held = states(layout.zero, parameters, layout.dp, device=device, accumulated=micro_batches > 1)
    pipe = _pipe_buffers(job, layout, stage)
    head = head_bytes(job, job.micro_tokens(layout), layout.tp, device) if stage.last else None
    base = Memory(
        stage=stage,
        moment=held.end.moment,
        parameters=parameters,
        weights=held.weights,
        gradients=held.end.gradients,
        optimizer=held.optimizer,
        # The last stage drops logits only when those of the micro-batch after next come.
        logits=head.logits * min(2, micro_batches) if head else 0,
        buffers=held.end.buffers + pipe,
        framework=FRAMEWORK if device == "gpu" else 0,
    )
    with_activations = (
        dataclasses.replace(
            base,
            moment=passing.moment,
            # Those of the first micro-batch appear as its activations go.
            gradients=held.gradients if micro_batches > 1 else 0,
            copies=passing.copies,
            activations=passing.activations,
            logits=passing.logits,
            buffers=held.buckets + pipe + _gathered(job, layout),
        )
        for passing in _passes(job, layout, stage, device)
    )
    return max(with_activations, key=lambda memory: memory.total), base


@dataclass(frozen=True, slots=True)
class _Pass:
    """What a moment with all activations holds, bytes: see ``Memory``."""

    moment: str
    copies: float
    activations: float
    logits: float


def _passes(job: Job, layout: Layout, stage: Stage, device: Device) -> Iterator[_Pass]:
    """The moments that can be highest: a forward pass as it ends, the head's backward pass, a block's."""
    tp, tokens, micro_batches = layout.tp, job.micro_tokens(layout), job.micro_batches(layout)
    under_way = stage.under_way(micro_batches)
    block, copied = block_bytes(job, tp, device), copied_weights(job, tp)
    largest = max(linear.weight for linear in job.anatomy.linears) / tp
    in_block = tokens * block.passing + passing_gradient(job, largest)
    if layout.checkpointing:
        kept, copies, again = block.stream, 0.0, copied
        in_block += tokens * block.kept
    else:
        kept, copies, again = block.kept, under_way * stage.blocks * copied, 0.0
    activations = under_way * (stage.blocks * tokens * kept + _boundary(job, layout, stage))
    if not stage.last:
        yield _Pass("backward", copies + again, activations + in_block, 0)
        return
    head = head_bytes(job, tokens, tp, device)
    logits = head.logits * min(2, micro_batches)
    yield _Pass("forward", copies + head.copied, activations + head.kept, logits + head.logits)
    passing = max(head.loss, head.backward)
    yield _Pass("backward", copies + head.copied, activations + head.kept, logits + passing)
    yield _Pass("backward", copies + again, activations + in_block, logits)


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
    return FLOAT * (max(anatomy.held_block(tp), anatomy.held_table(tp)) + PREFETCH_BUCKET)

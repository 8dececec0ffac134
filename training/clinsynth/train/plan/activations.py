"""What a layer keeps for its gradient, in bytes a token, as the trainer's own layers keep it.

The stream of hidden states is float32; matrices are multiplied in the run's precision. A bias is float32
and makes what it is added to float32 again. All of it follows from the decoders' code in Hugging Face and
from which tensors autograd saves; a test counts what the real blocks save and compares.

Not counted: statistics of the norms, and dropout (a byte for each number that may be dropped).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from clinsynth.train.plan.anatomy import Anatomy
from clinsynth.train.plan.job import Job

Device = Literal["gpu", "cpu"]

STREAM_BYTES: Final = 4
"""Bytes of a number in the stream of hidden states."""
_FLOAT: Final = 4
# The loss works through so many tokens at a time (clinsynth.train.loss).
_LOSS_CHUNK: Final = {"gpu": 4096, "cpu": 64}


@dataclass(frozen=True, slots=True)
class BlockBytes:
    """What a block holds, bytes a token on one process.

    Args:
        stream: its input: all that is kept when activations are computed again.
        kept: everything kept for its gradient, ``stream`` included.
        passing: the most that its backward pass holds for a moment beside.
    """

    stream: float
    kept: float
    passing: float


def block_bytes(job: Job, tp: int, device: Device = "gpu") -> BlockBytes:
    """Of one block, per token on one of ``tp`` processes."""
    anatomy, c = job.anatomy, job.compute_bytes
    stream = STREAM_BYTES * anatomy.width
    shared = _attention(anatomy, c, device) + _mlp(anatomy, c)
    kept = _norms(anatomy, c) + _places(job, device) + shared / tp
    # Gradients of the stream in and out, and of what the activation function takes in, gives and passes on.
    inside = (c if anatomy.activation == "gated" else _FLOAT) * anatomy.mlp_width
    return BlockBytes(stream=stream, kept=kept, passing=2 * stream + 3 * inside / tp)


def _norms(anatomy: Anatomy, c: int) -> float:
    """Both norms: the stream that each reads, what RMSNorm has normed, and what the linear layers read."""
    streams = 1 if anatomy.parallel else 2
    normed = 2 * _FLOAT if anatomy.rms else 0
    return (streams * STREAM_BYTES + normed + 2 * c) * anatomy.width


def _places(job: Job, device: Device) -> float:
    """Cosines and sines, and on a GPU a row of the mask that keeps attention inside documents."""
    c = job.compute_bytes
    rotations = 2 * c * job.anatomy.rotary_width
    return rotations + (c * job.context if device == "gpu" else 0)


def _attention(anatomy: Anatomy, c: int, device: Device) -> float:
    """Query, key, value and result, and a number a head of the softmax."""
    queries, keys = anatomy.heads * anatomy.head_width, anatomy.kv_heads * anatomy.head_width
    kept = c * (2 * queries + 2 * keys) + _FLOAT * anatomy.heads
    if anatomy.head_norms:  # in float32, then in the run's precision
        kept += (_FLOAT + c) * (queries + keys)
    if anatomy.fused and anatomy.rotary_width and c == _FLOAT:
        kept += 2 * c * queries  # the value is a view of all three, beside which the rotated two are new
    if device == "cpu":  # documents are attended one by one and put together in a copy
        kept += c * queries
    return kept


def _mlp(anatomy: Anatomy, c: int) -> float:
    """What goes into the activation function, comes out, and goes into the second matrix."""
    if anatomy.activation == "gated":  # gate, its SiLU, the other matrix's result, the product
        return 4 * c * anatomy.mlp_width
    if anatomy.activation == "gelu":
        return (_FLOAT + c) * anatomy.mlp_width
    # Written out in Python, in float32: the input, its tanh, one plus that, and half the input.
    return (4 * _FLOAT + c) * anatomy.mlp_width


def copied_weights(job: Job, tp: int) -> float:
    """Bytes of a block's matrices in the run's precision, kept for each micro-batch under way."""
    if job.precision == "fp32":
        return 0
    return job.compute_bytes * job.anatomy.multiplied_block() / tp


def passing_gradient(job: Job, weight: float) -> float:
    """Bytes of a matrix's newest gradient, as it was computed and in float32, before it is added up."""
    return weight * (_FLOAT if job.precision == "fp32" else job.compute_bytes + _FLOAT)


@dataclass(frozen=True, slots=True)
class HeadBytes:
    """What the last norm, the head and the loss hold, bytes on one process.

    Args:
        kept: for the gradient, without logits.
        logits: of one micro-batch; their gradient takes their place.
        copied: the head's matrix in the run's precision.
        loss: what the loss holds for a moment.
        backward: what the head's backward pass holds for a moment.
    """

    kept: float
    logits: float
    copied: float
    loss: float
    backward: float


def head_bytes(job: Job, tokens: int, tp: int, device: Device = "gpu") -> HeadBytes:
    """Of one micro-batch of ``tokens`` on one of ``tp`` processes."""
    anatomy, c = job.anatomy, job.compute_bytes
    share = anatomy.padded_vocabulary(tp) // tp
    normed = _FLOAT if anatomy.rms else 0
    return HeadBytes(
        kept=tokens * (STREAM_BYTES + normed + c) * anatomy.width,
        logits=tokens * c * share,
        copied=0 if job.precision == "fp32" else c * share * anatomy.width,
        loss=2 * _FLOAT * min(tokens, _LOSS_CHUNK[device]) * share,
        backward=passing_gradient(job, share * anatomy.width) + tokens * (c + STREAM_BYTES) * anatomy.width,
    )

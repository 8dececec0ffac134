"""What each stage of ZeRO keeps of a model (DeepSpeed's ``runtime/zero/stage_1_and_2.py``, ``stage3.py``).

Weights are float32, and so are the groups that DeepSpeed calls 16-bit. Stages 1 and 2 still clone the own
share of them as a master copy; stage 3 does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from clinsynth.train.plan.activations import Device

FLOAT: Final = 4
PREFETCH_BUCKET: Final = 50_000_000
"""Numbers that stage 3 gathers ahead."""
# DeepSpeed's defaults, in numbers.
_REDUCE_BUCKET: Final = 500_000_000
_SUB_GROUP: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class End:
    """The height of what follows the last backward pass, bytes.

    Args:
        moment: ``reduction`` of gradients, or the ``optimizer``.
        buffers: that gradients pass through.
    """

    moment: str
    gradients: float
    buffers: float


@dataclass(frozen=True, slots=True)
class States:
    """What is kept of a model, bytes on one process.

    Args:
        gradients: between the micro-batches of a step.
        optimizer: master copy and two moments.
        buckets: held while gradients come in.
    """

    weights: float
    gradients: float
    optimizer: float
    buckets: float
    end: End


def states(
    zero: int, parameters: int, dp: int, *, device: Device = "gpu", accumulated: bool = True
) -> States:
    """By stage of ZeRO.

    Args:
        parameters: of the model on this process, before data parallelism.
        accumulated: more than one micro-batch a step.
    """
    whole, share = FLOAT * parameters, FLOAT * parameters / dp
    # A GPU holds the whole bucket, a CPU only the pages that were written.
    bucket = FLOAT * (_REDUCE_BUCKET if device == "gpu" else min(_REDUCE_BUCKET, parameters))
    if zero == 1:
        # Gradients move into a bucket, which is copied to be reduced; from there those of the own share
        # move on, and hold their room while the bucket fills again.
        moving = max(bucket, share) if whole > bucket else bucket
        return States(whole, whole, 3 * share, 0, End("reduction", whole, moving))
    if zero == 2:
        # Each micro-batch is reduced bucket by bucket and leaves a share, which is added to the last one's.
        kept = 2 * share if accumulated else share
        return States(whole, kept, 3 * share, 2 * bucket, End("optimizer", 2 * share, 0))
    flat = min(share, FLOAT * _SUB_GROUP)
    return States(share, share, 2 * share, 2 * bucket, End("optimizer", share + flat, bucket))

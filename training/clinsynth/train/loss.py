"""Cross-entropy over a vocabulary that is shared out, weighed by tokens, in float32 a few rows at a time.

Logits of a vocabulary are the largest tensor of a small model's step. Each tensor-parallel process holds
those of its own rows of the vocabulary; three numbers a token travel between them, never the logits
(Shoeybi et al. 2019, "Megatron-LM", section 3). The gradient is computed along with the loss and takes the
logits' own memory: nothing of their size is allocated or gathered.

Shapes: B rows, T tokens, N = B x T, V/tp columns of this process, padding of the vocabulary among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import torch

IGNORED: Final = -100
# Tokens at a time: their logits in float32 should stay in the processor's cache (1 MiB at V = 4096).
_CHUNK: Final = 64
_CHUNK_ACCELERATOR: Final = 4096


@dataclass(frozen=True, slots=True)
class TokenLoss:
    """The share of a micro-batch in the loss of its step, from a share of the vocabulary's logits.

    Args:
        group: processes that share the vocabulary out; None where this one holds all of it.
        first: token of the first column.
        columns: columns that stand for a token; those behind are padding.
    """

    group: Any
    first: int
    columns: int

    def __call__(self, logits: torch.Tensor, target: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """The loss, a scalar, the same on every process of the group.

        Args:
            logits: [B, T, V/tp]; not usable afterwards when gradients are on.
            target: labels [B, T], already shifted, ``IGNORED`` where there is nothing to predict; and the
                weight of a token, a scalar. With weight = micro-batches / tokens of the step, the mean over
                micro-batches that DeepSpeed takes is the mean over tokens.
        """
        labels, weight = target
        loss: torch.Tensor = _TokenLoss.apply(  # type: ignore[no-untyped-call]
            logits.reshape(-1, logits.shape[-1]), labels.reshape(-1), weight, self
        )
        return loss


class _TokenLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, logits: torch.Tensor, labels: torch.Tensor, weight: torch.Tensor, part: TokenLoss
    ) -> torch.Tensor:
        wants_gradient = ctx.needs_input_grad[0]
        columns = logits.detach()[:, : part.columns]
        local = labels - part.first
        size = _CHUNK if logits.device.type == "cpu" else _CHUNK_ACCELERATOR
        chunks = [slice(start, start + size) for start in range(0, labels.numel(), size)]
        total = logits.new_zeros((), dtype=torch.float32)
        if part.group is None:
            # Loss and gradient of a chunk while its logits are in the cache.
            for here in chunks:
                log_p = torch.log_softmax(columns[here], 1, dtype=torch.float32)
                own = log_p.gather(1, local[here].clamp(min=0).unsqueeze(1)).squeeze(1)
                total += _counted(-own, labels[here])
                if wants_gradient:
                    _to_gradient(columns[here], log_p.exp_(), local[here], _share(labels[here], weight))
        else:
            parts = [_log_sum_and_own(columns[here], local[here]) for here in chunks]
            log_sum, own = _over_the_vocabulary(
                torch.cat([log_sum for log_sum, _ in parts]),
                torch.cat([own for _, own in parts]),
                part.group,
            )
            total += _counted(log_sum - own, labels)
            if wants_gradient:
                for here in chunks:
                    p = (columns[here].float() - log_sum[here].unsqueeze(1)).exp_()
                    _to_gradient(columns[here], p, local[here], _share(labels[here], weight))
        if wants_gradient:
            logits.detach()[:, part.columns :].zero_()
            ctx.save_for_backward(logits.detach())
        return total * weight

    @staticmethod
    def backward(ctx: Any, grad_output: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient.mul_(grad_output), None, None, None


def _log_sum_and_own(logits: torch.Tensor, local: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of each token [n]: log-sum-exp of these columns; logit of its label, 0 where that is elsewhere."""
    logits = logits.float()
    inside = (local >= 0) & (local < logits.shape[1])
    own = logits.gather(1, local.where(inside, 0).unsqueeze(1)).squeeze(1)
    return torch.logsumexp(logits, 1), own.where(inside, 0.0)


def _over_the_vocabulary(
    log_sum: torch.Tensor, own: torch.Tensor, group: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    """The two numbers a token of all columns together, from those of each process's. Collective."""
    import torch.distributed as dist

    largest = log_sum.clone()
    dist.all_reduce(largest, dist.ReduceOp.MAX, group=group)
    sums = torch.stack([(log_sum - largest).exp(), own])
    dist.all_reduce(sums, group=group)
    return largest + sums[0].log(), sums[1]


def _to_gradient(logits: torch.Tensor, p: torch.Tensor, local: torch.Tensor, share: torch.Tensor) -> None:
    """Overwrites logits [n, columns], and their probabilities, with the gradient of the loss in them."""
    inside = (local >= 0) & (local < logits.shape[1])
    p.scatter_add_(1, local.where(inside, 0).unsqueeze(1), -inside.float().unsqueeze(1))
    logits.copy_(p.mul_(share.unsqueeze(1)))


def _counted(losses: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return (losses * (labels != IGNORED)).sum()


def _share(labels: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return (labels != IGNORED) * weight

"""Cross-entropy weighed by tokens, computed a few rows at a time in float32.

Logits of a vocabulary are the largest tensor of a small model's step. Here the gradient is computed along
with the loss and takes the logits' own memory: nothing of their size is allocated or read twice.
"""

from __future__ import annotations

from typing import Any, Final

import torch

IGNORED: Final = -100
# Tokens at a time: their logits in float32 should stay in the processor's cache (1 MiB at V = 4096).
_CHUNK: Final = 64
_CHUNK_ACCELERATOR: Final = 4096


def token_loss(logits: torch.Tensor, target: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """The share of a micro-batch in the loss of its step.

    Args:
        logits: [B, T, V]; not usable afterwards when gradients are on.
        target: labels [B, T], already shifted, ``IGNORED`` where there is nothing to predict; and the
            weight of a token, a scalar. With weight = micro-batches / tokens of the step, the mean over
            micro-batches that DeepSpeed takes is the mean over tokens.
    """
    labels, weight = target
    loss: torch.Tensor = _TokenLoss.apply(  # type: ignore[no-untyped-call]
        logits.reshape(-1, logits.shape[-1]), labels.reshape(-1), weight
    )
    return loss


class _TokenLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, labels: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        chunk = _CHUNK if logits.device.type == "cpu" else _CHUNK_ACCELERATOR
        gradient = logits.detach() if ctx.needs_input_grad[0] else None
        total = logits.new_zeros((), dtype=torch.float32)
        for start in range(0, labels.numel(), chunk):
            here = slice(start, start + chunk)
            wanted = labels[here]
            counts = wanted != IGNORED
            log_p = torch.log_softmax(logits[here].float(), -1)
            index = wanted.clamp(min=0).unsqueeze(1)
            total -= (log_p.gather(1, index).squeeze(1) * counts).sum()
            if gradient is not None:
                p = log_p.exp_()
                p.scatter_add_(1, index, p.new_full((1, 1), -1.0).expand_as(index))
                gradient[here] = p.mul_((counts * weight).unsqueeze(1))
        if gradient is not None:
            ctx.save_for_backward(gradient)
        return total * weight

    @staticmethod
    def backward(ctx: Any, grad_output: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient.mul_(grad_output), None, None

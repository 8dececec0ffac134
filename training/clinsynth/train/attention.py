"""Attention that stays inside a document: a packed row is read as if each of its notes stood alone.

The decoder's own attention layers call ``documents_attention`` through Hugging Face's registry, and hand it
the ``Documents`` of the row in place of a mask. Without it, a note would learn from its neighbours in the
row, which at generation are not there (Krell et al. 2021, "Efficient sequence packing without
cross-contamination").

Shapes: B rows, T tokens, N heads, K key and value heads, D width of a head.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch.nn.functional import pad, scaled_dot_product_attention

NAME: Final = "clinsynth_documents"
"""What the attention is called in Hugging Face's registry."""

_TILE: Final = 64


def document_mask(segments: torch.Tensor) -> torch.Tensor:
    """Who may look at whom: [B, T] numbers of documents -> [B, 1, T, T], true where query i sees key j.

    A token sees itself and what comes before it in its own document; padding is a document of its own.
    """
    tokens = segments.shape[1]
    causal = torch.ones(tokens, tokens, dtype=torch.bool, device=segments.device).tril()
    return ((segments[:, :, None] == segments[:, None, :]) & causal)[:, None]


def document_positions(segments: torch.Tensor) -> torch.Tensor:
    """Places counted from 0 in each document: [B, T] -> [B, T]."""
    places = torch.arange(segments.shape[1], device=segments.device).expand_as(segments)
    begins = torch.ones_like(segments, dtype=torch.bool)
    begins[:, 1:] = segments[:, 1:] != segments[:, :-1]
    start: torch.Tensor = torch.where(begins, places, 0).cummax(1).values
    return places - start


@dataclass(slots=True, repr=False, eq=False)
class Documents:
    """The documents of a micro-batch, and what is computed from them once for all blocks.

    Args:
        segments: [B, T], one number a document, documents one after the other.
    """

    segments: torch.Tensor
    _positions: torch.Tensor | None = None
    _lengths: list[list[int]] | None = None
    _masks: dict[int | None, torch.Tensor] = field(default_factory=dict)

    @property
    def positions(self) -> torch.Tensor:
        """[B, T], from 0 in each document."""
        if self._positions is None:
            self._positions = document_positions(self.segments)
        return self._positions

    @property
    def lengths(self) -> list[list[int]]:
        """Of each row, the tokens of its documents one after the other, padding among them."""
        if self._lengths is None:
            tokens = self.segments.shape[1]
            starts = [[i for i, place in enumerate(row) if not place] for row in self.positions.tolist()]
            self._lengths = [[b - a for a, b in zip(row, [*row[1:], tokens])] for row in starts]
        return self._lengths

    def mask(self, window: int | None) -> torch.Tensor:
        """``document_mask``; with a window, no further back than ``window - 1`` tokens."""
        if window not in self._masks:
            mask = document_mask(self.segments)
            if window is not None:
                mask = mask & torch.ones_like(mask[0, 0]).triu(1 - window)
            self._masks[window] = mask
        return self._masks[window]


class DocumentsOf:
    """Gives the ``Documents`` of a micro-batch's segments, the same to every block that asks in turn."""

    def __init__(self) -> None:
        self._last: Documents | None = None

    def __call__(self, segments: torch.Tensor) -> Documents:
        """The documents; made anew when the segments are another tensor than last time."""
        if self._last is None or self._last.segments is not segments:
            self._last = Documents(segments)
        return self._last


def documents_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    documents: Documents,
    *,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **_ignored: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention inside each document, with the signature of Hugging Face's attention functions.

    Args:
        query: [B, N, T, D]; key, value: [B, K, T, D].
        documents: where the blocks of Hugging Face expect a mask.

    Returns:
        [B, T, N, D], and no weights.
    """
    if sliding_window is not None and sliding_window >= query.shape[2]:
        sliding_window = None
    options: dict[str, Any] = {
        "scale": scaling,
        "dropout_p": dropout,
        "enable_gqa": query.shape[1] != key.shape[1],
    }
    attend: Callable[..., torch.Tensor] = scaled_dot_product_attention
    if dropout and (rng := getattr(module, "attention_randomness", None)) is not None:
        attend = rng.wrap(attend)
    if query.device.type == "cpu" and sliding_window is None:
        return _by_document(attend, query, key, value, documents, options), None
    out = attend(query, key, value, attn_mask=documents.mask(sliding_window), **options)
    return out.transpose(1, 2).contiguous(), None


def _by_document(
    attend: Callable[..., torch.Tensor],
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    documents: Documents,
    options: dict[str, Any],
) -> torch.Tensor:
    """One causal call a document: a mask would cost the square of the row."""
    rows = []
    # Split, not sliced: the gradient of a slice is as large as what it was cut from.
    for lengths, *whole in zip(documents.lengths, query.unbind(), key.unbind(), value.unbind()):
        parts = zip(lengths, *(torch.split(tensor[None], lengths, 2) for tensor in whole))
        rows.append(torch.cat([_attend_one(attend, length, part, options) for length, *part in parts]))
    return torch.stack(rows)


def _attend_one(
    attend: Callable[..., torch.Tensor], length: int, part: Sequence[torch.Tensor], options: dict[str, Any]
) -> torch.Tensor:
    """One document, [1, N, length, D] of each -> [length, N, D].

    Filled up behind, where no token of it looks: oneDNN compiles a kernel for every length that it meets,
    and keeps gigabytes of them.
    """
    missing = -length % _TILE
    if missing:
        part = [pad(tensor, (0, 0, 0, missing)) for tensor in part]
    return attend(*part, is_causal=True, **options)[0, :, :length].transpose(0, 1)


def register() -> str:
    """Makes the attention known to Hugging Face; gives its name."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, documents_attention)
    return NAME

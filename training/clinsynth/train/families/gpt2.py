"""GPT-2, the architecture of GatorTronGPT: learned positions, LayerNorm, GELU, query, key and value fused.

Hugging Face publishes no plan for it and stores its linear layers transposed (``Conv1D``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from clinsynth.errors import UsageError
from clinsynth.train.families.base import Family, Parts, Split

if TYPE_CHECKING:
    from torch import nn

    from clinsynth.train.config import ShapeConfig


class GPT2(Family):
    """``GPT2LMHeadModel``."""

    name = "gpt2"
    vllm = "native"
    dropouts = ("resid_pdrop", "embd_pdrop", "attn_pdrop")

    def settings(self, shape: ShapeConfig, vocabulary: int, context: int) -> dict[str, Any]:
        """Settings of a GPT2Config.

        Raises:
            UsageError: the shape asks for grouped-query attention, which GPT-2 has not.
        """
        if shape.kv_heads not in (None, shape.heads):
            raise UsageError("model.kv_heads: GPT-2 has as many key and value heads as heads; leave it out")
        return {
            "vocab_size": vocabulary,
            "n_positions": context,
            "n_embd": shape.hidden_size,
            "n_layer": shape.layers,
            "n_head": shape.heads,
            "n_inner": shape.intermediate_size,
            "initializer_range": shape.initializer_range,
            "tie_word_embeddings": shape.tied,
        }

    def parts(self, config: Any) -> Parts:
        """Its own names."""
        return Parts(
            embedding="transformer.wte",
            positions="transformer.wpe",
            dropout="transformer.drop",
            blocks="transformer.h",
            norm="transformer.ln_f",
            head="lm_head",
            rotary=None,
        )

    def splits(self, config: Any) -> Mapping[str, Split]:
        """Attention by heads, the MLP by its width."""
        return {
            "attn.c_attn": Split.FUSED_QKV,
            "attn.c_proj": Split.ROWS,
            "mlp.c_fc": Split.COLUMNS,
            "mlp.c_proj": Split.ROWS,
        }

    def divisors(self, settings: Mapping[str, Any]) -> Mapping[str, int]:
        """Heads, and the width of the MLP."""
        width = settings.get("n_inner") or 4 * settings["n_embd"]
        return {"heads": settings["n_head"], "intermediate_size": width}

    def blocks(self, settings: Mapping[str, Any]) -> int:
        """The decoder layers."""
        return int(settings["n_layer"])

    def positions(self, settings: Mapping[str, Any]) -> int | None:
        """Learned positions: there are no more of them."""
        return settings.get("n_positions")

    def localise(self, block: nn.Module, tp: int) -> None:
        """Attention cuts the fused output into three by a stored width."""
        attention: Any = block.get_submodule("attn")
        attention.split_size //= tp

    def initial_std(self, config: Any, tensor: str) -> float:
        """What adds to the residual stream starts smaller, the deeper the model is."""
        std = float(config.initializer_range)
        return std / math.sqrt(2 * config.n_layer) if tensor.endswith("c_proj.weight") else std

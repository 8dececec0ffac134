"""Llama: rotary positions, RMSNorm, gated MLP, grouped-query attention. Split by its own plans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from clinsynth.train.families.base import Family, Parts, Split, planned_parts, planned_splits

if TYPE_CHECKING:
    from clinsynth.train.config import ShapeConfig

# Matrix multiplications run best over whole tiles.
_TILE = 64


class Llama(Family):
    """``LlamaForCausalLM``."""

    name = "llama"

    def settings(self, shape: ShapeConfig, vocabulary: int, context: int) -> dict[str, Any]:
        """Settings of a LlamaConfig."""
        default = -(-shape.hidden_size * 8 // (3 * _TILE)) * _TILE
        return {
            "vocab_size": vocabulary,
            "hidden_size": shape.hidden_size,
            "intermediate_size": shape.intermediate_size or default,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "num_key_value_heads": shape.kv_heads or shape.heads,
            "max_position_embeddings": context,
            "initializer_range": shape.initializer_range,
            "tie_word_embeddings": shape.tied,
        }

    def parts(self, config: Any) -> Parts:
        """By the plan; rotary positions stand beside the blocks."""
        return planned_parts(config, base="model", rotary="rotary_emb")

    def splits(self, config: Any) -> Mapping[str, Split]:
        """By the plan."""
        return planned_splits(config)

    def divisors(self, settings: Mapping[str, Any]) -> Mapping[str, int]:
        """Heads of both kinds, and the width of the MLP."""
        heads = settings["num_attention_heads"]
        return {
            "heads": heads,
            "kv_heads": settings.get("num_key_value_heads") or heads,
            "intermediate_size": settings["intermediate_size"],
        }

    def blocks(self, settings: Mapping[str, Any]) -> int:
        """The decoder layers."""
        return int(settings["num_hidden_layers"])

    def positions(self, settings: Mapping[str, Any]) -> int | None:
        """The longest row it was made for."""
        return settings.get("max_position_embeddings")

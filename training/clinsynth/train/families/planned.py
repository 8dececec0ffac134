"""Decoders that publish their own tensor-parallel and pipeline plans: Llama, Mistral, Qwen, GPT-NeoX and
their kin.

All name the sizes of their shape alike (``hidden_size``, ``num_attention_heads``, ...). What differs is in
the plans, so one class serves them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from clinsynth.errors import UsageError
from clinsynth.train.families.base import Family, Parts, Split

if TYPE_CHECKING:
    from clinsynth.train.config import ShapeConfig

# Matrix multiplications run best over whole tiles.
_TILE: Final = 64


@dataclass(frozen=True)
class Planned(Family):
    """A decoder split by its own plans.

    Args:
        name: the ``model_type`` of Hugging Face.
        vllm: ``native`` or ``transformers``.
        dropouts: the settings that hold a dropout probability.
        base: name of the base model in the causal model.
        grouped: whether it can have fewer key and value heads than heads.
        gated: whether the MLP is gated, and so 8/3 of the width and not 4 times when no width is given.
        head_dim: whether its width of a head has a default of its own, and so must be said.
        fixed: settings of every model from scratch.
        former: beginning of a tensor's name -> what it was in folders of older releases.
        compared: see ``Family``.
    """

    name: str
    vllm: str = "native"
    dropouts: tuple[str, ...] = ("attention_dropout",)
    base: str = "model"
    grouped: bool = True
    gated: bool = True
    head_dim: bool = False
    fixed: tuple[tuple[str, Any], ...] = ()
    former: tuple[tuple[str, str], ...] = ()
    compared: bool = True

    def settings(self, shape: ShapeConfig, vocabulary: int, context: int) -> dict[str, Any]:
        """Settings of a config from scratch.

        Raises:
            UsageError: the shape asks for grouped-query attention, which the architecture has not.
        """
        if not self.grouped and shape.kv_heads not in (None, shape.heads):
            raise UsageError(
                f"model.kv_heads: {self.name} has as many key and value heads as heads; leave it out"
            )
        heads = {"num_key_value_heads": shape.kv_heads or shape.heads} if self.grouped else {}
        if self.head_dim:
            heads["head_dim"] = shape.hidden_size // shape.heads
        return {
            "vocab_size": vocabulary,
            "hidden_size": shape.hidden_size,
            "intermediate_size": shape.intermediate_size or self._intermediate(shape.hidden_size),
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            **heads,
            "max_position_embeddings": context,
            "initializer_range": shape.initializer_range,
            "tie_word_embeddings": shape.tied,
            **dict(self.fixed),
        }

    def _intermediate(self, width: int) -> int:
        return -(-width * 8 // (3 * _TILE)) * _TILE if self.gated else 4 * width

    def parts(self, config: Any) -> Parts:
        """By the pipeline plan: embedding, perhaps its dropout, blocks, norm.

        Raises:
            UsageError: the plan has other parts.
        """
        plan = list(config.base_model_pp_plan or ())
        blocks = self._blocks_name(config)
        if blocks not in plan[1:-1] or len(plan) > 4:
            raise UsageError(
                f"models of type {config.model_type!r} cannot be trained: Hugging Face has no pipeline "
                "plan of embedding, blocks and norm for them"
            )
        between = [f"{self.base}.{name}" for name in plan[1:-1] if name != blocks]
        return Parts(
            embedding=f"{self.base}.{plan[0]}",
            positions=None,
            dropout=between[0] if between else None,
            blocks=f"{self.base}.{blocks}",
            norm=f"{self.base}.{plan[-1]}",
            head="lm_head",
            rotary=f"{self.base}.rotary_emb",
        )

    def splits(self, config: Any) -> dict[str, Split]:
        """By the tensor-parallel plan.

        Raises:
            UsageError: there is none, or it has a kind of split that is not known.
        """
        prefix = f"{self._blocks_name(config)}.*."
        plan: Mapping[str, str] = config.base_model_tp_plan or {}
        splits = {}
        for pattern, kind in plan.items():
            if not pattern.startswith(prefix):
                continue
            try:
                splits[pattern.removeprefix(prefix)] = Split(kind)
            except ValueError:
                raise UsageError(
                    f"models of type {config.model_type!r} cannot be trained: they split {pattern} by "
                    f"{kind!r}, which is not known"
                ) from None
        if not splits:
            raise UsageError(
                f"models of type {config.model_type!r} cannot be trained: Hugging Face has no "
                "tensor-parallel plan for them"
            )
        return splits

    def _blocks_name(self, config: Any) -> str:
        """What the plan calls the list of blocks: what the names of split layers begin with."""
        plan: Mapping[str, str] = config.base_model_tp_plan or {}
        return next((pattern.split(".*.")[0] for pattern in plan if ".*." in pattern), "layers")

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

    def stored_names(self, tensor: str) -> tuple[str, ...]:
        """The name of today, then those of older releases."""
        old = [before + tensor.removeprefix(now) for now, before in self.former if tensor.startswith(now)]
        return (tensor, *old)


LLAMA: Final = Planned("llama")
MISTRAL: Final = Planned("mistral", fixed=(("sliding_window", None),))
QWEN2: Final = Planned("qwen2")
QWEN3: Final = Planned("qwen3", head_dim=True)
GPT_NEOX: Final = Planned(
    "gpt_neox",
    vllm="transformers",
    dropouts=("attention_dropout", "hidden_dropout"),
    base="gpt_neox",
    grouped=False,
    gated=False,
    former=(("lm_head.", "embed_out."),),
)


def by_its_plans(settings: Mapping[str, Any]) -> Planned:
    """The family of a model that is none of the above, as its own plans describe it.

    Args:
        settings: of its ``config.json``.

    Raises:
        UsageError: Hugging Face does not know it, or has no plans for it that a pipeline can follow.
    """
    from transformers import CONFIG_MAPPING

    name = settings.get("model_type", "")
    if name not in CONFIG_MAPPING:
        raise UsageError(f"models of type {name!r} are not known to this release of transformers")
    family = Planned(name, vllm="unknown", dropouts=(), compared=False)
    config = family.config({key: value for key, value in settings.items() if key != "model_type"})
    family.parts(config)
    family.splits(config)
    dropouts = (
        key
        for key, value in config.to_dict().items()
        if ("dropout" in key or key.endswith("_pdrop")) and isinstance(value, int | float)
    )
    return replace(family, dropouts=tuple(dropouts))

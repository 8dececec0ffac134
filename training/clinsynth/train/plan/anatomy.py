"""The matrices of a decoder, from its ``config.json`` alone: every parameter, and who holds which.

Counts are those of Hugging Face's model of the same settings, which a test compares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from clinsynth.errors import UsageError

# Rows of an embedding are filled up to a multiple of this and of tp.
_VOCABULARY_TILE: Final = 128


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear layer of a block.

    Args:
        split: whether a tensor-parallel process holds a share of its outputs (``columns``) or of its inputs
            (``rows``; the bias is then whole on each).
    """

    inputs: int
    outputs: int
    split: Literal["columns", "rows"]
    bias: bool = False

    @property
    def weight(self) -> int:
        """Entries of the matrix."""
        return self.inputs * self.outputs

    def held(self, tp: int) -> int:
        """Parameters on one of ``tp`` processes."""
        bias = self.outputs if self.bias else 0
        return self.weight // tp + (bias // tp if self.split == "columns" else bias)


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A decoder's sizes.

    Args:
        width: of the hidden states.
        head_width: of one attention head.
        mlp_width: between the two halves of the MLP.
        positions: rows of the table of learned positions; 0 where they are rotary.
        rotary_width: of the part of a head that is rotated.
        linears: the linear layers of a block.
        block_norms: parameters of the norms of a block, whole on each process.
        norm: parameters of the last norm.
        tied: the head is the embedding.
        rms: norms are RMSNorm, not LayerNorm.
        activation: ``gated`` (SiLU times a second matrix), ``gelu``, or ``gelu_new`` (written out).
        head_norms: queries and keys are normed by head.
        parallel: attention and MLP read the same hidden states.
    """

    architecture: str
    vocabulary: int
    width: int
    layers: int
    heads: int
    kv_heads: int
    head_width: int
    mlp_width: int
    positions: int
    linears: tuple[Linear, ...]
    block_norms: int
    norm: int
    tied: bool
    rotary_width: int = 0
    rms: bool = True
    activation: Literal["gated", "gelu", "gelu_new"] = "gated"
    head_norms: bool = False
    parallel: bool = False

    @property
    def fused(self) -> bool:
        """Whether query, key and value come out of one matrix."""
        return len(self.linears) == 4

    @property
    def embedding(self) -> int:
        """Parameters of the embedding of tokens."""
        return self.vocabulary * self.width

    @property
    def position_table(self) -> int:
        """Parameters of learned positions."""
        return self.positions * self.width

    @property
    def block(self) -> int:
        """Parameters of a block."""
        return self.held_block(1)

    @property
    def head(self) -> int:
        """Parameters of the head beside those of the embedding."""
        return 0 if self.tied else self.embedding

    def counts(self) -> dict[str, int]:
        """Parameters by part, each counted once."""
        return {
            "embedding": self.embedding,
            "positions": self.position_table,
            "blocks": self.layers * self.block,
            "norm": self.norm,
            "head": self.head,
        }

    @property
    def parameters(self) -> int:
        """All of them."""
        return sum(self.counts().values())

    def padded_vocabulary(self, tp: int) -> int:
        """Rows of the embedding as it is trained on ``tp`` processes, padding included."""
        tile = math.lcm(_VOCABULARY_TILE, tp)
        return -(-self.vocabulary // tile) * tile

    def held_table(self, tp: int) -> int:
        """Parameters of the embedding, or of the head, on one of ``tp`` processes."""
        return self.padded_vocabulary(tp) // tp * self.width

    def held_block(self, tp: int) -> int:
        """Parameters of a block on one of ``tp`` processes."""
        return sum(linear.held(tp) for linear in self.linears) + self.block_norms

    def multiplied_block(self) -> int:
        """Entries of the matrices that a token is multiplied with in a block."""
        return sum(linear.weight for linear in self.linears)


def anatomy_of(architecture: str, settings: Mapping[str, Any]) -> Anatomy:
    """The anatomy of a Hugging Face model.

    Args:
        architecture: its ``model_type``.
        settings: its ``config.json``.

    Raises:
        UsageError: it is not known how this architecture is built.
    """
    if architecture not in _BUILDERS:
        raise UsageError(
            f"models of type {architecture!r} cannot be planned: known are {', '.join(_BUILDERS)}"
        )
    try:
        return _BUILDERS[architecture](architecture, settings)
    except KeyError as error:
        raise UsageError(f"the model's config has no {error.args[0]!r}") from None


def _gated(architecture: str, settings: Mapping[str, Any]) -> Anatomy:
    """Llama and its kin: RMSNorm, grouped queries, rotary positions, a gated MLP."""
    width, heads = settings["hidden_size"], settings["num_attention_heads"]
    kv_heads = settings.get("num_key_value_heads") or heads
    head_width = settings.get("head_dim") or width // heads
    mlp = settings["intermediate_size"]
    attention_bias = bool(settings.get("attention_bias", False))
    qkv_bias = architecture == "qwen2" or attention_bias
    mlp_bias = bool(settings.get("mlp_bias", False))
    head_norms = architecture == "qwen3"
    return Anatomy(
        architecture=architecture,
        vocabulary=settings["vocab_size"],
        width=width,
        layers=settings["num_hidden_layers"],
        heads=heads,
        kv_heads=kv_heads,
        head_width=head_width,
        mlp_width=mlp,
        positions=0,
        linears=(
            Linear(width, heads * head_width, "columns", qkv_bias),
            Linear(width, kv_heads * head_width, "columns", qkv_bias),
            Linear(width, kv_heads * head_width, "columns", qkv_bias),
            Linear(heads * head_width, width, "rows", attention_bias),
            Linear(width, mlp, "columns", mlp_bias),
            Linear(width, mlp, "columns", mlp_bias),
            Linear(mlp, width, "rows", mlp_bias),
        ),
        block_norms=2 * width + (2 * head_width if head_norms else 0),
        norm=width,
        tied=bool(settings.get("tie_word_embeddings", False)),
        rotary_width=head_width,
        head_norms=head_norms,
    )


def _gpt2(architecture: str, settings: Mapping[str, Any]) -> Anatomy:
    width, heads = settings["n_embd"], settings["n_head"]
    mlp = settings.get("n_inner") or 4 * width
    return Anatomy(
        architecture=architecture,
        vocabulary=settings["vocab_size"],
        width=width,
        layers=settings["n_layer"],
        heads=heads,
        kv_heads=heads,
        head_width=width // heads,
        mlp_width=mlp,
        positions=settings["n_positions"],
        linears=_four(width, mlp, bias=True),
        block_norms=4 * width,
        norm=2 * width,
        tied=bool(settings.get("tie_word_embeddings", True)),
        rms=False,
        activation="gelu_new" if settings.get("activation_function", "gelu_new") == "gelu_new" else "gelu",
    )


def _gpt_neox(architecture: str, settings: Mapping[str, Any]) -> Anatomy:
    width, heads = settings["hidden_size"], settings["num_attention_heads"]
    mlp = settings["intermediate_size"]
    attention, rows = _four(width, mlp, bias=True)[:2], _four(width, mlp, bias=True)[2:]
    if not settings.get("attention_bias", True):
        attention = _four(width, mlp, bias=False)[:2]
    return Anatomy(
        architecture=architecture,
        vocabulary=settings["vocab_size"],
        width=width,
        layers=settings["num_hidden_layers"],
        heads=heads,
        kv_heads=heads,
        head_width=width // heads,
        mlp_width=mlp,
        positions=0,
        linears=(*attention, *rows),
        block_norms=4 * width,
        norm=2 * width,
        tied=bool(settings.get("tie_word_embeddings", False)),
        rotary_width=int(width // heads * _rotated(settings)),
        rms=False,
        activation="gelu",
        parallel=bool(settings.get("use_parallel_residual", True)),
    )


def _rotated(settings: Mapping[str, Any]) -> float:
    """The share of a head that is rotated, as older and newer configs say it."""
    share = (settings.get("rope_parameters") or {}).get("partial_rotary_factor")
    return float(settings.get("rotary_pct", 0.25) if share is None else share)


def _four(width: int, mlp: int, *, bias: bool) -> tuple[Linear, ...]:
    """Query, key and value in one; the attention's output; both halves of the MLP."""
    return (
        Linear(width, 3 * width, "columns", bias),
        Linear(width, width, "rows", bias),
        Linear(width, mlp, "columns", bias),
        Linear(mlp, width, "rows", bias),
    )


_BUILDERS: Final[Mapping[str, Callable[[str, Mapping[str, Any]], Anatomy]]] = {
    "llama": _gated,
    "mistral": _gated,
    "qwen2": _gated,
    "qwen3": _gated,
    "gpt2": _gpt2,
    "gpt_neox": _gpt_neox,
}

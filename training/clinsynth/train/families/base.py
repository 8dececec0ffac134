"""What training must know of an architecture: where its parts stand, how they split, how they start.

A decoder of Hugging Face says most of this itself: ``config.base_model_pp_plan`` names embedding, blocks
and norm in the order in which they run, ``config.base_model_tp_plan`` says for each layer of a block how it
is split over the tensor-parallel processes. A family adds the rest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from clinsynth.train.config import ShapeConfig


class Split(Enum):
    """How a layer is split over tensor-parallel processes; the values are those of Hugging Face's plans."""

    COLUMNS = "colwise"
    """Each process computes a share of the outputs."""
    ROWS = "rowwise"
    """Each process holds the weights of a share of the inputs; the results are summed."""
    FUSED_QKV = "fused_qkv"
    """Outputs are query, key and value one after the other; each of the three is split."""
    SUMMED_GRADIENT = "replicated_with_grad_allreduce"
    """Each process holds the whole layer but applies it to its own heads: gradients are summed."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Dotted names of a decoder's parts in the Hugging Face model, in the order in which they run.

    Args:
        positions: learned positions, or None where positions are rotary.
        dropout: dropout of the embeddings, or None.
        rotary: the module that turns positions into rotations, or None.
    """

    embedding: str
    positions: str | None
    dropout: str | None
    blocks: str
    norm: str
    head: str
    rotary: str | None


class Family(ABC):
    """An architecture. Stateless: a config of Hugging Face says the rest."""

    name: str
    """The ``model_type`` of Hugging Face."""
    vllm: str
    """How vLLM 0.32 runs it: ``native`` class of its own, or the ``transformers`` backend."""
    dropouts: tuple[str, ...]
    """The settings that hold a dropout probability."""
    compared: bool = True
    """Whether the tests and ``make parity`` compare it with Hugging Face. What is not compared there is in
    each run, before it begins (``rehearsal``)."""

    @abstractmethod
    def settings(self, shape: ShapeConfig, vocabulary: int, context: int) -> dict[str, Any]:
        """What ``config.json`` says of a model from scratch, dropout aside.

        Plain values, so that a run can be checked without loading any library.
        """

    def config(self, settings: Mapping[str, Any]) -> Any:
        """The Hugging Face config with these settings."""
        from transformers import AutoConfig

        return AutoConfig.for_model(self.name, **settings)

    @abstractmethod
    def parts(self, config: Any) -> Parts:
        """Where the parts stand."""

    @abstractmethod
    def splits(self, config: Any) -> Mapping[str, Split]:
        """Name of a layer inside a block (``self_attn.q_proj``) -> how it is split."""

    @abstractmethod
    def divisors(self, settings: Mapping[str, Any]) -> Mapping[str, int]:
        """Name of a size of the shape -> its value, for every size that ``layout.tp`` must divide."""

    @abstractmethod
    def blocks(self, settings: Mapping[str, Any]) -> int:
        """How many blocks the model has."""

    @abstractmethod
    def positions(self, settings: Mapping[str, Any]) -> int | None:
        """The longest row it can read; None when the settings do not say."""

    def localise(self, block: nn.Module, tp: int) -> None:  # noqa: B027 - most blocks have nothing to tell
        """Tells a block whose linear layers were split that it works on a ``tp``-th of the heads."""

    def initial_std(self, config: Any, tensor: str) -> float:
        """Standard deviation of a weight matrix at the start."""
        return float(config.initializer_range)

    def stored_names(self, tensor: str) -> tuple[str, ...]:
        """Names that a tensor may have in a folder, the one that is written first."""
        return (tensor,)

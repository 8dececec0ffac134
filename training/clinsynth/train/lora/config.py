"""What of a model is adapted, and how: the section ``lora`` of a training run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from clinsynth.config import Config


class LoraConfig(Config):
    """A low-rank adapter: to a linear layer's output ``W x`` it adds ``scale B A x``, and only A and B
    are trained.

    Args:
        rank: rows of A, columns of B.
        alpha: the scale is ``alpha / rank``.
        dropout: probability, on what goes into A.
        targets: names of the linear layers to adapt, as their last part (``q_proj``); ``auto``: all in
            the blocks.
        rslora: the scale is ``alpha / sqrt(rank)``, which lets high ranks learn (Kalajdzievski 2023).
        dora: also learn the length of each row of the weights (Liu et al. 2024). Dearer; vLLM needs it
            merged.
        modules_to_save: modules trained whole beside the adapter. ``auto``: embedding and output layer
            when the corpus's tokenizer has tokens that the model has not, else none. vLLM needs such an
            adapter merged.
        merge: write the model with the adapter merged into it, and leave the adapter in the run folder;
            otherwise the adapter is what the run writes.
    """

    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: Literal["auto"] | tuple[str, ...] = "auto"
    rslora: bool = False
    dora: bool = False
    modules_to_save: Literal["auto"] | tuple[str, ...] = "auto"
    merge: bool = False

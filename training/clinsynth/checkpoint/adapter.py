"""Adapter folders: PEFT's two files, and what a model folder has beside its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from clinsynth.checkpoint.card import Card, read_card
from clinsynth.checkpoint.tensors import weights_sha256
from clinsynth.errors import FolderError
from clinsynth.folders import read_manifest

KIND: Final = "adapter"
WEIGHTS: Final = "adapter_model.safetensors"
SETTINGS: Final = "adapter_config.json"


def check_base(adapter: Path, base: Path, *, weights: str | None = None) -> Card:
    """The adapter's card, when the adapter is whole and of this model.

    Args:
        weights: ``weights_sha256`` of the base, by whoever knows it already.

    Raises:
        FolderError: it is not.
    """
    read_manifest(adapter, KIND, verify=True)
    card = read_card(adapter)
    found = weights or weights_sha256(base)
    if found != card.base_sha256:
        raise FolderError(
            f"{adapter} was trained on {card.base_model}, weights {(card.base_sha256 or 'unknown')[:12]}; "
            f"{base} has {found[:12]}: an adapter fits no other model"
        )
    return card

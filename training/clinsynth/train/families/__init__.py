"""The architectures that can be trained, one file each. To add one, write its file and name it here."""

from __future__ import annotations

from typing import Final

from clinsynth.errors import UsageError
from clinsynth.train.families.base import Family, Split
from clinsynth.train.families.gpt2 import GPT2
from clinsynth.train.families.llama import Llama

FAMILIES: Final[dict[str, Family]] = {family.name: family for family in (Llama(), GPT2())}

__all__ = ["FAMILIES", "Family", "Split", "family_of", "names"]


def names() -> tuple[str, ...]:
    """Names of the families, which are Hugging Face model types."""
    return tuple(FAMILIES)


def family_of(model_type: str) -> Family:
    """The family of a Hugging Face ``model_type``.

    Raises:
        UsageError: there is none.
    """
    if model_type not in FAMILIES:
        raise UsageError(
            f"models of type {model_type!r} cannot be trained yet: known are {', '.join(FAMILIES)}"
        )
    return FAMILIES[model_type]

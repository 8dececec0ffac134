"""The architectures that can be trained.

Decoders with plans of their own are entries of ``planned.py``; one without plans gets a file. To add one,
name it here: ``make parity`` and the tests then compare it with Hugging Face at every layout. Other models
with plans can be continued, after a rehearsal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clinsynth.errors import UsageError
from clinsynth.train.families.base import Family, Parts, Split
from clinsynth.train.families.gpt2 import GPT2
from clinsynth.train.families.planned import GPT_NEOX, LLAMA, MISTRAL, QWEN2, QWEN3, by_its_plans

FAMILIES: Final[dict[str, Family]] = {
    family.name: family for family in (LLAMA, MISTRAL, QWEN2, QWEN3, GPT_NEOX, GPT2())
}

__all__ = ["FAMILIES", "Family", "Parts", "Split", "family_of", "family_of_model", "names"]


def names() -> tuple[str, ...]:
    """Names of the families, which are Hugging Face model types."""
    return tuple(FAMILIES)


def family_of(model_type: str) -> Family:
    """The family of a ``model_type`` of Hugging Face that can be trained from scratch.

    Raises:
        UsageError: there is none.
    """
    if model_type not in FAMILIES:
        raise UsageError(
            f"models of type {model_type!r} cannot be trained from scratch: known are {', '.join(FAMILIES)}"
        )
    return FAMILIES[model_type]


def family_of_model(settings: Mapping[str, Any]) -> Family:
    """The family of an existing model by its ``config.json``: one of those, or what its own plans say.

    Raises:
        UsageError: it has no plans that a pipeline can follow.
    """
    return FAMILIES.get(settings.get("model_type", "")) or by_its_plans(settings)

"""The special tokens, and their fixed places at the front of every vocabulary that is learned here.

======  ==============================================================
ids     token
======  ==============================================================
0-4     ``<|pad|>``, ``<|note|>``, ``<|text|>``, ``<|end|>``, ``<|/|>``
5-23    one tag per class of identifier, in the order of ``PHI_LABELS``
24-95   one opening mark per entity label, then reserved slots
======  ==============================================================

Bytes start at 96 whatever the entity labels are, so adding a label later moves no id. In the vocabulary of
an existing model they stand behind its own (see ``adopt``): an id is looked up, never assumed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from clinsynth.corpus import PHI_LABELS
from clinsynth.errors import UsageError

PAD: Final = "<|pad|>"
NOTE: Final = "<|note|>"
TEXT: Final = "<|text|>"
END: Final = "<|end|>"
CLOSE: Final = "<|/|>"
CONTROL: Final = (PAD, NOTE, TEXT, END, CLOSE)

SPECIAL_COUNT: Final = 96
"""How many special tokens every vocabulary has; a learned one has the bytes behind them."""
MAX_ENTITY_LABELS: Final = 64
"""Leaves eight slots of ``SPECIAL_COUNT`` in reserve."""

ENTITY_LABELS: Final = ("PROBLEM", "TEST", "TREATMENT")
"""The entity labels of the simulator, and the default wherever labels are asked for."""

TOKEN: Final = re.compile(r"<\|(/|[A-Za-z][A-Za-z0-9_]*)\|>")
"""Anything that has the form of a special token; group 1 is its name."""

_LABEL: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,47}")
_TAKEN: Final = frozenset({"pad", "note", "text", "end"})


def tag(label: str) -> str:
    """``NAME`` -> ``<|NAME|>``: the tag of an identifier, or the opening mark of an entity."""
    return f"<|{label}|>"


def special_tokens(entity_labels: Sequence[str]) -> tuple[str, ...]:
    """All ``SPECIAL_COUNT`` special tokens; in a learned vocabulary a token's index is its id.

    Raises:
        UsageError: an entity label has another form than a token's name, is taken, or there are too many.
    """
    labels = check_entity_labels(entity_labels)
    named = [*CONTROL, *map(tag, PHI_LABELS), *map(tag, labels)]
    reserved = [tag(f"reserved_{i}") for i in range(SPECIAL_COUNT - len(named))]
    return (*named, *reserved)


def check_entity_labels(entity_labels: Iterable[str]) -> tuple[str, ...]:
    """The labels as a tuple, if each can have a token of its own.

    Raises:
        UsageError: names the label and what is wrong with it.
    """
    labels = tuple(entity_labels)
    if len(labels) > MAX_ENTITY_LABELS:
        raise UsageError(f"entity_labels: {len(labels)} labels, at most {MAX_ENTITY_LABELS} have a token")
    for i, label in enumerate(labels):
        if not _LABEL.fullmatch(label):
            raise UsageError(
                f"entity_labels: {label!r} must be letters, digits and _, start with a letter, "
                "and have at most 48 characters"
            )
        if label in PHI_LABELS:
            raise UsageError(f"entity_labels: {label} is the label of an identifier")
        if label in _TAKEN or label.startswith("reserved_"):
            raise UsageError(f"entity_labels: {label} is the name of a control token")
        if label in labels[:i]:
            raise UsageError(f"entity_labels: {label} stands there twice")
    return labels

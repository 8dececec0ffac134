"""Looks at a note that need nobody's help: length, loops, entities, how much of a copy is too much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from clinsynth.gate.config import GateConfig
from clinsynth.gate.verdict import Reason
from clinsynth.overlap.neighbours import least_estimate
from clinsynth.overlap.words import word_places

LOOP_WORDS: Final = 6
"""Length of the stretches whose repetition counts as a loop."""


def length_reasons(text: str, config: GateConfig) -> Iterator[Reason]:
    """Too short or too long."""
    words = len(text.split())
    if len(text) > config.max_characters:
        yield Reason("too_long", detail=f"{len(text)} characters")
    if len(text.strip()) < config.min_characters:
        yield Reason("too_short", detail=f"{len(text.strip())} characters")
    elif words < config.min_words:
        yield Reason("too_short", detail=f"{words} words")


def entity_reasons(count: int, config: GateConfig) -> Iterator[Reason]:
    """Fewer entities than asked for."""
    if count < config.min_entities:
        yield Reason("few_entities", detail=f"{count} entities")


def repetition_reasons(text: str, config: GateConfig) -> Iterator[Reason]:
    """The same lines or the same words over and over."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    share = repeated_share(lines)
    if share > config.max_repeated_lines:
        yield Reason("repeated_lines", detail=f"{share:.2f}")
    words = text.split()
    share = repeated_share([tuple(words[i : i + LOOP_WORDS]) for i in range(len(words) - LOOP_WORDS + 1)])
    if share > config.max_repeated_ngrams:
        yield Reason("repeated_ngrams", detail=f"{share:.2f}")


def copied_reasons(text: str, stretches: Sequence[tuple[int, int]], config: GateConfig) -> Iterator[Reason]:
    """Copied stretches, as character offsets, that are longer than the policy allows."""
    for start, end in stretches:
        words = len(word_places(text[start:end])[1])
        if words > config.max_copied_words:
            yield Reason("copied", start, end, f"{words} words")


def neighbour_reasons(similarity: float, config: GateConfig) -> Iterator[Reason]:
    """A training note is as alike as the policy allows none to be, or cannot be told from such a one."""
    if similarity >= least_estimate(config.max_similarity):
        yield Reason("near_neighbour", detail=f"{similarity:.2f}")


def repeated_share(items: Sequence[object]) -> float:
    """The share of items that equal an earlier one; 0 for no items."""
    return 1 - len(set(items)) / len(items) if items else 0.0

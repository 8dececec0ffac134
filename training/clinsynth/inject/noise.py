"""How people type: capitals, missing blanks, misspelt cues and names, values broken over lines.

Works on segments before they are put into a text, so that offsets need no repair.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from clinsynth.inject.changes import Segment

# Probability for one line, sentence or phrase.
ALL_LOWER: Final = 0.04
ALL_UPPER: Final = 0.05
CUE_TYPO: Final = 0.03  # a letter of the words before a value swapped, dropped or doubled
MISSING_BLANK: Final = 0.04  # between cue and value
WRAPPED: Final = 0.04  # a line break in the place of a blank within or before a value
# Probability for one value.
NAME_TYPO: Final = 0.02  # of names of six letters and more
LOOK_ALIKE: Final = 0.01  # of numbers: O for 0, l for 1, as scans of paper give

_CASED: Final = frozenset({"EMAIL", "URL", "PHOTO"})  # what a change of capitals would make odd


def noisy(segments: Sequence[Segment], rng: random.Random, running: bool) -> list[Segment]:
    """Segments as somebody in a hurry writes them.

    Args:
        running: whether they stand in running text, which is not broken into lines.
    """
    done = [noisy_value(segment, rng) for segment in segments]
    draw = rng.random()
    if draw < ALL_LOWER and not running:
        done = [replace(segment, text=segment.text.lower()) for segment in done]
    elif draw < ALL_LOWER + ALL_UPPER:
        done = [_upper(segment) for segment in done]
    for chance, change in ((CUE_TYPO, _cue_typo), (MISSING_BLANK, _missing_blank), (WRAPPED, _wrapped)):
        if rng.random() < chance:
            done = change(done, rng)
    return done


def noisy_value(segment: Segment, rng: random.Random) -> Segment:
    """A value with a slip of its own, now and then."""
    text = segment.text
    if segment.label == "NAME" and len(text) > 5 and text.isalpha() and rng.random() < NAME_TYPO:
        return replace(segment, text=misspelt(text, rng))
    if segment.label in ("MRN", "ACCOUNT", "HEALTH_PLAN") and rng.random() < LOOK_ALIKE:
        return replace(segment, text=text[:2] + text[2:].replace("0", "O", 1).replace("1", "l", 1))
    return segment


def misspelt(word: str, rng: random.Random) -> str:
    """A word with two inner letters swapped, or one dropped or doubled; the first and last stay."""
    i = rng.randrange(1, len(word) - 2)
    kind = rng.randrange(3)
    if kind == 0 and word[i] != word[i + 1]:
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    return word[:i] + word[i + 1 :] if kind == 1 else word[:i] + word[i] + word[i:]


def _upper(segment: Segment) -> Segment:
    return segment if segment.label in _CASED else replace(segment, text=segment.text.upper())


def _cues(segments: Sequence[Segment]) -> list[int]:
    """Segments of plain text right before a value."""
    return [i for i in range(len(segments) - 1) if not segments[i].label and segments[i + 1].label]


def _cue_typo(segments: list[Segment], rng: random.Random) -> list[Segment]:
    choices = [
        (i, word)
        for i in _cues(segments)
        for word in segments[i].text.replace(":", " ").split()[-2:]
        if len(word) > 4 and word.isalpha() and not word.isupper()
    ]
    if choices:
        i, word = rng.choice(choices)
        before, _, after = segments[i].text.rpartition(word)
        segments[i] = Segment(before + misspelt(word, rng) + after)
    return segments


def _missing_blank(segments: list[Segment], rng: random.Random) -> list[Segment]:
    choices = [i for i in _cues(segments) if segments[i].text.endswith((": ", ". ", "# ", ", "))]
    if choices:
        i = rng.choice(choices)
        segments[i] = Segment(segments[i].text[:-1])
    return segments


def _wrapped(segments: list[Segment], rng: random.Random) -> list[Segment]:
    inside = [i for i, segment in enumerate(segments) if segment.label and " " in segment.text]
    before = [i for i in _cues(segments) if segments[i].text.endswith(" ") and len(segments[i].text) > 1]
    if not inside and not before:
        return segments
    i = rng.choice(inside or before)
    head, _, tail = segments[i].text.partition(" ") if inside else segments[i].text.rpartition(" ")
    segments[i] = replace(segments[i], text=f"{head}\n{tail}")
    return segments

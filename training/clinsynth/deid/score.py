"""Findings of a de-identifier against gold spans, counted three ways.

covered   a gold span is found when findings of any label cover every word of it: what is left can't leak.
          A finding is right when it touches a gold span of any label.
strict    same start, end and label on both sides.
words     each word of the text by itself, in gold or not, found or not, whatever the labels: the "binary
          token" level of the i2b2-2014 shared task (Stubbs, Kotfila and Uzuner 2015).

Recall goes by the label in gold, precision by the label that was found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from clinsynth.corpus import Span

_WORD: Final = re.compile(r"\w+")

Kind = Literal[
    "gold",
    "covered",
    "strict",
    "found",
    "right",
    "gold_words",
    "covered_words",
    "found_words",
    "right_words",
]
KINDS: Final = get_args(Kind)
"""What is counted, a column each."""


@dataclass(frozen=True, slots=True)
class Error:
    """A place to look at. ``kind``: a gold span ``missed`` or found in ``part``, or a ``false`` alarm."""

    kind: Literal["missed", "part", "false"]
    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Score:
    """One note's counts: [labels, kinds], and its errors in order of place."""

    counts_lk: npt.NDArray[np.int64]
    errors: tuple[Error, ...]


def score_note(text: str, gold: Sequence[Span], found: Sequence[Span], labels: Sequence[str]) -> Score:
    """Counts one note.

    Args:
        gold, found: spans of ``text``; those of gold do not overlap, nor do those found.
        labels: all that occur.
    """
    counts = np.zeros((len(labels), len(KINDS)), np.int64)
    row = {label: number for number, label in enumerate(labels)}

    def add(label: str, kind: Kind, count: int = 1) -> None:
        counts[row[label], KINDS.index(kind)] += count

    is_gold, is_found = _mask(text, gold), _mask(text, found)
    exact = {(span.start, span.end, span.label) for span in found}
    errors = []
    for span in gold:
        words = list(_words(text, span))
        seen = sum(bool(is_found[start:end].all()) for start, end in words)
        add(span.label, "gold")
        add(span.label, "strict", (span.start, span.end, span.label) in exact)
        add(span.label, "gold_words", len(words))
        add(span.label, "covered_words", seen)
        if seen == len(words):
            add(span.label, "covered")
        else:
            touched = bool(is_found[span.start : span.end].any())
            errors.append(Error("part" if touched else "missed", span.start, span.end, span.label))
    for span in found:
        words = list(_words(text, span))
        right = bool(is_gold[span.start : span.end].any())
        add(span.label, "found")
        add(span.label, "right", right)
        add(span.label, "found_words", len(words))
        add(span.label, "right_words", sum(bool(is_gold[start:end].any()) for start, end in words))
        if not right:
            errors.append(Error("false", span.start, span.end, span.label))
    return Score(counts, tuple(sorted(errors, key=lambda error: (error.start, error.end, error.kind))))


def _mask(text: str, spans: Sequence[Span]) -> npt.NDArray[np.bool_]:
    """Of each character: does it lie in a span?"""
    mask = np.zeros(len(text), np.bool_)
    for span in spans:
        mask[span.start : span.end] = True
    return mask


def _words(text: str, span: Span) -> Iterator[tuple[int, int]]:
    """The runs of letters and digits in a span; of one that has none, the whole span."""
    words = [match.span() for match in _WORD.finditer(text, span.start, span.end)]
    return iter(words or [(span.start, span.end)])

"""Entity spans as one BIO label a word, and back.

Words are runs of letters and digits, or single other marks, the same for every encoder: two encoders are
asked the same question whatever their word pieces are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from clinsynth.corpus import Span

WORD: Final = re.compile(r"[^\W_]+|[^\w\s]|_")
OUTSIDE: Final = 0

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Labels:
    """Entity labels in order. Class 0 is outside; label i begins as ``2i + 1``, goes on as ``2i + 2``."""

    names: tuple[str, ...]

    @property
    def classes(self) -> int:
        """Number of classes of the token classifier."""
        return 2 * len(self.names) + 1

    def class_names(self) -> list[str]:
        """``O, B-PROBLEM, I-PROBLEM, ...``."""
        return ["O", *(f"{mark}-{name}" for name in self.names for mark in "BI")]

    def encode(self, spans: Iterable[Span], starts: Ints, ends: Ints) -> Ints:
        """One class a word: a word that a span touches belongs to it. Spans of other labels are outside.

        Args:
            starts: first character of each word, ascending.
            ends: one past the last character of each word.
        """
        classes = np.zeros(len(starts), np.int64)
        index = {name: i for i, name in enumerate(self.names)}
        for span in spans:
            if span.label not in index:
                continue
            first = int(np.searchsorted(ends, span.start, side="right"))
            past = int(np.searchsorted(starts, span.end, side="left"))
            if first < past:
                classes[first:past] = 2 * index[span.label] + 2
                classes[first] = 2 * index[span.label] + 1
        return classes

    def decode(self, classes: Sequence[int] | Ints, starts: Ints, ends: Ints) -> list[Span]:
        """Spans of a sequence of classes; a continuation without its beginning begins a span of its own."""
        spans: list[Span] = []
        open_label, first = -1, 0
        for i, value in enumerate([*(int(c) for c in classes), OUTSIDE]):
            label, goes_on = (value - 1) // 2 if value else -1, value > 0 and value % 2 == 0
            if open_label >= 0 and not (goes_on and label == open_label):
                spans.append(Span(int(starts[first]), int(ends[i - 1]), self.names[open_label]))
                open_label = -1
            if label >= 0 and open_label < 0:
                open_label, first = label, i
        return spans

"""Appends text piece by piece and records spans as it goes: offsets are right by construction."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from clinsynth.corpus.note import PHI_LABELS, Span
from clinsynth.simulate.phrase import Phrase, capitalised
from clinsynth.simulate.style import Style

_PHI: Final = frozenset(PHI_LABELS)
_TYPO_MINIMUM: Final = 5
_PLAIN_PIECES: Final = 8
"""Plain pieces are that many times longer than entities, and as much more often misspelt."""


class NoteBuilder:
    """The text of a note in the making.

    Noise (misspellings, capitals, doubled spaces) is put in before a piece is appended, so that it can't
    shift a span. Identifiers are never misspelt, nor are pieces that hold a protected word.

    Attributes:
        named: lower-case texts of the entities so far.
    """

    def __init__(self, rng: Random, style: Style, *, protected: Sequence[str] = ()) -> None:
        self._rng, self._style = rng, style
        self._protected = tuple(word.lower() for word in protected)
        self._parts: list[str] = []
        self._length = 0
        self.named: set[str] = set()
        self._entities: list[Span] = []
        self._phi: list[Span] = []

    def add(self, phrase: Phrase) -> None:
        """Appends a phrase as it stands."""
        for text, label in phrase:
            if not text:
                continue
            text = self._with_noise(text, label)
            if label:
                if label not in _PHI:
                    self.named.add(text.lower())
                spans = self._phi if label in _PHI else self._entities
                spans.append(Span(self._length, self._length + len(text), label))
            self._parts.append(text)
            self._length += len(text)

    def _with_noise(self, text: str, label: str) -> str:
        style = self._style
        if style.typos and label not in _PHI:
            chance = style.typos if label else style.typos * _PLAIN_PIECES
            if self._rng.random() < chance and not any(word in text.lower() for word in self._protected):
                text = _misspelt(text, self._rng)
        return text.upper() if style.upper else text

    def text(self, text: str) -> None:
        """Appends plain text that noise leaves alone: headings, line breaks."""
        if self._style.upper:
            text = text.upper()
        self._parts.append(text)
        self._length += len(text)

    def sentence(self, phrase: Phrase, end: str = ".") -> None:
        """Appends a sentence, capitalised, with its full stop, and a space where one is wanted."""
        if not phrase:
            return
        if self._parts and not self._parts[-1].endswith(("\n", " ")):
            doubled = self._rng.random() < self._style.doubled_spaces
            self.text("  " if doubled else " ")
        self.add(capitalised(phrase))
        if not self._parts[-1].endswith((".", "!", "?", ":")):
            self.text(end)

    def line(self, phrase: Phrase = ()) -> None:
        """Appends a phrase and ends the line."""
        self.add(phrase)
        self.text("\n")

    def end_line(self) -> None:
        """Ends the line if one is open."""
        if self._parts and not self._parts[-1].endswith("\n"):
            self.text("\n")

    def blank(self) -> None:
        """Leaves a blank line, if the style has them."""
        self.end_line()
        if self._style.blank_lines and self._parts and not self._ends_blank():
            self.text("\n")

    def _ends_blank(self) -> bool:
        tail = "".join(self._parts[-2:])
        return tail.endswith("\n\n")

    def build(self) -> tuple[str, tuple[Span, ...], tuple[Span, ...]]:
        """The text without blank space at its end, the entities, the identifiers."""
        text = "".join(self._parts).rstrip()
        if self._style.wrap:
            text = _wrapped(text, self._style.wrap, [*self._entities, *self._phi])
        return text, tuple(self._entities), tuple(self._phi)


def _misspelt(text: str, rng: Random) -> str:
    """One word of the text with a letter doubled, dropped, or swapped with its neighbour."""
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) >= _TYPO_MINIMUM and word.isalpha()]
    if not long:
        return text
    at = rng.choice(long)
    word = words[at]
    i = rng.randrange(1, len(word) - 2)
    kind = rng.random()
    if kind < 0.4:
        word = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    elif kind < 0.75:
        word = word[:i] + word[i + 1 :]
    else:
        word = word[:i] + word[i] + word[i:]
    words[at] = word
    return " ".join(words)


def _wrapped(text: str, width: int, spans: list[Span]) -> str:
    """Lines broken at spaces outside spans: a space becomes a line break, so that no offset moves."""
    inside = bytearray(len(text))
    for span in spans:
        inside[span.start : span.end] = b"\1" * (span.end - span.start)
    out: list[str] = []
    start, space = 0, -1
    for i, character in enumerate(text):
        if character == "\n":
            out.append(text[start:i])
            start, space = i + 1, -1
            continue
        if character == " " and not inside[i]:
            space = i
        if i - start >= width and space > start:
            out.append(text[start:space])
            start, space = space + 1, -1
    out.append(text[start:])
    return "\n".join(out)

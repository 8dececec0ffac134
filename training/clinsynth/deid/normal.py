"""Text as a reader sees it: what is invisible left out, look-alikes of plain letters and digits made plain.

A zero-width space within a number, a full-width digit, a Cyrillic o in an English name: the reader sees the
identifier, rules written for plain text do not. Detectors look at the plain text, and what they find is
carried back to the places where it stands.

    what is invisible: zero-width, bidi marks, soft hyphens, fillers   left out
    a letter and accents that were written apart                       one letter, or the bare one
    digits of any script; full-width or mathematical letters           plain
    odd blanks; line and paragraph separators; odd hyphens             blank; new line; -
    Cyrillic and Greek look-alikes in a word with a Latin letter       Latin

What it does not know: look-alikes in words without a Latin letter, and letters drawn from other signs.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from clinsynth.corpus import Span
from clinsynth.deid.tags import merged

_HIDDEN: Final = "hidden"
_MARK: Final = "mark"
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_HYPHENS: Final = frozenset("\u2010\u2011\u2012\u2212\ufe63")
_DRAWN_OTHERWISE: Final = ("<wide>", "<narrow>", "<font>", "<small>")
_LIGATURES: Final = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
_MOST_MARKS: Final = 3  # of a letter; ordering a long run of them takes Unicode's algorithm quadratic time
_LOOKALIKES: Final = str.maketrans(
    "АВЕЅІЈКМНОРСТХУԚԜаеѕіјорсхуһԁԛԝӏΑΒΕΖΗΙΚΜΝΟΡΤΥΧοϲ",
    "ABESIJKMHOPCTXYQWaesijopcxyhdqwlABEZHIKMNOPTYXoc",
)
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_LATIN: Final = re.compile(r"[A-Za-z]")


@dataclass(frozen=True, slots=True, repr=False)
class Normal:
    """A plain text and the way back.

    Args:
        text: the plain text.
        new_starts, new_ends, old_starts, old_ends: where pieces of another length lie in the plain text and
            in the source, ascending; between them the two run side by side.
    """

    text: str
    new_starts: Sequence[int] = ()
    new_ends: Sequence[int] = ()
    old_starts: Sequence[int] = ()
    old_ends: Sequence[int] = ()

    def source(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the source that reads as ``text[start:end]``, which must not be empty.

        What is invisible within it belongs to it; what is invisible at its edges does not.
        """
        return self._character(start)[0], self._character(end - 1)[1]

    def _character(self, offset: int) -> tuple[int, int]:
        """Where in the source the character at ``offset`` comes from."""
        i = bisect_right(self.new_ends, offset)
        if i < len(self.new_starts) and self.new_starts[i] <= offset:
            return self.old_starts[i], self.old_ends[i]
        place = offset + (self.old_ends[i - 1] - self.new_ends[i - 1] if i else 0)
        return place, place + 1

    def __repr__(self) -> str:
        """Lengths, never text."""
        return f"Normal(characters={len(self.text)}, pieces={len(self.new_starts)})"


def normal(text: str) -> Normal:
    """``text`` made plain; the text itself, at once, when it is ASCII. Takes time linear in its length."""
    kinds = {} if text.isascii() else {c: kind for c in set(text) if (kind := _kinds[c]) is not None}
    if not kinds:
        return Normal(text)
    parts, done, grown, edges = [], 0, 0, _Edges()
    for match in _pieces(kinds).finditer(text) if _other_length(kinds) else ():
        value = _value(match[0], kinds)
        new = match.start() + grown
        edges.add(new, new + len(value), match.start(), match.end())
        parts += [text[done : match.start()], value]
        done, grown = match.end(), grown + len(value) - len(match[0])
    plain = "".join([*parts, text[done:]]).translate({ord(c): k for c, k in kinds.items() if len(k) == 1})
    return Normal(_LETTERS.sub(_in_latin, plain), *edges.lists)


def seen_through(text: str, detect: Callable[[str], list[Span]]) -> list[Span]:
    """What ``detect`` finds in the plain text, at its places in ``text``; sorted, not overlapping.

    Where something was left out ``detect`` sees the text as it stands, too: a zero-width blank may hide the
    middle of a name and may as well be all that stands between two.
    """
    plain = normal(text)
    if plain.text == text:
        return detect(text)
    found = [Span(*plain.source(s.start, s.end), s.label) for s in detect(plain.text)]
    return merged([*found, *(detect(text) if plain.new_starts else ())])


class _Edges:
    """Where pieces of another length lie, as four lists."""

    def __init__(self) -> None:
        self.lists: tuple[list[int], list[int], list[int], list[int]] = ([], [], [], [])

    def add(self, *edges: int) -> None:
        for one, edge in zip(self.lists, edges, strict=True):
            one.append(edge)


class _Kinds(dict[str, str | None]):
    """Character -> what to write in its place, ``_HIDDEN``, ``_MARK``, or None: it may stay."""

    def __missing__(self, character: str) -> str | None:
        self[character] = kind = _kind(character)
        return kind


def _kind(character: str) -> str | None:
    if character.isascii():
        return None
    category = unicodedata.category(character)
    if category == "Cf" or character in _FILLERS:
        return _HIDDEN
    if category in ("Mn", "Me"):
        return _MARK
    if character in _LIGATURES:
        return _LIGATURES[character]
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Zs":
        return " "
    if category in ("Zl", "Zp"):
        return "\n"
    if character in _HYPHENS:
        return "-"
    if unicodedata.decomposition(character).startswith(_DRAWN_OTHERWISE):
        plain = unicodedata.normalize("NFKC", character)
        return plain if len(plain) == 1 and plain.isascii() else None
    # A look-alike has nothing in its place here, and makes its words worth a second look.
    return character if ord(character) in _LOOKALIKES else None


_kinds: Final = _Kinds()


def _other_length(kinds: dict[str, str]) -> bool:
    return any(len(kind) > 1 for kind in kinds.values())


def _pieces(kinds: dict[str, str]) -> re.Pattern[str]:
    """What becomes shorter or longer: runs of hidden characters, letters with their accents, ligatures."""
    hidden = "".join(c for c, kind in kinds.items() if kind == _HIDDEN)
    marks = "".join(c for c, kind in kinds.items() if kind == _MARK)
    ligatures = "".join(c for c in kinds if c in _LIGATURES)
    forms = [f"[{re.escape(hidden)}]+"] if hidden else []
    forms += [rf"[^\W\d_]?[{re.escape(marks)}]+"] if marks else []
    return re.compile("|".join([*forms, *([f"[{ligatures}]"] if ligatures else [])]))


def _value(piece: str, kinds: dict[str, str]) -> str:
    first = kinds.get(piece[0])
    if first == _HIDDEN:
        return ""
    if piece in _LIGATURES:
        return _LIGATURES[piece]
    composed = unicodedata.normalize("NFC", piece[: 1 + _MOST_MARKS])
    return "".join(c for c in composed if _kinds[c] != _MARK)


def _in_latin(match: re.Match[str]) -> str:
    word = match[0]
    return word.translate(_LOOKALIKES) if not word.isascii() and _LATIN.search(word) else word

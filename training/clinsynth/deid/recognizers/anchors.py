"""Where in a text a pattern can match at all: at some words, digits or marks, and nowhere else.

A text is cut into words once for all patterns; a pattern is then tried where its anchor stands, not at
every character. For a pattern that begins with one of certain words the anchor follows from the pattern
itself (``leads``); others declare theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Leads:
    """A match begins at one of these.

    Args:
        words: letters at the start of a word, in small letters, up to what is no letter.
        marks: characters that are neither letters nor digits.
        digits: a run of digits.
        mixed: a word that begins with a letter or ``_`` and has more than letters.
    """

    words: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()
    digits: bool = False
    mixed: bool = False


@dataclass(frozen=True, slots=True)
class Within:
    """A match begins some words before this, or at it.

    Args:
        words: of which one must stand in the match, in small letters.
        endings: or a word of letters alone with one of these four at its end.
        sign: or what must match within the match, in the text in small letters.
        digits: or what must match at the first of a run of digits.
        back: it begins so many words before at most; without it, at any but the last in the stretch of
            capitalised words that ends here.
        capital: the word begins with a capital.
        gap: what stands before the word begins with this.
    """

    words: frozenset[str] = frozenset()
    endings: frozenset[str] = frozenset()
    sign: re.Pattern[str] | None = None
    digits: re.Pattern[str] | None = None
    back: int | None = None
    capital: bool = False
    gap: str = ""


@dataclass(frozen=True, slots=True)
class Hint:
    """A match can be anywhere, but only in a text that holds this: for what is rare."""

    sign: re.Pattern[str]


Anchor = Leads | Within | Hint

_MOST_WORDS: Final = 20_000
_MOST_REPEATS: Final = 12
REPEATS: Final = {_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT}
_SETS: Final = {_constants.IN, _constants.LITERAL}


def leads(pattern: re.Pattern[str]) -> Leads:
    """The words, digits and marks with which the pattern's matches begin.

    Raises:
        ValueError: there is no end to them: the pattern needs an anchor that is declared, or a ``\\b``
            behind its first word. Or it may begin within a word: it needs a look-behind.
    """
    nodes = list(_parser.parse(pattern.pattern, pattern.flags))
    found = _Leads()
    if found.follow(nodes, {""}) or found.endless:
        raise ValueError(f"the first words of {pattern.pattern[:80]!r} have no end")
    if (found.words or found.digits or found.mixed) and not _looks_behind(nodes[0]):
        raise ValueError(f"{pattern.pattern[:80]!r} may begin within a word")
    return Leads(frozenset(found.words), frozenset(found.marks), found.digits, found.mixed)


def first_words(*sources: str) -> frozenset[str]:
    """The words with which matches of patterns begin, in small letters."""
    return frozenset().union(
        *(leads(re.compile(rf"(?<!\w)(?:{source})(?!\w)")).words for source in sources)
    )


class _Leads:
    """Follows a parsed pattern until every way through it has left its first word."""

    def __init__(self) -> None:
        self.words: set[str] = set()
        self.marks: set[str] = set()
        self.digits = self.mixed = self.endless = False

    def follow(self, nodes: Iterable[tuple[Any, Any]], open_: set[str]) -> set[str]:
        """What ``open_``, letters read so far, become behind ``nodes``; words that end there are noted."""
        for operation, argument in nodes:
            if not open_:
                break
            open_ = self._step(operation, argument, open_)
            self.endless |= len(open_) > _MOST_WORDS
        return open_

    def _step(self, operation: Any, argument: Any, open_: set[str]) -> set[str]:
        if operation in _SETS:
            return self._characters(
                argument if operation is _constants.IN else [(operation, argument)], open_
            )
        if operation in REPEATS:
            least, most, repeated = argument
            return self._repeat(least, most, repeated, open_)
        if operation is _constants.BRANCH:
            return set().union(*(self.follow(way, open_) for way in argument[1]))
        if operation is _constants.SUBPATTERN:
            return self.follow(argument[-1], open_)
        if operation is _constants.AT and argument is _constants.AT_BOUNDARY:
            return self._end(open_)
        if operation is _constants.ASSERT_NOT and argument[0] > 0 and _is_letters(argument[1]):
            return self._end(open_)
        if operation in {_constants.AT, _constants.ASSERT, _constants.ASSERT_NOT}:
            return open_
        self.endless = True
        return set()

    def _repeat(self, least: int, most: int, nodes: Any, open_: set[str]) -> set[str]:
        behind: set[str] = set()
        for count in range(min(most, _MOST_REPEATS + 1)):
            if count >= least:
                behind |= open_
            open_ = self.follow(nodes, open_)
            if not open_ or self.endless:
                return behind
        self.endless |= most > _MOST_REPEATS
        return behind | open_

    def _characters(self, members: Sequence[tuple[Any, Any]], open_: set[str]) -> set[str]:
        letters: set[str] = set()
        for operation, argument in members:
            if operation is _constants.LITERAL and chr(argument).isalpha():
                letters.add(chr(argument).lower())
            elif operation is _constants.LITERAL:
                self._leave(open_, chr(argument))
            elif operation is _constants.RANGE and chr(argument[1]) <= "z":
                letters |= {chr(c).lower() for c in range(argument[0], argument[1] + 1) if chr(c).isalpha()}
                if chr(argument[0]).isdigit():
                    self._leave(open_, "0")
            elif operation is _constants.CATEGORY and argument is _constants.CATEGORY_DIGIT:
                self._leave(open_, "0")
            else:
                self.endless = True
        return {word + letter for word in open_ for letter in letters}

    def _leave(self, open_: set[str], character: str) -> None:
        """A character that is no letter ends a word; without a letter before, the match begins with it."""
        self.words |= open_ - {""}
        if "" in open_ and character.isdigit():
            self.digits = True
        elif "" in open_ and character == "_":
            self.mixed = True
        elif "" in open_:
            self.marks.add(character)

    def _end(self, open_: set[str]) -> set[str]:
        self.words |= open_ - {""}
        return open_ & {""}


def _is_letters(nodes: Sequence[tuple[Any, Any]]) -> bool:
    """Does a look ahead stop at every letter?"""
    if len(nodes) != 1 or nodes[0][0] is not _constants.IN:
        return False
    return (_constants.CATEGORY, _constants.CATEGORY_WORD) in nodes[0][1] or (
        (_constants.RANGE, (ord("a"), ord("z"))) in nodes[0][1]
    )


def _looks_behind(node: tuple[Any, Any]) -> bool:
    return node[0] is _constants.ASSERT_NOT and node[1][0] < 0

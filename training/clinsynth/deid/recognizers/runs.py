"""How long a run of digits a pattern can begin with, and what can stand behind the run.

Most numbers of a note begin few of the patterns that begin with digits: ``98.6`` is the start of no
telephone number. Reading this from the patterns spares trying each at every number.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any, Final

from clinsynth.deid.recognizers.anchors import REPEATS

_MOST: Final = 24  # digits; longer runs are taken for this long
_NOTHING: Final = {_constants.AT, _constants.ASSERT, _constants.ASSERT_NOT}
_LIKE: Final = {
    _constants.CATEGORY_DIGIT: re.compile(r"\d"),
    _constants.CATEGORY_NOT_DIGIT: re.compile(r"\D"),
    _constants.CATEGORY_SPACE: re.compile(r"\s"),
    _constants.CATEGORY_NOT_SPACE: re.compile(r"\S"),
    _constants.CATEGORY_WORD: re.compile(r"\w"),
    _constants.CATEGORY_NOT_WORD: re.compile(r"\W"),
}

Members = Sequence[tuple[Any, Any]]


class Run:
    """The run of digits at the start of a pattern's matches.

    Look-aheads are not followed, so ``admits`` may be true where nothing matches, but never the reverse.
    """

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._behind: dict[int, list[Members]] = defaultdict(list)
        self._enough = _MOST + 1  # digits with which all is said
        self._unknown = False
        self._any_case = bool(pattern.flags & re.IGNORECASE)
        open_ = self._follow(_parser.parse(pattern.pattern, pattern.flags), frozenset({0}))
        self._enough = min([self._enough, *open_])

    def admits(self, digits: int, behind: str) -> bool:
        """Can a match begin with so many digits and this character, which is no digit (``""``: the end)?"""
        digits = min(digits, _MOST)
        if self._unknown or digits >= self._enough:
            return True
        cases = {behind, behind.lower(), behind.upper()} if self._any_case else {behind}
        # No character stands at the end of a text, and some become two in the other case.
        return any(_has(members, c) for members in self._behind[digits] for c in cases if len(c) == 1)

    def _follow(self, nodes: Iterable[tuple[Any, Any]], open_: frozenset[int]) -> frozenset[int]:
        """How many digits may have been read behind ``nodes``, all in the run; ``open_``: before them."""
        for operation, argument in nodes:
            if not open_:
                break
            open_ = self._step(operation, argument, open_)
        return open_

    def _step(self, operation: Any, argument: Any, open_: frozenset[int]) -> frozenset[int]:
        if operation is _constants.LITERAL:
            return self._character([(operation, argument)], open_)
        if operation is _constants.IN:
            return self._character(argument, open_)
        if operation in REPEATS:
            least, most, repeated = argument
            return self._repeat(least, min(most, _MOST), repeated, open_)
        if operation is _constants.BRANCH:
            return frozenset().union(*(self._follow(way, open_) for way in argument[1]))
        if operation is _constants.SUBPATTERN:
            _, switched_on, _, inner = argument
            self._any_case |= bool(switched_on & re.IGNORECASE)
            return self._follow(inner, open_)
        if operation is _constants.ATOMIC_GROUP:
            return self._follow(argument, open_)
        if operation not in _NOTHING:
            self._unknown = True
        return open_

    def _repeat(self, least: int, most: int, nodes: Any, open_: frozenset[int]) -> frozenset[int]:
        behind = open_ if least == 0 else frozenset[int]()
        for count in range(1, most + 1):
            open_ = self._follow(nodes, open_)
            if count >= least:
                behind |= open_
        return behind

    def _character(self, members: Members, open_: frozenset[int]) -> frozenset[int]:
        for digits in open_ - {0}:
            self._behind[digits].append(members)
        if any(_has(members, digit) for digit in "0123456789"):
            return frozenset(min(digits + 1, _MOST) for digits in open_)
        return frozenset()


def _has(members: Members, character: str) -> bool:
    """Is the character in a set?"""
    wanted = all(operation is not _constants.NEGATE for operation, _ in members)
    return wanted == any(_is(operation, argument, character) for operation, argument in members)


def _is(operation: Any, argument: Any, character: str) -> bool:
    if operation is _constants.LITERAL:
        return bool(argument == ord(character))
    if operation is _constants.RANGE:
        return bool(argument[0] <= ord(character) <= argument[1])
    return operation is _constants.CATEGORY and _LIKE[argument].match(character) is not None

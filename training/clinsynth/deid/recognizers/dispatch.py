"""The one place where patterns meet a text: each is tried where its anchor stands.

What comes out is what ``finditer`` of each pattern would give: matches from left to right, of one pattern
never overlapping.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple, Protocol

from clinsynth.deid.engine import Scanner, Tokens, lowered
from clinsynth.deid.recognizers.anchors import Anchor, Hint, Leads, Within, leads
from clinsynth.deid.recognizers.forms import LINKS, PARTICLES
from clinsynth.deid.recognizers.runs import Run

Finding = tuple[str, int, int, float]
"""Label, start, end, score."""


class Form(Protocol):
    """A pattern with its anchor."""

    @property
    def pattern(self) -> re.Pattern[str]:
        """No look-behind of variable length, no nested repeats: time must grow with the text alone."""

    @property
    def folded(self) -> bool:
        """Match the lower-cased text?"""

    @property
    def anchor(self) -> Anchor | None:
        """Where it is tried; None: at the words, digits and marks with which the pattern begins."""

    def weigh(self, judge: Any, match: re.Match[str]) -> Sequence[Finding]:
        """The identifiers in a match; ``judge`` is what its family knows of the text."""


class _Try(NamedTuple):
    slot: int  # of the form
    match: Callable[[str, int], re.Match[str] | None]
    folded: bool


class _Before(NamedTuple):
    """What is tried at the words before one."""

    number: int
    back: int | None
    capital: bool
    gap: str
    tries: tuple[_Try, ...]


class _AtWord(NamedTuple):
    tries: tuple[_Try, ...]
    before: tuple[_Before, ...]


_AtRun = tuple[tuple[_Try, ...], tuple[tuple[re.Pattern[str], _Before], ...]]
Sites = list[tuple[int, tuple[_Try, ...]]]
"""Offsets, and what is tried there."""


class Dispatch:
    """Finds all matches of many forms in one pass over the words of a text."""

    def __init__(self, forms: Sequence[Form]) -> None:
        self._forms = tuple(forms)
        self._hinted: list[tuple[re.Pattern[str], int]] = []
        within: dict[Within, list[_Try]] = defaultdict(list)
        leading: dict[Leads, list[_Try]] = defaultdict(list)
        for slot, form in enumerate(forms):
            one = _Try(slot, form.pattern.match, form.folded)
            anchor = form.anchor or leads(form.pattern)
            if isinstance(anchor, Hint):
                self._hinted.append((anchor.sign, slot))
            elif isinstance(anchor, Within):
                within[anchor].append(one)
            else:
                leading[anchor].append(one)
        before = {a: _Before(i, a.back, a.capital, a.gap, tuple(within[a])) for i, a in enumerate(within)}
        self._anchors = len(before)
        self._signs = [(a.sign.finditer, one) for a, one in before.items() if a.sign is not None]
        self._words = _Words(leading, before)
        self._mixed = tuple(one for anchor, tries in leading.items() if anchor.mixed for one in tries)
        self._marks = _by((anchor.marks, tries) for anchor, tries in leading.items())
        self._mark = re.compile("|".join(map(re.escape, self._marks)) or "(?!)").finditer
        self._runs = _Runs(
            [
                (Run(forms[one.slot].pattern), one)
                for anchor, tries in leading.items()
                if anchor.digits
                for one in tries
            ],
            [(Run(a.digits), a.digits, one) for a, one in before.items() if a.digits is not None],
        )

    def matches(self, tokens: Tokens) -> Iterator[tuple[int, re.Match[str]]]:
        """Each match, with the number of its form."""
        text, lower = tokens.text, tokens.lower
        ends = [0] * len(self._forms)
        sites = self._sites(tokens)
        sites.sort(key=_START)
        for start, tries in sites:
            for slot, match_at, folded in tries:
                if (
                    start >= ends[slot]
                    and (match := match_at(lower if folded else text, start)) is not None
                ):
                    ends[slot] = match.end()
                    yield slot, match
        for sign, slot in self._hinted:
            form = self._forms[slot]
            seen = lower if form.folded else text
            if sign.search(seen) is not None:
                for match in form.pattern.finditer(seen):
                    yield slot, match

    def _sites(self, tokens: Tokens) -> Sites:
        text, lower, starts, gaps = tokens.text, tokens.lower, tokens.starts, tokens.gaps
        sites: Sites = []
        tried = [0] * self._anchors  # at the words before this one, all that an anchor asks for
        at_word = map(self._words.__getitem__, tokens.words)
        for i, (tries, before) in [(i, entry) for i, entry in enumerate(at_word) if entry is not None]:
            if tries:
                sites.append((starts[i], tries))
            if before:
                capital = text[starts[i]].isupper() or text[starts[i]] > _LATIN_1
                for one in before:
                    if (capital or not one.capital) and gaps[i].startswith(one.gap):
                        _go_back(tokens, i, one, tried, sites)
        for signs, one in self._signs:
            for match in signs(lower):
                _go_back(tokens, bisect_right(starts, match.start()) - 1, one, tried, sites)
        for match in _RUN.for_(lower).finditer(lower):
            start, end = match.span()
            at, ahead = self._runs[end - start, text[end : end + 1]]
            if at:
                sites.append((start, at))
            for number, behind in ahead:
                if number.match(lower, start) is not None:
                    _go_back(tokens, bisect_right(starts, start) - 1, behind, tried, sites)
        sites += [(match.start(), self._marks[match[0]]) for match in self._mark(text)]
        sites += [(starts[i], self._mixed) for i in tokens.mixed]
        return sites


class _Words(dict[str, "_AtWord | None"]):
    """What is tried at a word and before it.

    A word that is not in the list is looked at by its ending once, and remembered.
    """

    def __init__(self, leading: dict[Leads, list[_Try]], before: dict[Within, _Before]) -> None:
        at = _by((anchor.words, tries) for anchor, tries in leading.items())
        ahead = _by((anchor.words, [one]) for anchor, one in before.items())
        self._endings = _by((anchor.endings, [one]) for anchor, one in before.items())
        super().__init__(
            {
                word: _AtWord(at.get(word, ()), ahead.get(word, ()) + self._ending(word))
                for word in {*at, *ahead}
            }
        )
        self._most = len(self) + _REMEMBERED

    def _ending(self, word: str) -> tuple[_Before, ...]:
        return self._endings.get(word[-_ENDING:], ())

    def __missing__(self, word: str) -> _AtWord | None:
        before = self._ending(word)
        entry = _AtWord((), before) if before else None
        if len(self) < self._most:
            self[word] = entry
        return entry


class _Runs(dict[tuple[int, str], _AtRun]):
    """What is tried at a run of digits and before it, by its length and the character behind.

    Each is worked out when it first comes, and remembered.
    """

    def __init__(
        self, at: Sequence[tuple[Run, _Try]], ahead: Sequence[tuple[Run, re.Pattern[str], _Before]]
    ) -> None:
        self._at, self._ahead = at, ahead

    def __missing__(self, key: tuple[int, str]) -> _AtRun:
        digits, behind = key
        low = lowered(behind)
        entry = (
            tuple(one for run, one in self._at if run.admits(digits, low if one.folded else behind)),
            tuple((number, one) for run, number, one in self._ahead if run.admits(digits, behind)),
        )
        if len(self) < _REMEMBERED:
            self[key] = entry
        return entry


_START: Final = itemgetter(0)
_ENDING: Final = 4  # letters
_REMEMBERED: Final = 50_000  # words
_LONGEST: Final = 64  # words of a stretch; a name has fewer
_WIDEST: Final = 8  # characters of a gap: within a name no more marks and blanks follow each other
_JOINTS: Final = frozenset(" \t\n.,'\u2019&-")
_GLUED: Final = frozenset(".'\u2019-&")
_LATIN_1: Final = "\xff"  # letters behind are taken for capitals


def _go_back(tokens: Tokens, i: int, one: _Before, tried: list[int], sites: Sites) -> None:
    """Adds the words before word ``i`` at which a match may begin, each once for an anchor."""
    first = tried[one.number]
    if one.back is not None:
        sites += [(start, one.tries) for start in tokens.starts[max(i - one.back, first) : i + 1]]
    else:
        sites += [(start, one.tries) for start in _stretch(tokens, i, first)]
    tried[one.number] = max(first, i)


def _stretch(tokens: Tokens, i: int, first: int) -> list[int]:
    """Where the words begin that stand before word ``i`` with no small one and no wide gap between.

    Words like ``of`` and ``van`` do not end the stretch, nor does what a mark without a blank
    ties to the word before. What stands before word ``first`` is left out.
    """
    starts: list[int] = []
    first = max(first, i - _LONGEST)
    while i > first and len(gap := tokens.gaps[i]) <= _WIDEST and gap[0] in _JOINTS:
        i -= 1
        start, word = tokens.starts[i], tokens.written[i]
        letter = tokens.text[start]
        if letter.isupper() or letter > _LATIN_1 or word in PARTICLES or len(word) == 1:
            starts.append(start)
        elif word not in LINKS and tokens.gaps[i] not in _GLUED:
            break
    return starts


def _by(entries: Iterable[tuple[Iterable[Any], Sequence[Any]]]) -> dict[Any, tuple[Any, ...]]:
    """Of pairs of keys and values: for each key all the values."""
    table: dict[Any, tuple[Any, ...]] = {}
    for keys, values in entries:
        for key in keys:
            table[key] = (*table.get(key, ()), *values)
    return table


# Up to four digits before another mark than these begin nothing: 98%, or 12) do not.
_RUN: Final = Scanner(r"\d(?<!\d\d)(?:\d{4}\d*+|\d*+(?=[-/.:([\s'\u2019a-z]))")

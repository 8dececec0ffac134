"""The one place where patterns meet a text: each is tried where its anchor stands.

What comes out is what ``finditer`` of each pattern would give: matches from left to right, of one pattern
never overlapping.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple, Protocol

from clinsynth.deid.engine import Tokens
from clinsynth.deid.recognizers.anchors import Anchor, Hint, Leads, Within, leads
from clinsynth.deid.recognizers.forms import LINKS, PARTICLES


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

    def weigh(self, judge: Any, match: re.Match[str]) -> Iterator[Finding]:
        """The identifiers in a match; ``judge`` is what its family knows of the text."""


class _Try(NamedTuple):
    slot: int
    match: Callable[[str, int], re.Match[str] | None]
    folded: bool


Sites = list[tuple[int, tuple[_Try, ...]]]


class Dispatch:
    """Finds all matches of many forms in one pass over the words of a text."""

    def __init__(self, forms: Sequence[Form]) -> None:
        self._forms = tuple(forms)
        self._leading: dict[str, tuple[_Try, ...]] = {}
        self._inside: dict[str, tuple[tuple[Within, _Try], ...]] = {}
        self._ending: dict[str, tuple[_Try, ...]] = {}
        self._signed: list[tuple[Within, _Try]] = []
        self._hinted: list[tuple[re.Pattern[str], int]] = []
        self._mixed: tuple[_Try, ...] = ()
        marks: dict[str, tuple[_Try, ...]] = {}
        digits: dict[bool, tuple[_Try, ...]] = {}
        for slot, form in enumerate(forms):
            one = _Try(slot, form.pattern.match, form.folded)
            anchor = form.anchor or leads(form.pattern)
            if isinstance(anchor, Hint):
                self._hinted.append((anchor.sign, slot))
            elif isinstance(anchor, Within):
                for word in anchor.words:
                    self._inside[word] = (*self._inside.get(word, ()), (anchor, one))
                if anchor.sign is not None:
                    self._signed.append((anchor, one))
            else:
                _add(self._leading, anchor.words, one)
                _add(self._ending, anchor.endings, one)
                _add(marks, anchor.marks, one)
                _add(digits, [form.folded] if anchor.digits else [], one)
                self._mixed += (one,) if anchor.mixed else ()
        self._marks = marks
        self._mark = re.compile("|".join(map(re.escape, marks))).finditer if marks else None
        self._digits = [
            (_digits_before(self._forms[one.slot] for one in tries), folded, tries)
            for folded, tries in digits.items()
        ]

    def matches(self, tokens: Tokens) -> Iterator[tuple[int, re.Match[str]]]:
        """Each match, and the number of its form."""
        text, lower = tokens.text, tokens.lower
        ends = [0] * len(self._forms)
        sites = self._sites(tokens)
        sites.sort(key=_START)
        for start, tries in sites:
            for slot, match_at, folded in tries:
                if start >= ends[slot] and (match := match_at(lower if folded else text, start)) is not None:
                    ends[slot] = match.end()
                    yield slot, match
        for sign, slot in self._hinted:
            form = self._forms[slot]
            seen = lower if form.folded else text
            if sign.search(seen) is not None:
                for match in form.pattern.finditer(seen):
                    yield slot, match

    def _sites(self, tokens: Tokens) -> Sites:
        text, lower, starts = tokens.text, tokens.lower, tokens.starts
        get = self._leading.get
        sites: Sites = [(start, tries) for start, tries in zip(starts, map(get, tokens.words)) if tries]
        for finditer, folded, tries in self._digits:
            sites += [(match.start(), tries) for match in finditer(lower if folded else text)]
        if self._mark is not None:
            sites += [(match.start(), self._marks[match[0]]) for match in self._mark(text)]
        if self._mixed:
            sites += [(starts[i], self._mixed) for i in tokens.mixed]
        if self._ending:
            get = self._ending.get
            sites += [(s, tries) for s, w in zip(starts, tokens.words) if (tries := get(w[-3:]))]
        if self._inside or self._signed:
            self._add_within(tokens, sites)
        return sites

    def _add_within(self, tokens: Tokens, sites: Sites) -> None:
        tried = [0] * len(self._forms)  # up to this word the form has been tried
        get = self._inside.get
        for i, group in [(i, group) for i, group in enumerate(map(get, tokens.words)) if group]:
            for anchor, one in group:
                if tokens.gaps[i].startswith(anchor.gap):
                    _go_back(tokens, i, anchor, one, tried, sites)
        for anchor, one in self._signed:
            for match in anchor.sign.finditer(tokens.lower if one.folded else tokens.text):
                i = bisect_right(tokens.starts, match.start()) - 1
                _go_back(tokens, i, anchor, one, tried, sites)


_START: Final = itemgetter(0)
_LONGEST: Final = 24  # words of a stretch
_WIDEST: Final = 4  # characters of a gap
_JOINTS: Final = frozenset(" \t\n.,'\u2019&-")
_LATIN_1: Final = "\xff"  # letters behind are taken for capitals


def _go_back(tokens: Tokens, i: int, anchor: Within, one: _Try, tried: list[int], sites: Sites) -> None:
    """Adds the words before word ``i`` at which a match may begin, each once for a form."""
    first = tried[one.slot]
    if anchor.back is None:
        sites += [(start, (one,)) for start in _stretch(tokens, i, first)]
    else:
        sites += [(start, (one,)) for start in tokens.starts[max(i - anchor.back, first) : i + 1]]
    tried[one.slot] = max(first, i)


def _stretch(tokens: Tokens, i: int, first: int) -> list[int]:
    """Where the words begin that stand before word ``i`` with no small one and no wide gap between.

    Words like ``of`` and ``van`` do not end the stretch. What stands before word ``first`` is left out.
    """
    starts: list[int] = []
    first = max(first, i - _LONGEST)
    while i > first and len(gap := tokens.gaps[i]) <= _WIDEST and gap[0] in _JOINTS:
        i -= 1
        start, word = tokens.starts[i], tokens.written[i]
        letter = tokens.text[start]
        if letter.isupper() or letter > _LATIN_1 or word in PARTICLES or len(word) == 1:
            starts.append(start)
        elif word not in LINKS:
            break
    return starts


def _add(table: dict[Any, tuple[_Try, ...]], keys: Iterable[Any], one: _Try) -> None:
    for key in keys:
        table[key] = (*table.get(key, ()), one)


def _digits_before(forms: Iterable[Form]) -> Callable[[str], Iterator[re.Match[str]]]:
    """Finds the digits at which one of the patterns matches.

    The first digit of a run is looked for, which is fast; the patterns are then asked from before it.
    """
    either = "|".join(_NAMED.sub("(?:", form.pattern.pattern) for form in forms)
    return re.compile(rf"\d(?<!\d\d)(?<=(?={either}).)").finditer


_NAMED: Final = re.compile(r"\(\?P<\w+>")

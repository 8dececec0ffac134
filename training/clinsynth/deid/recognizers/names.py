"""Names of people (Safe Harbor A), without a language model.

Three kinds of evidence: a word beside that goes with persons (``Dr.``, ``Patient:``, ``, MD``, ``her
son``), a given name followed by a family name of the lists, and a placeholder (``Dr. X``). The title itself
is no part of the name. Eponyms, drugs and everyday words are no names by themselves: ``Parkinson disease``,
``Foley``, ``Will``, ``Rose Bengal``. Not known here: a lone name that no list and no word around betrays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import ClassVar, Final, NamedTuple

from clinsynth.deid.engine import Tokens
from clinsynth.deid.lexicons import first_names, last_names, phrase_list, states, word_list
from clinsynth.deid.recognizers.anchors import Anchor, Hint, Leads, Within
from clinsynth.deid.recognizers.dispatch import Finding, Form
from clinsynth.deid.recognizers.forms import BETWEEN, PARTICLES, RUN, SUFFIX, WORD
from clinsynth.deid.recognizers.name_cues import (
    ACTING,
    APPOSED,
    CALLED,
    CREDENTIALED,
    CUES,
    EPONYM_AFTER,
    FAMILY,
    INITIALS,
    INTRODUCED,
    LETTERS,
    PLACEHOLDER,
    PLACEHOLDER_CREDENTIALED,
    PLACEHOLDER_TITLED,
    REACHED,
    REGISTERED,
    REVERSED,
    SECOND,
    TREATED,
    TYPED_BY,
    Cue,
)
from clinsynth.deid.recognizers.place_forms import FACILITY_WORDS
from clinsynth.deid.recognizers.rules import LIKELY, SURE, TOLD, RuleRecognizer

_AT_CUE: Final = re.compile(rf"(?P<id>{RUN}(?:,[ ]?{RUN})?){SUFFIX}")
_SMALL_AT_CUE: Final = re.compile(r"[a-zß-öø-ÿ'-]{3,20}(?: [a-zß-öø-ÿ'-]{3,20})?(?!\w)")
RUNS: Final = re.compile(rf"(?<![\w/-]){WORD}(?:(?:{BETWEEN}|\n){WORD}){{1,4}}")
_SUFFIX: Final = re.compile(SUFFIX)
_PARTS: Final = re.compile(rf"{WORD}|[a-z]+\.?")
_INITIAL: Final = re.compile(r"[ ][A-Z](?:\.(?![A-Z])|(?![\w.]))")
_WORD: Final = re.compile(r"\w+")
_CAPITAL_BEFORE: Final = re.compile(r"(?<!\w)(?:North|South|East|West|New|Saint|San|Santa|Los)[ ]\Z")
_RUN_WORD: Final = re.compile(r"[^\s.]+")
_INITIALS: Final = re.compile(r"[^\W\d_]{2,}")
_ABBREVIATION: Final = 4  # letters: GERD, COPD

Place = tuple[int, int] | None
Found = tuple[Place, float]
"""A place, or none after all; how sure it is."""


class Part(NamedTuple):
    """A word of a run, lower-cased."""

    start: int
    end: int
    word: str

    @property
    def small(self) -> bool:
        """An initial or a particle: no name by itself."""
        return len(self.word) == 1 or self.word in PARTICLES


class NameRecognizer(RuleRecognizer):
    """Persons."""

    LABELS: ClassVar[tuple[str, ...]] = ("NAME",)

    def forms(self) -> tuple[Form, ...]:
        """Forms beside which or in which persons are named."""
        return _evidence()

    def judge(self, tokens: Tokens) -> _Judge:
        """Tells which words are names."""
        return _Judge(tokens)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A form beside which or in which persons are named; ``look`` tells who is, and how sure that is."""

    pattern: re.Pattern[str]
    look: Callable[[_Judge, re.Match[str]], Sequence[Found]]
    folded: bool = False
    anchor: Anchor | None = None

    def weigh(self, judge: _Judge, match: re.Match[str]) -> Sequence[Finding]:
        """The names, without their titles."""
        return [("NAME", *span, score) for span, score in self.look(judge, match) if span is not None]


@cache
def _evidence() -> tuple[Evidence, ...]:
    first = frozenset(_WORD.findall(name)[0] for name in first_names())
    return (
        *(Evidence(cue.pattern, partial(_by_cue, cue), folded=True) for cue in CUES),
        Evidence(CREDENTIALED, _by_credential, anchor=Within(LETTERS, capital=True)),
        Evidence(RUNS, _by_lists, anchor=Leads(first)),
        Evidence(REVERSED, _reversed, anchor=Within(first, capital=True, gap=", ")),
        Evidence(CALLED, _called),
        Evidence(FAMILY, _called),
        Evidence(REACHED, _called),
        Evidence(REGISTERED, _called_plainly),
        Evidence(APPOSED, _apposed),
        Evidence(TYPED_BY, _typed_by, anchor=Hint(TYPED_BY)),
        Evidence(INITIALS, _placeholder),
        Evidence(TREATED, _treated, anchor=Within(frozenset({"is", "was", "has", "had"}), back=2)),
        Evidence(ACTING, _acting, anchor=Leads(first)),
        Evidence(INTRODUCED, _introduced, anchor=Within(frozenset({"a", "an"}))),
        Evidence(PLACEHOLDER_TITLED, _placeholder),
        Evidence(PLACEHOLDER_CREDENTIALED, _placeholder, anchor=Within(LETTERS, capital=True)),
        Evidence(PLACEHOLDER, _placeholder),
    )


def _by_cue(cue: Cue, judge: _Judge, match: re.Match[str]) -> Sequence[Found]:
    text = judge.tokens.text
    name = _AT_CUE.match(text, match.end())
    if name is None:
        return () if cue.listed else ((judge.small(_SMALL_AT_CUE.match(text, match.end())), TOLD),)
    listed = cue.listed or text.startswith("MS", match.start())  # or multiple sclerosis
    if listed and not FACILITY_WORDS.isdisjoint(_RUN_WORD.findall(name["id"].lower())):
        return ()  # From: Alder Heart Hospital
    first = judge.front(name.start("id"), name["id"], listed=listed, two=cue.two), cue.score
    second = None if cue.listed else SECOND.match(text, name.end())
    if second is None:
        return (first,)
    return first, (judge.front(second.start("id"), second["id"], listed=False), TOLD)


def _by_credential(judge: _Judge, match: re.Match[str]) -> Sequence[Found]:
    return ((judge.back(match.start("id"), match["id"]), SURE),)


def _by_lists(judge: _Judge, match: re.Match[str]) -> Sequence[Found]:
    _, *others = _RUN_WORD.findall(match[0].lower())
    if last_names().isdisjoint(others):
        return ()
    name = judge.pair(match.start(), match[0])
    return () if name is None or EPONYM_AFTER.match(match.string, match.end()) else ((name, LIKELY),)


def _reversed(judge: _Judge, match: re.Match[str]) -> Sequence[Found]:
    if _is_reversed(judge, match):
        return ((match.span(), TOLD),)
    # "Lee, OKAFOR, ADA": what is no name must not use up the one that begins within it.
    for word in _RUN_WORD.finditer(match[0], match.end("last") - match.start()):
        inner = REVERSED.match(match.string, match.start() + word.start())
        if inner is not None and _is_reversed(judge, inner):
            return ((inner.span(), TOLD),)
    return ()


def _is_reversed(judge: _Judge, match: re.Match[str]) -> bool:
    first, last = match["first"].lower(), match["last"].split()[-1].lower()
    return first not in states() and judge.is_pair(first, last)


def _introduced(judge: _Judge, match: re.Match[str]) -> Sequence[Found]:
    return ((judge.front(match.start("id"), match["id"], listed=True), TOLD),)


def _called(judge: _Judge, match: re.Match[str]) -> Sequence[Found]:
    """What stands between "Patient" and a verb, unless it is an abbreviation or an everyday word."""
    words = match["id"].lower().split()
    if match["id"].isupper() and not match.string.startswith("PATIENT", match.start()):
        return ((judge.front(match.start("id"), match["id"], listed=True, two=True), TOLD),)
    return () if judge.any_everyday(words) else ((match.span("id"), TOLD),)


def _called_plainly(judge: _Judge, match: re.Match[str]) -> Sequence[Found]:
    """A name in whatever letters, unless one of its words is an everyday one and no name."""
    words = _WORD.findall(match["id"].lower())
    return () if judge.any_everyday(words) else ((match.span("id"), TOLD),)


def _apposed(judge: _Judge, match: re.Match[str]) -> Sequence[Found]:
    """Not a disease: ``his mother, COPD, and``."""
    eponym = any(word in word_list("eponyms") for word in _WORD.findall(match["id"].lower()))
    shouted = match["id"].isupper() and not match["kin"].isupper()
    return () if eponym or shouted else _called_plainly(judge, match)


def _treated(judge: _Judge, match: re.Match[str]) -> Sequence[Found]:
    word = match["id"].lower()
    return (
        ((match.span("id"), LIKELY),)
        if len(word) > 2 and judge.clear(word) and word not in states()
        else ()
    )


def _acting(judge: _Judge, match: re.Match[str]) -> Sequence[Found]:
    """A given name of the lists that means nothing else, and is no place."""
    word = match["id"].lower()
    if len(word) < _ABBREVIATION or word in states() or word in phrase_list("places"):
        return ()
    if _CAPITAL_BEFORE.search(match.string, max(match.start() - 16, 0), match.start()):
        return ()  # North Carolina
    return ((match.span("id"), LIKELY),) if word in first_names() and judge.clear(word) else ()


def _typed_by(_: _Judge, match: re.Match[str]) -> Sequence[Found]:
    """Not the heading of a system and what was found there: ``CV:RRR``."""
    parts = set(_INITIALS.findall(match["id"].lower()))
    return (
        ()
        if parts & word_list("headings") or parts & word_list("ordinary")
        else ((match.span("id"), TOLD),)
    )


def _placeholder(_: _Judge, match: re.Match[str]) -> Sequence[Found]:
    return ((match.span("id"), TOLD),)


class _Judge:
    """Which words of a run are names, by the lists and by the rest of the note."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self._first, self._last = first_names(), last_names()
        self._never = word_list("never")
        self._everyday, self._eponyms = word_list("ordinary"), word_list("eponyms")

    def clear(self, word: str) -> bool:
        """Has the word no everyday meaning, in the lists or in this note?"""
        return word not in self._everyday and word not in self._eponyms and word not in self.tokens.common

    def known(self, word: str) -> bool:
        """Is it a name of the lists, whatever else it means?"""
        return word in self._first or word in self._last

    def any_everyday(self, words: Iterable[str]) -> bool:
        """Is one of the words an everyday one, and neither a name of the lists nor a particle?"""
        return any(w in self._everyday and not self.known(w) and w not in PARTICLES for w in words)

    def listed(self, word: str) -> bool:
        """Is it a name of the lists, and nothing else as well?"""
        return (word in self._first or word in self._last) and self.clear(word)

    def is_pair(self, first: str, last: str) -> bool:
        """Given and family name of the lists, of which at least one has no other meaning?"""
        if (
            not self._is_first(first)
            or last not in self._last
            or first in self._never
            or last in self._never
        ):
            return False
        return self.clear(first) or self.clear(last)

    def _is_first(self, word: str) -> bool:
        return word in self._first or ("-" in word and all(part in self._first for part in word.split("-")))

    def front(self, start: int, run: str, *, listed: bool, two: bool = False) -> Place:
        """The name at the front of a run.

        Args:
            listed: one of its words must be a name of the lists without another meaning, or two of them
                names whatever else they mean; and it is no abbreviation. Without it almost any capitalised
                word is a name: it stands behind a title.
            two: two words without an everyday meaning will do as well.
        """
        parts = _parts(start, run)
        taken = self._taken([part for part in parts if not part.small], titled=not listed)
        if not taken or (listed and not self._is_sure(taken, run, two=two)):
            return None
        end = taken[-1].end
        initial = _INITIAL.match(self.tokens.text, end) if "," in run else None  # OKAFOR, ADA M.
        return self._with_suffix(parts[0].start, initial.end() if initial is not None else end)

    def back(self, start: int, run: str) -> Place:
        """The name at the end of a run, before the letters of a profession."""
        parts = _parts(start, run)
        taken = self._taken([part for part in reversed(parts) if not part.small])
        if not taken:
            return None
        before = [part for part in parts if part.start < taken[-1].start]
        begin = before[-1].start if before and before[-1].small else taken[-1].start
        return begin, start + len(run)

    def _taken(self, full: list[Part], *, titled: bool = False) -> list[Part]:
        """The words up to the first that is no name. Behind a title an eponym is one: ``Dr. Morison``."""
        taken: list[Part] = []
        for i, part in enumerate(full):
            word = part.word
            known = word in self._first or word in self._last
            if word in self._never:
                beside = full[1 - i].word if i < 2 and len(full) > 1 else ""
                could_be = word in self._last and bool(beside) and self.listed(beside)
            else:
                could_be = known or self.clear(word) or (titled and i == 0 and word in self._eponyms)
            if not could_be or (taken and not known and word in self._everyday):
                break
            taken.append(part)
        return taken

    def _is_sure(self, taken: list[Part], run: str, *, two: bool) -> bool:
        first = taken[0].word
        if len(taken) == 1 and len(first) <= _ABBREVIATION and run[: len(first)].isupper():
            return False
        known = [part.word for part in taken if part.word in self._first or part.word in self._last]
        return len(known) >= 2 or any(map(self.clear, known)) or (two and len(taken) > 1)

    def pair(self, start: int, run: str) -> Place:
        """A given and a family name within a run, with what of a name stands between and behind."""
        full = [part for part in _parts(start, run) if not part.small]
        for i, first in enumerate(full[:-1]):
            for j in range(i + 1, min(i + 3, len(full))) if self._is_first(first.word) else ():
                if (
                    self.is_pair(first.word, full[j].word)
                    and not self._abbreviated(run, first, full[j], start)
                    and all(self.clear(part.word) for part in full[i + 1 : j])
                ):
                    return self._with_suffix(first.start, self._last_of(full[j:]).end)
        return None

    def _last_of(self, full: list[Part]) -> Part:
        """The last word of a name that goes at least up to the first of ``full``; it ends with its line."""
        last, *more = full
        for part in more:
            if not self.listed(part.word) or "\n" in self.tokens.text[last.end : part.start]:
                break
            last = part
        return last

    def _abbreviated(self, run: str, first: Part, last: Part, start: int) -> bool:
        """``Less DOE``: one word in capitals, and short, the other not."""
        words = [run[part.start - start : part.end - start] for part in (first, last)]
        return any(w.isupper() and len(w) <= _ABBREVIATION for w in words) and not all(
            map(str.isupper, words)
        )

    def small(self, match: re.Match[str] | None) -> Place:
        """A name in small letters behind a title (``dr. okafor``): every word must be one of the lists."""
        if match is None:
            return None
        words = match[0].split()
        known = [
            len(w) > 3 and (w in self._last or w in self._first) and w not in self._everyday for w in words
        ]
        if not known[0]:
            return None
        return match.span() if all(known) else (match.start(), match.start() + len(words[0]))

    def _with_suffix(self, start: int, end: int) -> tuple[int, int]:
        match = _SUFFIX.match(self.tokens.text, end)
        return start, match.end() if match is not None else end


def _parts(start: int, run: str) -> list[Part]:
    return [Part(start + m.start(), start + m.end(), m[0].lower()) for m in _PARTS.finditer(run)]

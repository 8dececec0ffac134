"""Places below the state (Safe Harbor B): streets, cities, ZIP codes, facilities, employers.

A state or a country alone is no identifier. A facility needs a name of its own: ``Pain Clinic`` and
``Emergency Department`` have none. Not known here: a town that no list and no word around betrays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import ClassVar, Final

from clinsynth.deid.engine import Tokens
from clinsynth.deid.lexicons import first_names, last_names, phrase_list, states, word_list
from clinsynth.deid.recognizers import place_forms as forms
from clinsynth.deid.recognizers.forms import APOSTROPHE
from clinsynth.deid.recognizers.rules import LIKELY, SURE, TOLD, RuleRecognizer

_FORMS: Final = (
    (forms.STREET, SURE),
    (forms.BOX, SURE),
    (forms.ZIP_AFTER_STATE, SURE),
    (forms.PLACEHOLDER, TOLD),
)
# Words with which names of places begin, everyday ones though they are.
_LEADS: Final = frozenset(
    {
        "st", "st.", "saint", "mount", "mt", "mt.", "new", "north", "south", "east", "west", "port", "lake",
        "fort", "san", "santa", "los", "las", "el", "la", "big", "little", "old", "great", "upper", "lower",
    }
)  # fmt: skip
_LINKS: Final = frozenset(
    {"of", "the", "and", "&", "for", "at", "de", "del", "la", "las", "los", "in", "on"}
)
_CUTS: Final = frozenset({"of", "at", "in", "for", "the", "on"})
_HAVE_OF: Final = frozenset(
    {
        "university",
        "college",
        "church",
        "city",
        "hospital",
        "school",
        "institute",
        "house",
        "sisters",
        "bank",
    }
)
_CREDENTIAL_STATES: Final = frozenset(
    {
        "MD",
        "PA",
        "MS",
        "CT",
        "DC",
        "MI",
        "OR",
        "IN",
        "VA",
        "CO",
        "AL",
        "ME",
        "LA",
        "PR",
        "ID",
        "OK",
        "HI",
        "AS",
    }
)
_WORD: Final = re.compile(r"[^\s,]+")

Found = tuple[int, int] | None


class PlaceRecognizer(RuleRecognizer):
    """Places, facilities, employers."""

    LABELS: ClassVar[tuple[str, ...]] = ("LOCATION",)

    def findings(self, tokens: Tokens) -> Iterator[tuple[str, int, int, float]]:
        """Places below the state."""
        text, judge = tokens.text, _Judge(tokens)
        for pattern, score in _FORMS:
            for match in pattern.finditer(text):
                yield "LOCATION", *match.span("id"), score
        for match in forms.ZIP_TOLD.finditer(tokens.lower):
            yield "LOCATION", *match.span("id"), SURE
        for span, score in (*_towns(judge), *_facilities(judge), *_by_context(judge)):
            if span is not None:
                yield "LOCATION", *span, score


def _towns(judge: _Judge) -> Iterator[tuple[Found, float]]:
    text = judge.tokens.text
    zips = forms.TOWN_STATE_ZIP.finditer(text) if forms.FIVE_DIGITS.search(text) else ()
    for match in zips:
        yield match.span("zip"), SURE
        if judge.is_state(match["state"]):
            yield judge.town(match.start("id"), match["id"]), SURE
    for match in forms.TOWN_STATE.finditer(text):
        if judge.before_state(match["id"], match["state"]):
            yield judge.town(match.start("id"), match["id"]), TOLD
    if not _first_words().isdisjoint(judge.tokens.vocabulary):
        for match in _listed_towns().finditer(text):
            yield match.span(), LIKELY
    for match in forms.SUFFIXED_TOWN.finditer(text):
        if judge.ends_as_towns_do(match["id"].split()[-1].lower()):
            yield match.span("id"), LIKELY
    for match in forms.PREFIXED_TOWN.finditer(text):
        word = _bare(match["id"].split()[-1])
        if judge.clear(word) and word in last_names():
            yield match.span("id"), LIKELY


def _facilities(judge: _Judge) -> Iterator[tuple[Found, float]]:
    for pattern in (forms.FACILITY, forms.FACILITY_UPPER, forms.COUNTY):
        for match in pattern.finditer(judge.tokens.text):
            yield judge.facility(match), TOLD


def _by_context(judge: _Judge) -> Iterator[tuple[Found, float]]:
    if not forms.COMPANY_WORDS.isdisjoint(judge.tokens.vocabulary):
        for match in forms.COMPANY.finditer(judge.tokens.text):
            yield match.span("id"), TOLD
    for pattern in (forms.LIVES, forms.WORKS, forms.ADDRESSED):
        for match in pattern.finditer(judge.tokens.text):
            yield judge.town(match.start("id"), match["id"]), TOLD


class _Judge:
    """Is a run of capitalised words the name of a place?"""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self._everyday, self._kinds = word_list("ordinary"), word_list("facilities")
        self._eponyms, self._nations = word_list("eponyms"), word_list("countries")

    def clear(self, word: str) -> bool:
        """Has the word no everyday meaning, in the lists or in this note?"""
        bare = _bare(word)
        return len(bare) > 1 and not (
            bare in self._everyday
            or bare in self._kinds
            or bare in self.tokens.common
            or bare in self._nations
        )

    def is_state(self, name: str) -> bool:
        """A state of the USA or its code?"""
        return name.lower() in states() or re.fullmatch(forms.STATE_CODE, name) is not None

    def before_state(self, town: str, state: str) -> bool:
        """Is it a town that stands before ``, state``, and not a person before letters like MD?"""
        if not self.is_state(state):
            return False
        return state not in _CREDENTIAL_STATES or town.lower() in phrase_list("places")

    def ends_as_towns_do(self, word: str) -> bool:
        """Is a word with a town's ending one, and no eponym, drug or everyday word?"""
        if not self.clear(word) or word in self._eponyms or word in last_names() or word in states():
            return False
        stem = _ENDING.sub("", word)
        return word.endswith(_CLEAR_ENDINGS) or stem in last_names()

    def town(self, start: int, run: str) -> Found:
        """The words at the front of a run that can name a place; None for a state or a country."""
        end, led = 0, False
        for match in _WORD.finditer(run):
            word = match[0]
            leads = end == 0 and word.lower() in _LEADS
            if word[0].isupper() and (self.clear(word) or leads or led):
                end, led = match.end(), leads
            elif word.lower() not in _LINKS:
                break
        name = run[:end].rstrip(".,'-")
        too_short = len(name) < 3 or (name.isupper() and len(name) < 4)
        if too_short or name.lower() in states() or name.lower() in self._nations or name.lower() in _LEADS:
            return None
        return start, start + len(name)

    def facility(self, match: re.Match[str]) -> Found:
        """The facility from the first word that belongs to its name."""
        words = [(m.start(), m[0]) for m in _WORD.finditer(match["name"])]
        for i, (_, word) in enumerate(words[1:], 1):
            if (
                word in _LINKS
                and words[i - 1][1].lower() not in _HAVE_OF
                and word in {"of", "at", "in", "for", "the", "on"}
            ):
                return self._facility_from(match, words[i + 1 :])
        return self._facility_from(match, words)

    def _facility_from(self, match: re.Match[str], words: list[tuple[int, str]]) -> Found:
        named = [self._names(word) for _, word in words]
        if not any(named):
            return None
        first = named.index(True)
        while first and words[first - 1][1].lower() in _LEADS:
            first -= 1
        return match.start("name") + words[first][0], match.end("id")

    def _names(self, word: str) -> bool:
        bare = _bare(word)
        everyday = bare in self._everyday and bare not in last_names() and bare not in first_names()
        return len(bare) > 1 and not (
            everyday or bare in self._kinds or bare in _LINKS or bare in self.tokens.common
        )


_CLEAR_ENDINGS: Final = (
    "ville",
    "burgh",
    "borough",
    "bury",
    "town",
    "chester",
    "mouth",
    "furt",
    "stad",
    "haven",
    "shire",
)
_ENDING: Final = re.compile(
    r"(?:ville|burgh|borough|bury|town|chester|mouth|furt|stad|haven|shire|berg|fort|land|"
    r"ton|port|view|side)$"
)
_POSSESSIVE: Final = re.compile(rf"{APOSTROPHE}s?$")


def _bare(word: str) -> str:
    return _POSSESSIVE.sub("", word.lower().strip(".,;"))


@cache
def _first_words() -> frozenset[str]:
    """Of the listed towns: a note that holds none of them need not be searched for the rest."""
    return frozenset(_LETTERS.findall(place)[0] for place in phrase_list("places"))


_LETTERS: Final = re.compile(r"[^\W\d_]+")


@cache
def _listed_towns() -> re.Pattern[str]:
    names = sorted((place.title() for place in phrase_list("places")), key=len, reverse=True)
    return re.compile(
        rf"(?<![\w/-])(?:{'|'.join(map(re.escape, names))})(?!\w|-|{APOSTROPHE}s [a-z])"
        rf"{forms.NO_TERM}"
    )

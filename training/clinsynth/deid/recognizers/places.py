"""Places below the state (Safe Harbor B): streets, cities, ZIP codes, facilities, employers.

A state or a country alone is no identifier. A facility needs a name of its own: ``Pain Clinic`` and
``Emergency Department`` have none. Not known here: a town that no list and no word around betrays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Final

from clinsynth.deid.engine import Tokens
from clinsynth.deid.lexicons import first_names, last_names, phrase_list, states, word_list
from clinsynth.deid.recognizers import place_forms as forms
from clinsynth.deid.recognizers.anchors import Anchor, Within
from clinsynth.deid.recognizers.dispatch import Finding, Form
from clinsynth.deid.recognizers.forms import APOSTROPHE
from clinsynth.deid.recognizers.rules import LIKELY, SURE, TOLD, RuleRecognizer

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

    def forms(self) -> tuple[Form, ...]:
        """Forms in which places are written."""
        return _forms()

    def judge(self, tokens: Tokens) -> _Judge:
        """Tells which words name places."""
        return _Judge(tokens)


@dataclass(frozen=True, slots=True)
class PlaceForm:
    """A form in which places are written; ``look`` tells which part of a match is one."""

    pattern: re.Pattern[str]
    look: Callable[[_Judge, re.Match[str]], Sequence[Found]]
    score: float
    folded: bool = False
    anchor: Anchor | None = None

    def weigh(self, judge: _Judge, match: re.Match[str]) -> Sequence[Finding]:
        """Places below the state."""
        return [("LOCATION", *span, self.score) for span in self.look(judge, match) if span is not None]


@cache
def _forms() -> tuple[PlaceForm, ...]:
    zip_code = Within(digits=forms.FIVE_DIGITS)
    return (
        PlaceForm(forms.STREET, _street, SURE),
        PlaceForm(forms.ROUTE, _certain, SURE, folded=True),
        PlaceForm(forms.BOX, _certain, SURE),
        PlaceForm(forms.ZIP_AFTER_STATE, _certain, SURE, anchor=Within(digits=forms.FIVE_DIGITS, back=1)),
        PlaceForm(forms.ZIP_TOLD, _certain, SURE, folded=True),
        PlaceForm(forms.PLACEHOLDER, _certain, TOLD),
        PlaceForm(forms.TOWN_STATE_ZIP, _town_and_zip, SURE, anchor=zip_code),
        PlaceForm(
            forms.TOWN_STATE,
            _town_before_state,
            TOLD,
            anchor=Within(forms.STATE_WORDS, capital=True, gap=","),
        ),
        PlaceForm(_listed_towns(), _whole, LIKELY),
        PlaceForm(
            forms.SUFFIXED_TOWN,
            _suffixed,
            LIKELY,
            anchor=Within(endings=forms.TOWN_ENDINGS, back=1, capital=True),
        ),
        PlaceForm(forms.PREFIXED_TOWN, _prefixed, LIKELY),
        PlaceForm(forms.FACILITY, _facility, TOLD, anchor=Within(forms.FACILITY_WORDS, capital=True)),
        PlaceForm(forms.FACILITY_UPPER, _facility, TOLD, anchor=Within(forms.FACILITY_WORDS, capital=True)),
        PlaceForm(forms.PART_OF, _certain, TOLD),
        PlaceForm(forms.COUNTY, _facility, TOLD, anchor=Within(forms.COUNTY_WORDS, capital=True)),
        PlaceForm(forms.COMPANY, _certain, TOLD, anchor=Within(forms.COMPANY_WORDS, capital=True)),
        PlaceForm(forms.LIVES, _told, TOLD),
        PlaceForm(forms.WORKS, _employer, TOLD),
        PlaceForm(forms.WORKS_IN, _told, TOLD),
        PlaceForm(forms.IS_WITH, _company, TOLD),
        PlaceForm(forms.WORKS_AT, _employer, TOLD, anchor=Within(frozenset({"at"}), back=1)),
        PlaceForm(forms.ADDRESSED, _told, TOLD),
        PlaceForm(forms.SEEN_IN, _told, TOLD),
        PlaceForm(forms.AT_IN, _place_in_town, TOLD),
    )


def _whole(_: _Judge, match: re.Match[str]) -> Sequence[Found]:
    return (match.span(),)


def _certain(_: _Judge, match: re.Match[str]) -> Sequence[Found]:
    return (match.span("id"),)


def _street(judge: _Judge, match: re.Match[str]) -> Sequence[Found]:
    """With the town behind it: "12 Alder Road, Westbrook"."""
    town = judge.town(match.start("town"), match["town"]) if match["town"] else None
    return match.span("id"), town


def _told(judge: _Judge, match: re.Match[str]) -> Sequence[Found]:
    return (judge.town(match.start("id"), match["id"]),)


def _employer(judge: _Judge, match: re.Match[str]) -> Sequence[Found]:
    return _company(judge, match) or _told(judge, match)


def _company(_: _Judge, match: re.Match[str]) -> Sequence[Found]:
    """Up to the last word with which employers' names end; the first word is none of them."""
    words = [(m.end(), _bare(m[0])) for m in _WORD.finditer(match["id"])]
    ends = [end for end, word in words[1:] if word in word_list("businesses")]
    start = match.start("id")
    return ((start, start + len(match["id"][: ends[-1]].rstrip(".,;"))),) if ends else ()


def _town_and_zip(judge: _Judge, match: re.Match[str]) -> Sequence[Found]:
    if not judge.is_state(match["state"]):
        return (match.span("zip"),)
    town = judge.town(match.start("id"), match["id"])
    if town is None:  # an everyday word is a town there: "Normal, IL 61761"
        start = match.start("id") + match["id"].rfind(" ") + 1
        town = start, match.end("id")
    return match.span("zip"), town


def _place_in_town(judge: _Judge, match: re.Match[str]) -> Sequence[Found]:
    town = judge.town(match.start("town"), match["town"])
    place = judge.town(match.start("id"), match["id"])
    return () if town is None or place is None else (place, town)


def _town_before_state(judge: _Judge, match: re.Match[str]) -> Sequence[Found]:
    return _told(judge, match) if judge.before_state(match["id"], match["state"]) else ()


def _suffixed(judge: _Judge, match: re.Match[str]) -> Sequence[Found]:
    return _certain(judge, match) if judge.ends_as_towns_do(match["id"].split()[-1].lower()) else ()


def _prefixed(judge: _Judge, match: re.Match[str]) -> Sequence[Found]:
    word = _bare(match["id"].split()[-1])
    return _certain(judge, match) if judge.clear(word) and word in last_names() else ()


def _facility(judge: _Judge, match: re.Match[str]) -> Sequence[Found]:
    return (judge.facility(match),)


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
    word = word.lower().strip(".,;")
    return word if word.isalpha() else _POSSESSIVE.sub("", word)


@cache
def _listed_towns() -> re.Pattern[str]:
    names = sorted((place.title() for place in phrase_list("places")), key=len, reverse=True)
    return re.compile(
        rf"(?<![\w/-])(?=[A-Z])(?:{'|'.join(map(re.escape, names))})(?!\w)(?!-|{APOSTROPHE}s [a-z])"
        rf"{forms.NO_TERM}"
    )

"""Identifiers that stand in real notes and stay as they are: dates, ages, telephone numbers, places.

A month without its year and a holiday are dates; a lone weekday is none, nor is a year. A state or country
is no place that identifies.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Final

from clinsynth.corpus.note import Span
from clinsynth.inject.formats import STATES
from clinsynth.inject.vocabulary import american_towns, word_list

_MONTHS: Final = (
    r"(?:January|February|March|April|June|July|August|September|October|November|December"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)"
)
_DAY: Final = r"(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_NTH: Final = r"(?:[1-9]|[12]\d|3[01])(?:st|nd|rd|th)"
_YEAR: Final = r"(?:19|20)\d\d"
_HOLIDAYS: Final = r"Christmas|Thanksgiving|Easter|Halloween|Labor Day|Memorial Day|New Year's"

_DATES: Final = re.compile(
    rf"""
    (?<![\d/.-])(?:0?[1-9]|1[0-2])(?P<sep>[/-])(?:0?[1-9]|[12]\d|3[01])(?P=sep)(?:{_YEAR}|\d\d)(?![\d/])
    | (?<![\d/-])(?:0?[1-9]|1[0-2])/{_YEAR}(?![\d/])
    | (?<![\d/-])(?:0[1-9]|[1-9]|1[0-2])/(?:0[0-9]|[89]\d)(?![\d/%-])
    | (?<=\b[Oo]n\s)(?:0?[1-9]|1[0-2])/(?:[12]\d|3[01]|0?[1-9])(?![\d/%-])(?!\s(?:of|strength|scale))
    | \b(?:{_MONTHS}|May)\b\.?\s{_DAY}(?!\d)(?:(?:,\s?|\s){_YEAR})?
    | \b{_DAY}\s(?:of\s)?(?:{_MONTHS}|May)\b(?:,?\s{_YEAR})?
    | \b(?:{_MONTHS}|May)\b,?(?:\sof)?\s{_YEAR}
    | (?:(?<=\b[Ii]n\s)|(?<=\b[Oo]f\s)|(?<=\bsince\s)|(?<=\blast\s))May\b
    | \b(?:January|February|March|April|June|July|August|September|October|November|December)\b
    | \b(?:{_HOLIDAYS})\b
    | (?<=day,\sthe\s){_DAY}(?=[\s.,;])
    | (?:(?<=\bon\sthe\s)|(?<=\bwas\sthe\s)|(?<=\buntil\sthe\s)){_NTH}(?=[.,;]|\sof\sthe\smonth)
    """,
    re.VERBOSE,
)
_AGES: Final = re.compile(
    r"(?<![\d.])(?:9\d|1[01]\d)(?=(?:\s|-)(?:years?|yrs?|y/?o|y\.o)\b)|(?<=\b[Aa]ge\s)(?:9\d|1[01]\d)\b"
    r"|\b[Nn]inety-(?:one|two|three|four|five|six|seven|eight|nine)(?=[\s-]year)"
)
_PHONES: Final = re.compile(r"(?<![\d-])(?:\(\d{3}\)\s?|\d{3}[-.])?\d{3}[-.]\d{4}(?![\d-])")
_STATES: Final = "|".join(sorted({word for state in STATES for word in state}, key=len, reverse=True))
_TOWNS: Final = re.compile(rf"\b((?:[A-Z][a-z]+\s){{0,2}}[A-Z][a-z]+),\s(?:{_STATES})\b")
_AFTER_PREPOSITION: Final = re.compile(
    r"\b(?:in|from|to|near|outside|around)\s((?:[A-Z][a-z]+\s){0,2}[A-Z][a-z]+)\b(?!['’-]|\s?[A-Z])"  # noqa: RUF001
)
_HOUSES: Final = (
    r"(?:Hospital|Medical Center|Health Center|Clinic|Nursing Home|Surgery Center|Care Center|Rehab Center"
    r"|Institute|University|High School|Elementary School|Middle School|Hospice)"
)
_FACILITIES: Final = re.compile(
    rf"\b(?:St\.?\s|Mt\.?\s)?(?:[A-Z][\w'’&-]*\s){{1,4}}?{_HOUSES}(?:\s{_HOUSES})?\b"  # noqa: RUF001
    r"|\bUniversity\sof\s[A-Z][a-z]+(?:\s[A-Z][a-z]+)?\b|\b[A-Z][a-z]+\sCollege(?:\sof\sMedicine)?\b"
)
_ABBREVIATED: Final = re.compile(r"\bUIHC\b")  # University of Iowa Hospitals and Clinics: spelt out nowhere


def marks(text: str) -> Iterator[Span]:
    """Identifiers of a text, in the order of precedence; they may overlap."""
    for pattern, label in (
        (_DATES, "DATE"),
        (_AGES, "AGE"),
        (_PHONES, "PHONE"),
        (_ABBREVIATED, "LOCATION"),
    ):
        yield from (Span(*match.span(), label) for match in pattern.finditer(text))
    for match in _FACILITIES.finditer(text):
        if _has_a_name(match.group()):
            article = len("The ") if match.group().startswith("The ") else 0
            yield Span(match.start() + article, match.end(), "LOCATION")
    yield from (Span(*match.span(1), "LOCATION") for match in _TOWNS.finditer(text))
    for match in _AFTER_PREPOSITION.finditer(text):
        if (town := _known_town(match.group(1))) is not None:
            yield Span(match.start(1), match.start(1) + len(town), "LOCATION")


@functools.cache
def _towns() -> frozenset[str]:
    states = {state for state, _ in STATES}
    return frozenset(town for town in american_towns() if len(town) > 3 and town not in states)


def _known_town(words: str) -> str | None:
    """The longest start of some capitalised words that is an American town."""
    parts = words.split(" ")
    starts = (" ".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((start for start in starts if start in _towns()), None)


def _has_a_name(facility: str) -> bool:
    """Whether it is called something ("Tacoma General Hospital") or is any ("Pain Management Clinic")."""
    generic = word_list("generic.txt")
    words = [word.strip(".,'’") for word in facility.split()]  # noqa: RUF001
    own = [
        word
        for word in words
        if word.lower() not in generic and word.lower().removesuffix("'s") not in generic
    ]
    # Words in capitals are headings or abbreviations of departments, unless all is in capitals.
    own = [word for word in own if facility.isupper() or not word.isupper() or len(word) < 4]
    return bool(own) and own not in (["St"], ["Mt"])

"""Dates as people write them: read, and written again for another day in the same form.

Read are numbers (3/4/2019, 2019-03-04, 4.3.19, 20190304, 3/2019, 3/4), months by name or abbreviation with
a day in figures or words and with or without a year (March 4th, 2019; 04-Mar-19; fourth of March; March
2019; March), each with a day of the week before or behind and a time of day behind. Not read, because no
day or month is meant: seasons, holidays, placeholders, a year alone.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ORDINALS: Final = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth",
    "eighteenth", "nineteenth", "twentieth",
    "twenty-first", "twenty-second", "twenty-third", "twenty-fourth", "twenty-fifth", "twenty-sixth",
    "twenty-seventh", "twenty-eighth", "twenty-ninth",
    "thirtieth", "thirty-first",
)  # fmt: skip
_PARTS: Final = (
    "year", "month", "day", "word", "ordinal", "day2", "ordinal2", "weekday", "weekday2",
)  # fmt: skip
_LONG: Final = 4  # figures of a year that is written out
_MID_MONTH: Final = 15  # the day that a month without a day stands for
_LEAP_YEAR: Final = 2000
_PIVOT: Final = 50  # '49 is 2049, '50 is 1950: only the leap days count

_WEEKDAY: Final = (
    r"mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|"
    r"sat(?:urday)?|sun(?:day)?"
)
_MONTH: Final = (
    r"(?P<month>january|jan|february|febr?|march|mar|april|apr|may|june?|july?|august|aug|"
    r"september|sept?|october|oct|november|nov|december|dec)\.?"
)
_DAY: Final = r"(?P<day>\d{1,2})(?P<ordinal>st|nd|rd|th)?"
_WORD: Final = rf"(?P<word>{'|'.join(sorted(_ORDINALS, key=len, reverse=True)).replace('-', '[- ]')})"
_YEAR: Final = r"(?P<year>\d{4}|\d{2})"
_LONG_YEAR: Final = r"(?P<year>\d{4}|(?<=['\u2019])\d{2})"
_COMMA: Final = r"(?:\s?[-./,]\s?|\s)?['\u2019]?"
_CLOCK: Final = (
    r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:\s?[ap]\.?m\.?)?Z?|\d{1,2}\s?[ap]\.?m\.?|"
    r"(?!(?:1[89]|20)\d{2}(?!\d))\d{4}(?:\s?h(?:ou)?rs)?"  # 1015, but 2019 may be a year
)
_TIME: Final = (
    rf"(?:(?:,?\s{{1,2}}(?:at\s)?|,)(?:{_CLOCK})|T\d{{2}}:?\d{{2}}(?::?\d{{2}}(?:\.\d{{1,6}})?)?Z?)?"
)
_BEFORE: Final = rf"(?:(?P<weekday>{_WEEKDAY})\.?,?\s{{1,2}})?(?:the\s)?"
_BEHIND: Final = rf"(?:,?\s?\(?(?P<weekday2>{_WEEKDAY})\)?)?{_TIME}"
_FORMS: Final = tuple(
    re.compile(_BEFORE + form + _BEHIND, re.I)
    for form in (
        rf"(?P<a>\d{{1,2}})(?P<s>\s?[-./]\s?)(?P<b>\d{{1,2}})(?P=s)['\u2019]?{_YEAR}",
        r"(?P<year>\d{4})(?P<s>[-./])(?P<month>\d{1,2})(?P=s)(?P<day>\d{1,2})",
        r"(?P<year>(?:18|19|20)\d{2})(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])(?:\d{4,6}Z?)?",
        r"(?P<month>\d{2})(?P<day>\d{2})(?P<year>\d{4}|\d{2})",
        rf"{_DAY}(?:\sday)?(?:\sof)?(?:\s?[-./]\s?|\s)?{_MONTH}(?:{_COMMA}(?:of\s)?{_YEAR})?",
        rf"{_WORD}(?:\sday)?(?:\sof)?\s{_MONTH}(?:,?\s(?:of\s)?{_YEAR})?",
        rf"{_MONTH}(?:\s?[- ]?(?:the\s)?){_DAY}(?:\s?(?:-|\u2013|to|and|through|&|/)\s?(?P<day2>\d{{1,2}})"
        rf"(?P<ordinal2>st|nd|rd|th)?)?(?:(?:,\s?|\s|-|/)(?:of\s)?['\u2019]?{_YEAR})?",
        rf"{_MONTH}\s(?:the\s)?{_WORD}(?:,?\s(?:of\s)?{_YEAR})?",
        rf"{_MONTH}(?:,?\s?|\s?[-/]\s?|\sof\s)['\u2019]?{_LONG_YEAR}",
        _MONTH,
        r"(?P<month>\d{1,2})\s?[-/]\s?(?P<year>(?:18|19|20)\d{2})",
        r"(?P<a>\d{1,2})\s?[-./]\s?(?P<b>\d{1,2})",
    )
)


@dataclass(frozen=True, slots=True, repr=False)
class WrittenDate:
    """A date that was read.

    Args:
        match: of its form.
        places: part of a date (``year``, ``month``, ``day``) -> group of the form that holds it.
        year, day: None where none is written.
        last_day: of a stretch of days within a month (``March 3-5``).
    """

    match: re.Match[str]
    places: Mapping[str, str]
    year: int | None
    month: int
    day: int | None
    last_day: int | None = None

    def on(self, year: int) -> datetime.date | None:
        """The day in that year, the 15th where none is written; None where the year has no such day."""
        try:
            return datetime.date(year, self.month, self.day or _MID_MONTH)
        except ValueError:
            return None

    def again(self, first: datetime.date, last: datetime.date, days: int) -> str:
        """``first`` (to ``last``) in the form of this one; days of the week go on by so many ``days``."""
        present = self.match.groupdict()
        edits = sorted(
            (*self.match.span(group), self._part(part, present[group], first, last, days))
            for part in _PARTS
            if present.get(group := self.places.get(part, part)) is not None
        )
        return _edited(self.match.string, edits)

    def _part(self, part: str, old: str, first: datetime.date, last: datetime.date, days: int) -> str:
        if part in ("weekday", "weekday2"):
            return next_weekday(old, days)
        if part == "year":
            return f"{first.year:04}" if len(old) == _LONG else f"{first.year % 100:02}"
        if part == "month":
            return self._number(old, first.month) if old.isdigit() else self._name(old, first)
        if part == "day":
            return self._number(old, first.day)
        if part == "word":
            return _cased(_ORDINALS[first.day - 1], old)
        if part == "day2":  # March 30-April 2
            return ("" if first.month == last.month else f"{MONTHS[last.month - 1]} ") + str(last.day)
        return _cased(_suffix((last if part == "ordinal2" else first).day), old)

    def _number(self, old: str, number: int) -> str:
        return f"{number:02}" if self._padded(old) else str(number)

    def _padded(self, old: str) -> bool:
        """Is one figure written as two? Told by a nought, or by two figures everywhere."""
        present = self.match.groupdict()
        written = [present.get(self.places[part]) or "" for part in ("month", "day")]
        numbers = [number for number in written if number.isdigit()]
        if any(number.startswith("0") for number in numbers) or len(numbers) > 1:
            return all(len(number) > 1 for number in numbers)
        return len(old) > 1 and "-" in self.match[0] and "month" in present

    def _name(self, old: str, day: datetime.date) -> str:
        name = MONTHS[day.month - 1]
        may_be_short = " " not in self.match[0] and len(self.match[0]) > len(old)  # 04-May-19
        short = old.lower() not in map(str.lower, MONTHS) or (old.lower() == "may" and may_be_short)
        return _cased(name[:3] if short else name, old)


def read_date(written: str, *, day_first: bool = False) -> WrittenDate | None:
    """The date that ``written`` is, wholly; None where it is none that is known here.

    Args:
        day_first: 3/4/2019 is a day of April. 25/4/2019 is one in any case.
    """
    for form in _FORMS:
        if (match := form.fullmatch(written)) and (date := _date(match, day_first)):
            return date
    return None


def is_day_first(written: str) -> bool | None:
    """Does the date tell that days stand before months (25/4/2019)? None where it does not tell."""
    match = _FORMS[0].fullmatch(written)
    if match is None or max(int(match["a"]), int(match["b"])) <= len(MONTHS):
        return None
    return int(match["a"]) > len(MONTHS)


def next_weekday(written: str, days: int) -> str:
    """The day of the week so many days later, in the same form."""
    old = next(i for i, name in enumerate(WEEKDAYS) if name[:3].lower() == written[:3].lower())
    name = WEEKDAYS[(old + days) % len(WEEKDAYS)]
    return _cased(name if written.lower().endswith("day") else name[:3], written)


def _date(match: re.Match[str], day_first: bool) -> WrittenDate | None:
    parts = match.groupdict()
    places = {"year": "year", "month": "month", "day": "day"}
    if parts.get("a"):
        first_is_day = int(parts["a"]) > len(MONTHS) or (day_first and int(parts["b"]) <= len(MONTHS))
        places["day"], places["month"] = ("a", "b") if first_is_day else ("b", "a")
    month, day = parts.get(places["month"]), parts.get(places["day"])
    word, last = parts.get("word"), parts.get("day2")
    if word:
        day = str(_ORDINALS.index(word.lower().replace(" ", "-")) + 1)
    assert month is not None
    date = WrittenDate(
        match=match,
        places=places,
        year=_year(parts.get("year")),
        month=int(month) if month.isdigit() else _month(month),
        day=int(day) if day else None,
        last_day=int(last) if last else None,
    )
    if not 1 <= date.month <= len(MONTHS) or date.on(date.year or _LEAP_YEAR) is None or date.day == 0:
        return None
    return None if last and int(last) <= (date.day or 0) else date


def _year(written: str | None) -> int | None:
    if not written:
        return None
    year = int(written)
    return year if len(written) == _LONG else year + (2000 if year < _PIVOT else 1900)


def _month(name: str) -> int:
    return next(i for i, month in enumerate(MONTHS, 1) if month[:3].lower() == name[:3].lower())


def _suffix(day: int) -> str:
    return "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _cased(word: str, like: str) -> str:
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word.lower() if like.islower() else word


def _edited(text: str, edits: list[tuple[int, int, str]]) -> str:
    parts, done = [], 0
    for start, end, value in edits:
        parts += [text[done:start], value]
        done = end
    return "".join([*parts, text[done:]])

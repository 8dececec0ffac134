"""Dates of a note, moved: every date of a patient by the same number of days.

So stays, intervals and the order of events are kept to the day, and a date tells nothing of the calendar.
The days are 35 to 161, forward or back: less could leave a month without a day where it was (March 2019),
and so could, when surrogates are replaced once more, a year. A date without a year moves as the day of that
name that is nearest to the nearest full date of the note; in a note without one, as if in 2001, which has
no leap day, nor have the days around it.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from clinsynth.corpus import Span
from clinsynth.deid.normal import normal
from clinsynth.deid.surrogates.date_forms import (
    WEEKDAYS,
    WrittenDate,
    is_day_first,
    next_weekday,
    read_date,
)
from clinsynth.deid.surrogates.keyed import Keyed

LEAST_DAYS, MOST_DAYS = 35, 161
_YEAR_WITHOUT_DATES: Final = 2001
_BIRTH: Final = re.compile(r"\b(?:d\.?o\.?b\.?|birth|born)\b[^.\n]{0,12}$", re.I)
_LOOK: Final = 32  # characters before and behind a date that are looked at
_BETWEEN: Final = re.compile(r"\s{0,2}(?:[-\u2013\u2014]|\b(?:to|through|thru|and|until)\b)\s{0,2}", re.I)
_NAMES: Final = "|".join(form for name in WEEKDAYS for form in (name, name.lower(), name.upper()))
_NAME: Final = (
    rf"(?P<weekday>{_NAMES}|Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sun)"  # Sat is oxygen's saturation, too
)
_WEEKDAY_BEFORE: Final = re.compile(rf"(?<!\w){_NAME}\.?,?\s{{1,2}}(?:the\s)?\(?$")
_WEEKDAY_BEHIND: Final = re.compile(rf",?\s{{0,2}}\(?{_NAME}(?!\w)")


def shift_days(keyed: Keyed) -> int:
    """By how many days the dates of this patient move; never nought."""
    width = MOST_DAYS - LEAST_DAYS + 1
    drawn = keyed.number("shift", "", 2 * width)
    return LEAST_DAYS + drawn if drawn < width else width - drawn - LEAST_DAYS


@dataclass(frozen=True, slots=True, repr=False)
class Calendar:
    """What the dates of a note tell about each other.

    Args:
        full: place in the text and day of each date that has a year; births are left out.
        day_first: days stand before months.
        days: by how many all dates move.
    """

    full: Sequence[tuple[int, datetime.date]]
    day_first: bool
    days: int

    @classmethod
    def of(cls, text: str, spans: Sequence[Span], days: int) -> Calendar:
        """The calendar of a note with the dates at ``spans``."""
        told = [is_day_first(_plain(text, span)) for span in spans]
        day_first = True in told and False not in told
        return cls(tuple(_full(text, spans, day_first)), day_first, days)

    def moved(self, written: str, place: int) -> str | None:
        """The date, or two dates and what stands between them, moved; None where none is read.

        Args:
            place: of the date in the text.
        """
        date = read_date(written, day_first=self.day_first)
        if date is not None:
            return self._moved(date, date.year or self._year(date, place))
        for between in _BETWEEN.finditer(written):
            dates = (written[: between.start()], written[between.end() :])
            first, last = (read_date(date, day_first=self.day_first) for date in dates)
            if first is not None and last is not None:
                # 3/4 - 3/6/2019: the year is that of the last, and the first lies before it.
                end = last.on(year := last.year or self._year(last, place))
                start_year = first.year or _not_after(first, end)
                start, stop = self._moved(first, start_year), self._moved(last, year)
                return None if start is None or stop is None else f"{start}{between[0]}{stop}"
        return None

    def weekday_before(self, text: str, start: int) -> tuple[int, int, str] | None:
        """Place of the day of the week before the date at ``start``, and the one that belongs there now."""
        floor = max(0, start - _LOOK)
        match = _WEEKDAY_BEFORE.search(text[floor:start])
        return self._weekday(match, floor)

    def weekday_behind(self, text: str, end: int) -> tuple[int, int, str] | None:
        """The same behind the date that ends at ``end``."""
        return self._weekday(_WEEKDAY_BEHIND.match(text[end : end + _LOOK]), end)

    def _weekday(self, match: re.Match[str] | None, offset: int) -> tuple[int, int, str] | None:
        if match is None:
            return None
        start, end = match.span("weekday")
        return offset + start, offset + end, next_weekday(match["weekday"], self.days)

    def _moved(self, date: WrittenDate, year: int) -> str | None:
        first = date.on(year)
        if first is None:
            return None
        try:
            last = first if date.last_day is None else first.replace(day=date.last_day)
            step = datetime.timedelta(days=self.days)
            return date.again(first + step, last + step, self.days)
        except (ValueError, OverflowError):
            return None

    def _year(self, date: WrittenDate, place: int) -> int:
        if not self.full:
            return _leap_if_needed(date, _YEAR_WITHOUT_DATES)
        _, near = min(self.full, key=lambda other: abs(other[0] - place))
        years = range(near.year - 4, near.year + 5)  # one of them has 29 February
        return min((abs(day - near), year) for year in years if (day := date.on(year)) is not None)[1]


def _full(text: str, spans: Sequence[Span], day_first: bool) -> Iterator[tuple[int, datetime.date]]:
    for span in spans:
        date = read_date(_plain(text, span), day_first=day_first)
        if (
            date is None
            or date.year is None
            or _BIRTH.search(text[max(0, span.start - _LOOK) : span.start])
        ):
            continue
        day = date.on(date.year)
        assert day is not None
        yield span.start, day


def _plain(text: str, span: Span) -> str:
    return normal(text[span.start : span.end]).text


def _not_after(date: WrittenDate, end: datetime.date | None) -> int:
    assert end is not None
    day = date.on(end.year)
    return end.year - 1 if day is not None and day > end else _leap_if_needed(date, end.year)


def _leap_if_needed(date: WrittenDate, year: int) -> int:
    """``year``, or the last before it that has this day: only some have 29 February."""
    while date.on(year) is None:
        year -= 1
    return year

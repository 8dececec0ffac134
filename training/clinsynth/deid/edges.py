"""Findings made whole: out to the edges of the number, the weekday, the word that they are part of.

A rule or a model may see less than stands there: ``784-12`` of ``784-12/G``, ``March 4`` behind
``Sunday,``. What is left of an identifier can give it away.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from clinsynth.corpus import Span
from clinsynth.deid.recognizers.place_forms import STATE_CODE

_NUMBERS: Final = frozenset(
    {
        "PHONE", "FAX", "SSN", "MRN", "HEALTH_PLAN", "ACCOUNT", "LICENSE", "VEHICLE", "DEVICE", "IP",
        "OTHER_ID",
    }
)  # fmt: skip
_MOST: Final = 40  # characters that a finding grows to a side
_LEFT: Final = re.compile(r"(?:[^\W_]|[-/.:*#_](?=[-/.:*#_]{0,2}[^\W_]))+\Z")
_RIGHT: Final = re.compile(r"(?:[^\W_]|[-/.:*#_]{1,2}(?=[^\W_]))+")
_BEFORE: Final = {
    "DATE": re.compile(
        r"(?<!\w)(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?[.,]{0,2}\s{1,2}\Z", re.I
    ),
    "LICENSE": re.compile(rf"(?<!\w)(?:{STATE_CODE}|MD|RN|PA|NP|DO)[ \n-]\Z"),
    "VEHICLE": re.compile(r"(?<!\w)(?!VIN|TAG|WAS|IS|NO|ID|PL)[A-Z]{1,3}[ -]\Z"),
}
_MORE_TOWN: Final = re.compile(
    r"[ \n](?:City|Park|Valley|Heights|Hills?|Springs?|Beach|Falls|Grove|Lakes?|Creek|Island|Rapids|Ridge|"
    r"Village|Harbor|Junction|Point|Bay|Shores|Gardens|Forest|Oaks|Mills|Township|State(?!\s+of)|County|Parish|Woods|Fields?|"
    r"Bluffs?)(?![\w-])"
)
# An initial before a name, where no sentence ends: at the start of a line, behind a mark, behind "by".
_INITIAL_LEFT: Final = re.compile(
    r"(?:(?:^|(?<=[:,(|/>;][ \t\n])|(?<=[:(|/>;])|(?<=[DM][rs]\.[ ])|(?<=\bby[ ])|(?<=\bwith[ ])"
    r"|(?<=\band[ ])|(?<=\bfrom[ ]))[A-Z]\.[ \n]{1,2})+\Z"
    # Two of them end no sentence.
    r"|(?<![\w.])(?:[A-Z]\.[ ]?){2,3}\Z|(?<![\w.])[A-Z]\.\Z|(?<=\bby[ ])[A-Z]{1,2}[ ]\Z"
    # "DR: AB STEEL": two of them behind who treats.
    r"|(?:(?<=\bDR:[ ])|(?<=\bMD:[ ])|(?<=\bDr\.[ ])|(?<=\bDr:[ ]))[A-Z]{1,2}[ ]\Z"
)
_INITIAL_RIGHT: Final = re.compile(r",?[ ][A-Z]\.?(?=[ \t]*(?:[/|,;:\n)]|[ \t]{2}|$))")
# "Steel III's family"; behind a name "IV" is a vein, unless a mark or the line's end follows.
_SUFFIX_RIGHT: Final = re.compile(
    r"(?:,[ ]?|[ \n])(?:(?:jr|sr)\b\.?|(?:iii?|iv(?=['\u2019]s|[ \t]*(?:[,.;:)\n]|$)))\b)", re.I
)
_NICKNAME_RIGHT: Final = re.compile(r"[ ]\((?P<nick>[^\W\d_]{2,14})\)")
_DATE_LEFT: Final = re.compile(r"(?<![\d/.-])(?:\d{1,4}[-/.]){1,2}\Z")
_DATE_RIGHT: Final = re.compile(r"(?:[-/.]\d{1,4}){1,2}(?![\d/-])")
_WINDOW: Final = 16  # characters before a finding in which they are looked for


def to_edges(text: str, spans: Sequence[Span]) -> list[Span]:
    """The spans, sorted and apart, each grown over the rest of what it is part of, never into another."""
    grown: list[Span] = []
    for i, span in enumerate(spans):
        low = grown[-1].end if grown else 0
        high = spans[i + 1].start if i + 1 < len(spans) else len(text)
        start, end = span.start, span.end
        if span.label in _NUMBERS:
            start, end = _whole(text, start, end, low, high)
        elif span.label == "DATE":
            start, end = _whole_date(text, start, end, low, high)
        elif span.label == "LOCATION":
            match = _MORE_TOWN.match(text, end, high)
            end = end if match is None else match.end()
        elif span.label == "NAME":
            start, end = _whole_name(text, start, end, low, high)
        before = _BEFORE.get(span.label)
        if before is not None:
            at = max(low, start - _WINDOW)
            match = before.search(text[at:start])
            start = start if match is None else at + match.start()
        grown.append(span if (start, end) == (span.start, span.end) else Span(start, end, span.label))
    return grown


def _whole_name(text: str, start: int, end: int, low: int, high: int) -> tuple[int, int]:
    """With what is at its sides: ``D. Ada Okafor``, ``OKAFOR, Ada C.``, ``Okafor III``."""
    line = max(low, text.rfind("\n", 0, start) + 1, start - _WINDOW)
    left = _INITIAL_LEFT.search(text[line:start])
    suffix = _SUFFIX_RIGHT.match(text, end, high)
    if suffix is not None:
        end = suffix.end()
    right = _INITIAL_RIGHT.match(text, end, high)
    if right is None and (nick := _NICKNAME_RIGHT.match(text, end, high)) is not None:
        words = text[start:end].split()
        right = nick if words[-1].lower().startswith(nick["nick"].lower()) else None
    return start if left is None else line + left.start(), end if right is None else right.end()


def _whole_date(text: str, start: int, end: int, low: int, high: int) -> tuple[int, int]:
    """``11/95`` of which the model saw ``11``."""
    if text[start].isdigit():
        match = _DATE_LEFT.search(text[max(low, start - _WINDOW) : start])
        start -= 0 if match is None else len(match[0])
    if text[end - 1].isdigit():
        match = _DATE_RIGHT.match(text, end, high)
        end = end if match is None else match.end()
    return start, end


def _whole(text: str, start: int, end: int, low: int, high: int) -> tuple[int, int]:
    """Start and end of the run without blanks around a number."""
    if start > low and not text[start - 1].isspace():
        at = max(low, start - _MOST)
        match = _LEFT.search(text[at:start] + text[start])
        if match is not None:
            start = at + match.start()
            while text[start] in "-/.:#_":
                start += 1
    if end < high and not text[end].isspace():
        match = _RIGHT.match(text, end, min(high, end + _MOST))
        end = end if match is None else match.end()
    return start, end

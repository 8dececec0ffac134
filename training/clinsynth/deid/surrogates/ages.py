"""Ages as bands: ``97-year-old`` becomes ``90+-year-old``, ``in her nineties`` ``in her 90s or older``.

Safe Harbor lets ages over 89 stand only as one band. The band is no identifier and stays as it is.
"""

from __future__ import annotations

import re
from typing import Final

from clinsynth.corpus import age_band

_ONES: Final = r"one|two|three|four|five|six|seven|eight|nine|ten"
_FORMS: Final = (
    (re.compile(r"\b(?:0-9|[1-8]0-[1-8]9)(?!\d)"), None),
    (re.compile(r"90 ?\+|90 (?:or|and) (?:older|over|above)|90s or older"), None),
    (re.compile(r"\bnineties\b|\bhundreds\b|\b90['\u2019]?s\b"), "90s or older"),
    (re.compile(rf"\bninety(?:[-\s](?:{_ONES}))?\b"), "90+"),
    (re.compile(rf"\b(?:a|one)[-\s]hundred(?:[-\s](?:and[-\s])?(?:{_ONES}))?\b"), "90+"),
)
"""Ways to write an age, and the band for each; None where it is the band already."""
_NUMBER: Final = re.compile(r"(?<!\d)\d{1,3}(?!\d)")
_OLDEST: Final = 129
_ABOUT: Final = """
    year years yr yrs y yo o old of age aged young at the in his her their early mid late is was month
    months week weeks day days m f male female man woman yof yom gentleman lady patient
    """
_WORDS: Final = frozenset(_ABOUT.split())
"""What may stand about the number."""


def banded(written: str) -> str | None:
    """The age as a band, with the words about it; None where it is not one age and nothing else."""
    plain = written.lower()
    for pattern, band in _FORMS:
        if match := pattern.search(plain):
            return _with_words(written, match, match[0] if band is None else band)
    match = _NUMBER.search(plain)
    if match is None or int(match[0]) > _OLDEST:
        return None
    return _with_words(written, match, age_band(int(match[0])))


def _with_words(written: str, match: re.Match[str], band: str) -> str | None:
    before, after = written[: match.start()], written[match.end() :]
    words = re.findall(r"\w+", f"{before} {after}".lower())
    return f"{before}{band}{after}" if _WORDS.issuperset(words) else None

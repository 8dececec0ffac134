"""Where something can be put into a note without looking out of place."""

from __future__ import annotations

import re
from typing import Final

SENTENCE_CHARACTERS: Final = 40  # a sentence before a gap has at least so many: lists and labels have fewer

_GAP: Final = re.compile(r"(?<=[a-z0-9)][.!?])[ ]{1,2}(?=[A-Z][a-z]+ )")
_LINE_END: Final = re.compile(r"(?<=[a-z0-9)]\.)[ ]*\n")
_PROSE: Final = re.compile(r"\b(?:patient|he|she|was|were|has|had|is|we|I)\b", re.IGNORECASE)
_NO_END: Final = re.compile(
    r"(?:\b(?:Drs?|Mrs?|Ms|vs|St|No|Nos|approx|Jr|Sr|e\.g|i\.e|Inc|Ave|dept)|\b[A-Za-z0-9])\.$"
)
_SOCIAL: Final = re.compile(
    r"^[ \t]*(?:PERSONAL AND )?SOCIAL(?: HISTORY|/FAMILY HISTORY|HX)\b", re.MULTILINE | re.IGNORECASE
)


def gaps(text: str) -> list[tuple[int, int]]:
    """Blanks between two sentences of running text, and line breaks after one, in order."""
    found = [match.span() for pattern in (_GAP, _LINE_END) for match in pattern.finditer(text)]
    return sorted(gap for gap in found if _after_prose(text, gap[0]))


def social_gaps(text: str) -> list[tuple[int, int]]:
    """Those of the social history, if the note has one."""
    found = []
    for heading in _SOCIAL.finditer(text):
        end = _section_end(text, heading.end())
        near = [match.span() for p in (_GAP, _LINE_END) for match in p.finditer(text, heading.end(), end)]
        found += [gap for gap in near if not _NO_END.search(text[heading.end() : gap[0]])]
    return sorted(set(found))


def occurrences(text: str, words: str) -> list[tuple[int, int]]:
    """Where words stand, whole words only."""
    return [match.span() for match in re.finditer(rf"(?<![\w-]){re.escape(words)}(?![\w-])", text)]


def _after_prose(text: str, place: int) -> bool:
    line = text[text.rfind("\n", 0, place) + 1 : place]
    sentence = re.split(r"[.!?:] +", line)[-1]
    return (
        len(sentence) >= SENTENCE_CHARACTERS
        and not _NO_END.search(line)
        and _PROSE.search(sentence) is not None
    )


def _section_end(text: str, start: int) -> int:
    """Where the next heading begins: a line that opens with capitals and a colon, or of capitals alone."""
    following = re.compile(r"\n(?=[A-Z][A-Z /&]{4,}(?::|\n))").search(text, start + 2)
    return following.end() if following else len(text)

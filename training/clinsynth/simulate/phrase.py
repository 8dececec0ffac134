"""Phrases: stretches of text that know which of them are entities or identifiers.

A template is text with slots and inline markup: ``{who} denies {P:chest pain} and had a {T:chest x-ray}``.
``P``, ``T`` and ``R`` mark a problem, a test and a treatment (Rx); any other name in braces is a slot,
filled with a string or a phrase. Literal text of a template may be abbreviated the way hurried clinicians
do.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Final

Piece = tuple[str, str]
"""Text and its label; the label is empty for plain text."""

Phrase = tuple[Piece, ...]

PROBLEM: Final = "PROBLEM"
TEST: Final = "TEST"
TREATMENT: Final = "TREATMENT"
_MARKS: Final = {"P": PROBLEM, "T": TEST, "R": TREATMENT}
_SLOT: Final = re.compile(r"\{(?:([PTR]):([^{}]*)|(\w+))\}")

_SHORTHAND: Final = tuple(
    (re.compile(rf"\b{long}\b"), short)
    for long, short in (
        ("year-old", "yo"),
        ("complains of", "c/o"),
        ("complaining of", "c/o"),
        ("presents with", "p/w"),
        ("presenting with", "p/w"),
        ("history of", "h/o"),
        ("status post", "s/p"),
        ("without", "w/o"),
        ("with", "w/"),
        ("within normal limits", "WNL"),
        ("follow up", "f/u"),
        ("follow-up", "f/u"),
        ("[Tt]he patient", "pt"),
        ("patient", "pt"),
        ("discharge", "d/c"),
        ("secondary to", "2/2"),
        ("due to", "2/2"),
        ("evaluation", "eval"),
        ("continue", "cont"),
        ("emergency department", "ED"),
        ("intensive care unit", "ICU"),
        ("primary care", "PCP"),
        ("negative for", "neg for"),
        ("positive for", "+"),
        ("outpatient", "outpt"),
        ("hospital day", "HD"),
        ("postoperative", "post-op"),
        ("approximately", "~"),
        ("shows", "w/"),
        ("and", "&"),
    )
)


@functools.lru_cache(maxsize=16_384)
def _parsed(template: str, shorthand: bool) -> tuple[tuple[str, str, str], ...]:
    """(literal, label, slot) triples: a slot has no literal, plain text no label."""
    parts: list[tuple[str, str, str]] = []
    end = 0
    for match in _SLOT.finditer(template):
        if match.start() > end:
            parts.append((_short(template[end : match.start()], shorthand), "", ""))
        mark, text, slot = match.groups()
        parts.append((text, _MARKS[mark], "") if mark else ("", "", slot))
        end = match.end()
    if end < len(template):
        parts.append((_short(template[end:], shorthand), "", ""))
    return tuple(parts)


def _short(text: str, shorthand: bool) -> str:
    if shorthand:
        for long, short in _SHORTHAND:
            text = long.sub(short, text)
    return text


def fill(template: str, shorthand: bool = False, /, **slots: str | Phrase) -> Phrase:
    """The template with its slots filled; a missing slot is the programmer's error (``KeyError``)."""
    pieces: list[Piece] = []
    for text, label, slot in _parsed(template, shorthand):
        if not slot:
            pieces.append((text, label))
            continue
        value = slots[slot]
        if isinstance(value, str):
            pieces.append((value, ""))
        else:
            pieces.extend(value)
    return tuple(pieces)


def plain(text: str) -> Phrase:
    """Text with no label."""
    return ((text, ""),)


def joined(phrases: Sequence[Phrase], last: str = " and ", between: str = ", ") -> Phrase:
    """``a, b and c``."""
    pieces: list[Piece] = []
    for i, phrase in enumerate(phrases):
        if i:
            pieces.append((last if i == len(phrases) - 1 else between, ""))
        pieces.extend(phrase)
    return tuple(pieces)


def chained(*phrases: Phrase | str) -> Phrase:
    """Phrases and strings one after the other."""
    pieces: list[Piece] = []
    for phrase in phrases:
        if isinstance(phrase, str):
            pieces.append((phrase, ""))
        else:
            pieces.extend(phrase)
    return tuple(pieces)


def capitalised(phrase: Phrase) -> Phrase:
    """The first letter as a capital, unless its word has capitals of its own (``pH``, ``eGFR``)."""
    for i, (text, label) in enumerate(phrase):
        if text:
            word = text.split(" ", 1)[0]
            if word[1:] == word[1:].lower():
                return (*phrase[:i], (text[:1].upper() + text[1:], label), *phrase[i + 1 :])
            return phrase
    return phrase


def text_of(phrase: Phrase) -> str:
    """Its characters."""
    return "".join(text for text, _ in phrase)


# Singular count nouns that want an article in a full sentence; whatever is missing reads as telegraphic.
_COUNTED: Final = frozenset(
    [
        "cough",
        "rash",
        "headache",
        "seizure",
        "murmur",
        "bulge",
        "lump",
        "mass",
        "mole",
        "lesion",
        "droop",
        "tremor",
        "effusion",
        "nodule",
        "aneurysm",
        "pneumothorax",
        "consolidation",
        "opacity",
        "fracture",
        "fever",
        "goiter",
        "gallop",
        "rub",
        "gait",
        "effect",
        "affect",
        "mood",
        "infarct",
        "hemorrhage",
        "hematoma",
        "stone",
        "calculus",
        "tumor",
        "ulcer",
        "hernia",
        "fibroid",
        "cyst",
        "abscess",
        "bruit",
        "sign",
        "mass",
        "filling",
        "defect",
        "collection",
    ]
)
_HEAD_STOP: Final = re.compile(
    r" (?:of|in|on|with|to|from|at|over|after|before|measuring|due|worse|that|without|for|productive)\b"
)


@functools.lru_cache(maxsize=8_192)
def article(text: str) -> str:
    """``a ``, ``an `` or nothing, as a noun phrase wants in a sentence."""
    head = _HEAD_STOP.split(text, maxsplit=1)[0].rsplit(" ", 1)[-1].lower()
    if head not in _COUNTED or text[:1].isdigit() or text.split(" ", 1)[0] in _NO_ARTICLE:
        return ""
    return "an " if text[:1].lower() in "aeiou" and not text.startswith("uni") else "a "


_NO_ARTICLE: Final = frozenset(
    [
        "purulent",
        "increased",
        "worsening",
        "multiple",
        "several",
        "no",
        "diffuse",
        "bilateral",
        "scattered",
        "generalized",
        "visible",
        "urinary",
        "bloody",
        "black",
        "dark",
        "tarry",
        "maroon",
        "currant",
        "weak",
        "slow",
        "nausea",
    ]
)

"""What was found once is found everywhere in the note: ``Ms. Okafor``, ``OKAFOR's``, ``Mrs Okafor``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from clinsynth.corpus import Span
from clinsynth.deid.engine import Tokens
from clinsynth.deid.lexicons import first_names, last_names, word_list
from clinsynth.deid.recognizers.forms import PARTICLES

_NAME_PART: Final = re.compile(r"[^\W\d_]{3,}(?:['\u2019-][^\W\d_]+)*")
_LEAST_OTHER: Final = 5
_SHORT: Final = 3
_LONG_NAME: Final = 5  # a part of a name this long is a name in lower case too
_SINGULAR: Final = frozenset({"DATE", "AGE"})  # a form of their own: the rules have found every one


def repeats(tokens: Tokens, found: Sequence[Span]) -> Iterator[Span]:
    """Further places of what ``found`` covers: each part of a name, and other identifiers as a whole."""
    for part in {p for span in found if span.label == "NAME" for p in _parts(tokens, span)}:
        yield from _name(tokens, *part)
    whole = {
        (tokens.lower[s.start : s.end], s.label)
        for s in found
        if s.label not in _SINGULAR and s.end - s.start >= _LEAST_OTHER
    }
    for value, label in whole:
        for start, end in _places(tokens.lower, value):
            if label != "LOCATION" or tokens.text[start].isupper() or not value.isalpha():
                yield Span(start, end, label)


def _parts(tokens: Tokens, span: Span) -> Iterator[tuple[str, bool]]:
    for match in _NAME_PART.finditer(tokens.lower, span.start, span.end):
        if not _is_everyday(match[0], tokens) and match[0] not in PARTICLES:
            yield match[0], tokens.text[match.start() : match.end()].isupper()


def _is_everyday(word: str, tokens: Tokens) -> bool:
    # A name of the lists in small letters is one in a hurry; another word is a word.
    listed = word in last_names() or word in first_names()
    return (
        word in word_list("ordinary")
        or word in word_list("eponyms")
        or (word in tokens.common and not listed)
    )


def _name(tokens: Tokens, part: str, capitals: bool) -> Iterator[Span]:
    """Places of a part of a name; ``capitals`` tells that it was found in capitals.

    A short name in capitals (``DOS`` for Mr. Dos) is an abbreviation, unless it was found in capitals.
    """
    for start, end in _places(tokens.lower, part):
        as_written = tokens.text[start:end]
        if as_written.isupper() and len(part) <= _SHORT and not capitals:
            continue
        if as_written[0].isupper() or len(part) >= _LONG_NAME:
            yield Span(start, end, "NAME")


def _places(text: str, value: str) -> Iterator[tuple[int, int]]:
    start = text.find(value)
    while start >= 0:
        end = start + len(value)
        if not _joined(text, start - 1) and not _joined(text, end):
            yield start, end
        start = text.find(value, end)


def _joined(text: str, offset: int) -> bool:
    return 0 <= offset < len(text) and (text[offset].isalnum() or text[offset] == "_")


def bridged(text: str, spans: Sequence[Span]) -> list[Span]:
    """Names with nothing but blanks, or an initial, between them made one; others as they are. Sorted."""
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        if (
            last is not None
            and span.label == last.label == "NAME"
            and _BRIDGE.fullmatch(text, last.end, span.start)
        ):
            joined[-1] = Span(last.start, span.end, "NAME")
        else:
            joined.append(span)
    return joined


_BRIDGE: Final = re.compile(r"[ \t]{1,2}(?:[A-Z]\.?[ ])?")

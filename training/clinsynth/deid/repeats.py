"""What was found once is found everywhere in the note: ``Ms. Okafor``, ``OKAFOR's``, ``Mrs Okafor``."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Final

from clinsynth.corpus import Span
from clinsynth.deid.engine import Tokens
from clinsynth.deid.lexicons import first_names, last_names, word_list
from clinsynth.deid.recognizers.forms import PARTICLES
from clinsynth.deid.tags import merged

_NAME_PART: Final = re.compile(r"[^\W\d_]{3,}(?:['\u2019-][^\W\d_]+)*")
_WORD: Final = re.compile(r"\w+")
_LEAST_OTHER: Final = 5
_SHORT: Final = 3
_LONG_NAME: Final = 5  # a part of a name this long is a name in lower case too
_SINGULAR: Final = frozenset({"DATE", "AGE"})  # a form of their own: the rules have found every one


def repeats(tokens: Tokens, found: Sequence[Span]) -> list[Span]:
    """Further places of what ``found`` covers: each part of a name, and other identifiers as a whole."""
    parts = _parts(tokens, found)
    whole: dict[str, set[str]] = defaultdict(set)
    known: dict[int, int] = {}  # start of a finding -> the end of the longest
    for span in found:
        if span.end > known.get(span.start, 0):
            known[span.start] = span.end
        if span.label not in _SINGULAR and span.end - span.start >= _LEAST_OTHER:
            whole[tokens.lower[span.start : span.end]].add(span.label)
    again = []
    for value, start, end in _places(tokens, parts.keys() | whole.keys(), known):
        if value in parts and _is_name(tokens.text[start:end], capitals=parts[value]):
            again.append(Span(start, end, "NAME"))
        again += [
            Span(start, end, label)
            for label in whole.get(value, ())
            if label != "LOCATION" or tokens.text[start].isupper() or not value.isalpha()
        ]
    return again


def _parts(tokens: Tokens, found: Sequence[Span]) -> dict[str, bool]:
    """The parts of all names, in small letters; was one found in capitals?"""
    parts: dict[str, bool] = {}
    everyday, eponyms = word_list("ordinary"), word_list("eponyms")
    for name in {tokens.text[span.start : span.end] for span in found if span.label == "NAME"}:
        for as_written in _NAME_PART.findall(name):
            part = as_written.lower()
            if part in parts:
                parts[part] |= as_written.isupper()
            elif (
                part not in PARTICLES
                and part not in everyday
                and part not in eponyms
                # A name of the lists in small letters is one in a hurry; another word is a word.
                and (part not in tokens.common or part in last_names() or part in first_names())
            ):
                parts[part] = as_written.isupper()
    return parts


def _is_name(as_written: str, *, capitals: bool) -> bool:
    """Is it a place of a part of a name? ``capitals`` tells that the part was found in capitals.

    A short name in capitals (``DOS`` for Mr. Dos) is an abbreviation, unless it was found in capitals.
    """
    if as_written.isupper() and len(as_written) <= _SHORT and not capitals:
        return False
    return as_written[0].isupper() or len(as_written) >= _LONG_NAME


def _places(tokens: Tokens, values: Set[str], known: Mapping[int, int]) -> Iterator[tuple[str, int, int]]:
    """Where each of ``values``, in small letters, stands with no letter or digit at its sides.

    One pass over the words, whatever the number of values: a value is looked for where its first word is.
    Places within those ``known`` (start -> end) that begin where they do are left out.
    """
    shapes: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for value in values:
        if value.isalnum():
            shapes[value].add((0, len(value)))
        elif (first := _WORD.search(value)) is not None:
            shapes[first[0]].add((first.start(), len(value)))
    lower, starts = tokens.lower, tokens.starts
    ends: dict[str, int] = {}  # of a value, where its last place ended: its places never overlap
    for i, word in [(i, word) for i, word in enumerate(tokens.written) if word in shapes]:
        for offset, length in shapes[word]:
            start = starts[i] - offset
            end = start + length
            if start < 0 or end > len(lower) or known.get(start, 0) >= end:
                continue
            value = lower[start:end]
            if value in values and start >= ends.get(value, 0) and not _joined(lower, start, end):
                ends[value] = end
                yield value, start, end


def _joined(text: str, start: int, end: int) -> bool:
    """Is there a letter or digit, or ``_``, at a side?"""
    sides = text[max(start - 1, 0) : start] + text[end : end + 1]
    return any(side.isalnum() or side == "_" for side in sides)


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


def nicknamed(text: str, found: Sequence[Span]) -> list[Span]:
    """``Ada "Addie" Okafor`` as a whole, where any part of it was found as a name; ``Adaeze (Ada) Okafor``
    by itself."""
    whole: list[Span] = []
    names: list[Span] | None = None
    for quoted in _QUOTED.finditer(text):
        first = _FIRST.search(text[max(quoted.start() - _WINDOW, 0) : quoted.start()])
        last = _LAST.match(text, quoted.end())
        if first is None or last is None:
            continue
        start, end = quoted.start() - len(first[0]), last.end()
        names = merged(span for span in found if span.label == "NAME") if names is None else names
        at = bisect_left(names, end, key=lambda span: span.start)
        known = at > 0 and names[at - 1].end > start and _could_be_family(last[0])
        if known or _is_short_for(quoted["nick"], first["name"], last[0]):
            whole.append(Span(start, end, "NAME"))
    return whole


def _could_be_family(word: str) -> bool:
    lower = word.lower()
    return word[0].isupper() and lower not in word_list("ordinary") and lower not in word_list("never")


def _is_short_for(nick: str, first: str, last: str) -> bool:
    """``Addie`` for ``Addison Okafor``; not the abbreviation of a term: ``doxorubicin (DOX) was``."""
    if len(nick) >= len(first) or not first.lower().startswith(nick.lower()):
        return False
    whole = first + nick + last
    listed = first.lower() in first_names() and last.lower() not in word_list("ordinary")
    in_one_case = whole.islower() or whole.isupper()
    return (in_one_case and listed) or (first.istitle() and nick.istitle() and last[0].isupper())


_BRIDGE: Final = re.compile(r"[ \t]{1,2}(?:[A-Z]\.?[ ])?")
_QUOTED: Final = re.compile(r"['\"(\u2018\u201c](?P<nick>[^\W\d_]{2,14})['\")\u2019\u201d][ \n]")
_FIRST: Final = re.compile(r"(?<![\w-])(?P<name>[^\W\d_][\w-]{1,20})[ \n]\Z")
_LAST: Final = re.compile(r"[^\W\d_]\w*(?:['\u2019-](?!s\b)\w+)*")
_WINDOW: Final = 24  # characters before a nickname in which the given name stands

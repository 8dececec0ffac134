"""Typed tags in the place of identifiers: ``Seen by Dr. <|NAME|>``.

Tagged text holds ``<|`` at the start of such a tag and nowhere else.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from clinsynth.corpus import PHI_LABELS, Note, Span
from clinsynth.corpus.moves import Moves

TAG: Final = re.compile(rf"<\|({'|'.join(PHI_LABELS)})\|>")
"""The tag of an identifier; group 1 is its label."""

_OPENING: Final = "<|"
_NEUTRAL: Final = "‹|"  # noqa: RUF001 - looks alike, is as long, and is no tag


def neutralise(text: str) -> str:
    """``text`` with nothing in it that could be taken for a tag; as long as before, so offsets hold."""
    return text.replace(_OPENING, _NEUTRAL)


def tag_spans(text: str) -> list[Span]:
    """The tags in ``text``."""
    return [Span(match.start(), match.end(), match[1]) for match in TAG.finditer(text)]


def to_tags(note: Note, spans: Iterable[Span]) -> Note:
    """The note as tagged text: each of ``spans`` is replaced by the tag of its label.

    Args:
        spans: in any order. Overlapping ones become one tag, labelled as the longest, so that no character
            of either is left. To replace what the note itself declares, pass ``note.phi`` (with more).

    Tags that stand in the text already stay as they are, and a span that overlaps one is cut back to the
    text beside it: tagging twice changes nothing. Any other ``<|`` is neutralised. ``phi`` of the result
    lies on the tags, all of them, and nowhere else.

    Entities move along. Let *rest* be what the identifiers leave of an entity. When the identifiers lie
    within the entity it stays, with the tags inside; when one reaches across its edge it shrinks to the
    rest; when the rest has no letter or digit, it is dropped: what was replaced as an identifier is no
    problem, test or treatment.

    Raises:
        ValueError: a span ends past the text or has a label that is not in ``PHI_LABELS``.
    """
    pieces = tag_places(note.text, spans)
    moves = Moves(pieces, [f"<|{piece.label}|>" for piece in pieces])
    text = moves.text(note.text, between=neutralise)
    assert text.count(_OPENING) == len(pieces), "a tag was made by chance"
    kept = (e for e in note.entities if any(has_word(note.text, *part) for part in moves.rest(e)))
    entities = tuple(moved for e in kept if (moved := moves.span(e, note.text)) is not None)
    return replace(note, text=text, entities=entities, phi=tuple(tag_spans(text)))


def _check(spans: Sequence[Span], length: int) -> None:
    for span in spans:
        if span.end > length:
            raise ValueError(f"span {span.start}-{span.end} ({span.label}) ends past the text ({length})")
        if span.label not in PHI_LABELS:
            raise ValueError(f"span {span.start}-{span.end}: {span.label} is not a label of identifiers")


def tag_places(text: str, spans: Iterable[Span]) -> list[Span]:
    """What becomes, or stays, a tag: the tags that there are, and the spans beside them; sorted, apart.

    Raises:
        ValueError: as ``to_tags``.
    """
    _check(spans := list(spans), len(text))
    tags = tag_spans(text)
    if not tags:
        return merged(span for span in spans if has_word(text, span.start, span.end))
    beside = [
        part for span in spans for part in outside(span, tags) if has_word(text, part.start, part.end)
    ]
    return sorted([*tags, *merged(beside)])


def merged(spans: Iterable[Span]) -> list[Span]:
    """Overlapping spans joined into one, labelled as the longest of them (of equals the first)."""
    joined: list[Span] = []
    longest = 0
    for span in sorted(spans):
        length = span.end - span.start
        if joined and span.start < joined[-1].end:
            last = joined[-1]
            label = span.label if length > longest else last.label
            joined[-1] = Span(last.start, max(last.end, span.end), label)
            longest = max(longest, length)
        else:
            joined.append(span)
            longest = length
    return joined


def outside(span: Span, taken: Sequence[Span]) -> Iterator[Span]:
    """The parts of ``span`` that lie in none of ``taken`` (sorted, apart)."""
    start = span.start
    for i in range(bisect_right(taken, start, key=lambda other: other.end), len(taken)):
        other = taken[i]
        if other.start >= span.end:
            break
        if start < other.start:
            yield Span(start, other.start, span.label)
        start = other.end
    if start < span.end:
        yield Span(start, span.end, span.label)


def has_word(text: str, start: int, end: int) -> bool:
    """Is there a letter or digit between the offsets?"""
    return any(character.isalnum() for character in text[start:end])

"""Puts tags in the place of identifiers that stand as text in a note that has tags already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from clinsynth.corpus import Note, Span


def outside(found: Sequence[Span], kept: Sequence[Span], text: str) -> list[Span]:
    """What of the spans ``found`` lies outside the spans ``kept``; bits without a letter or digit don't
    count. Both sorted; the answer is sorted and free of overlaps.

    A detector may well take the words around a tag for one identifier with it: the words are left.
    """
    bits: list[Span] = []
    for span in found:
        for start, end in _gaps(span, [*kept, *bits]):
            while start < end and not text[start].isalnum():
                start += 1
            while start < end and not text[end - 1].isalnum():
                end -= 1
            if start < end:
                bits.append(Span(start, end, span.label))
    return sorted(bits)


def put_tags(note: Note, spans: Sequence[Span]) -> Note:
    """The note with each span replaced by the tag of its label; entities and tags move along.

    Args:
        spans: sorted, free of overlaps, none touching ``note.phi``.

    An entity that overlaps a span grows to hold the whole tag.
    """
    text, phi, shifts, done = "", [], list[tuple[Span, int]](), 0
    for span in spans:
        text += note.text[done : span.start]
        tag = f"<|{span.label}|>"
        phi.append(Span(len(text), len(text) + len(tag), span.label))
        text += tag
        done = span.end
        shifts.append((span, len(text) - done))
    text += note.text[done:]
    old = (Span(_moved(s.start, shifts, False), _moved(s.end, shifts, True), s.label) for s in note.phi)
    entities: list[Span] = []
    for e in note.entities:
        start, end = _moved(e.start, shifts, False), _moved(e.end, shifts, True)
        if entities and start < entities[-1].end:
            start = entities[-1].end  # two entities met in one identifier: the first keeps the tag
        if start < end:
            entities.append(Span(start, end, e.label))
    return replace(note, text=text, entities=tuple(entities), phi=tuple(sorted([*phi, *old])))


def _moved(offset: int, shifts: Sequence[tuple[Span, int]], is_end: bool) -> int:
    """Where an offset lands; inside a replaced span an end lands behind the tag and a start before it."""
    moved = 0
    for span, shift in shifts:
        if offset >= span.end:
            moved = shift
        elif offset > span.start:
            tag = len(span.label) + 4
            return span.end + shift - (0 if is_end else tag)
    return offset + moved


def _gaps(span: Span, kept: Sequence[Span]) -> Iterator[tuple[int, int]]:
    start = span.start
    for other in sorted(kept):
        if other.end <= start or other.start >= span.end:
            continue
        if start < other.start:
            yield start, other.start
        start = max(start, other.end)
    if start < span.end:
        yield start, span.end

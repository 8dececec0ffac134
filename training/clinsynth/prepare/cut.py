"""Long notes in pieces that a model can learn whole, cut at paragraphs or sentences, never in a span.

Pieces of ``x`` are ``x#1``, ``x#2``, ...; they are about equally long, so none is a mere tail. What lies
between them is white space, and is lost.
"""

from __future__ import annotations

import dataclasses
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final

from clinsynth.corpus import Note, Span

Blocks = list[tuple[int, int]]

PIECE_OF: Final = "piece_of"
"""Key in a piece's provenance: the id of the note it was cut from."""

_ENDS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"\n\s*\n\s*",  # paragraph
        r"\n\s*",  # line
        r"(?<=[.!?;])[\"')\]]*\s+",  # sentence
        r"\s+",  # word: better than a token
    )
)
"""Where a text may be cut, best first; a piece begins where a match ends."""


def cut(note: Note, max_characters: int) -> list[Note]:
    """The note, or its pieces of at most ``max_characters``.

    A piece is longer only where one span is.
    """
    if len(note.text) <= max_characters:
        return [note]
    places = [0, *_places(note, max_characters), len(note.text)]
    pieces = (_piece(note, a, b) for a, b in zip(places, places[1:]))  # noqa: RUF007
    return [
        dataclasses.replace(piece, id=f"{note.id}#{i}")
        for i, piece in enumerate((p for p in pieces if p is not None), 1)
    ]


def _places(note: Note, most: int) -> Iterator[int]:
    """Where pieces after the first begin."""
    blocks = _blocks([*note.entities, *note.phi])
    ends = [[m.end() for m in end.finditer(note.text)] for end in _ENDS]
    start, length = 0, len(note.text)
    while length - start > most:
        target = start + (length - start) / -(-(length - start) // most)
        lowest = start + (target - start) / 2
        nearest = (_nearest(of_rank, blocks, lowest, start + most, target) for of_rank in ends)
        place = next((place for place in nearest if place is not None), None)
        start = _forced(blocks, start, most) if place is None else place
        if start < length:
            yield start


def _nearest(places: list[int], blocks: Blocks, lowest: float, highest: int, target: float) -> int | None:
    near = places[bisect_left(places, lowest) : bisect_right(places, highest)]
    free = (place for place in near if _around(blocks, place) is None)
    return min(free, key=lambda place: abs(place - target), default=None)


def _forced(blocks: Blocks, start: int, most: int) -> int:
    """A place where there is no white space to cut at: before the span that is in the way, or behind it."""
    block = _around(blocks, start + most)
    if block is None:
        return start + most
    return block[0] if block[0] > start else block[1]


def _around(blocks: Blocks, place: int) -> tuple[int, int] | None:
    """The block that ``place`` would cut in two."""
    i = bisect_left(blocks, (place,)) - 1  # the last that starts before the place
    return blocks[i] if i >= 0 and place < blocks[i][1] else None


def _blocks(spans: list[Span]) -> Blocks:
    """Stretches that must stay whole: entities may hold identifiers, so what overlaps is joined."""
    blocks: Blocks = []
    for span in sorted(spans):
        if blocks and span.start < blocks[-1][1]:
            blocks[-1] = (blocks[-1][0], max(blocks[-1][1], span.end))
        else:
            blocks.append((span.start, span.end))
    return blocks


def _piece(note: Note, start: int, end: int) -> Note | None:
    """Characters ``start`` to ``end``, white space around them left out unless a span holds it."""
    text = note.text[start:end]
    if not text.strip():
        return None
    held = [s for s in (*note.entities, *note.phi) if start <= s.start and s.end <= end]
    first = start + len(text) - len(text.lstrip())
    last = end - (len(text) - len(text.rstrip()))
    first = min([first, *(s.start for s in held)])
    last = max([last, *(s.end for s in held)])
    return dataclasses.replace(
        note,
        text=note.text[first:last],
        entities=_moved(note.entities, first, last),
        phi=_moved(note.phi, first, last),
        provenance={**note.provenance, PIECE_OF: note.id},
    )


def _moved(spans: tuple[Span, ...], start: int, end: int) -> tuple[Span, ...]:
    return tuple(
        Span(span.start - start, span.end - start, span.label)
        for span in spans
        if start <= span.start and span.end <= end
    )

"""Where text and spans land when pieces of a text are replaced by others of other length."""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence

from clinsynth.corpus.note import Span


class Moves:
    """Pieces of a text and what comes in their place.

    Args:
        pieces: sorted, apart.
        values: the text in the place of each piece.
    """

    def __init__(self, pieces: Sequence[Span], values: Sequence[str]) -> None:
        assert len(pieces) == len(values)
        self._pieces, self._values = pieces, values
        self._starts = [piece.start for piece in pieces]
        self._ends = [piece.end for piece in pieces]
        grown = (len(value) - (piece.end - piece.start) for piece, value in zip(pieces, values))
        self._shifts = list(itertools.accumulate(grown, initial=0))

    def text(self, text: str, between: Callable[[str], str] = str) -> str:
        """The new text; ``between`` is applied to what is not replaced and must keep its length."""
        parts, done = [], 0
        for piece, value in zip(self._pieces, self._values):
            parts += [between(text[done : piece.start]), value]
            done = piece.end
        return "".join([*parts, between(text[done:])])

    def values(self) -> list[Span]:
        """Where the values lie in the new text, labelled as their pieces."""
        return [
            Span(piece.start + shift, piece.start + shift + len(value), piece.label)
            for piece, value, shift in zip(self._pieces, self._values, self._shifts)
        ]

    def offset(self, offset: int) -> int:
        """The new place of an offset that lies within no piece."""
        return offset + self._shifts[bisect_right(self._ends, offset)]

    def span(self, span: Span, text: str) -> Span | None:
        """The new place of a span of the old ``text``; None when nothing of it is left.

        A piece within the span stays in it. One that reaches across its edge pushes the edge out of the
        piece, past blanks that are in no other.
        """
        start, end = span.start, span.end
        first, last = bisect_right(self._ends, start), bisect_left(self._starts, end) - 1
        if first < len(self._pieces) and self._starts[first] < start:
            start, next_piece = self._ends[first], [*self._starts[first + 1 : first + 2], len(text)][0]
            while start < next_piece and text[start].isspace():
                start += 1
        if last >= 0 and self._ends[last] > end:
            end, piece_before = self._starts[last], self._ends[last - 1] if last else 0
            while end > piece_before and text[end - 1].isspace():
                end -= 1
        return Span(self.offset(start), self.offset(end), span.label) if start < end else None

    def rest(self, span: Span) -> Iterator[tuple[int, int]]:
        """Start and end of the parts of a span of the old text that no piece covers."""
        start = span.start
        for i in range(bisect_right(self._ends, start), len(self._pieces)):
            if self._starts[i] >= span.end:
                break
            if start < self._starts[i]:
                yield start, self._starts[i]
            start = self._ends[i]
        if start < span.end:
            yield start, span.end

"""A note with things being put into it; offsets of all spans are worked out once, at the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from clinsynth.corpus.moves import Moves
from clinsynth.corpus.note import Note, Span
from clinsynth.inject.changes import Change, Segment
from clinsynth.inject.formats import PROFESSION


class Draft:
    """Collects what comes in, in any order.

    Args:
        changes: what is replaced already. marks: identifiers of the note that stay.
    """

    def __init__(self, note: Note, changes: Sequence[Change], marks: Sequence[Span]) -> None:
        self._note, self._changes, self._marks = note, list(changes), list(marks)
        self._top: list[Segment] = []
        self._bottom: list[Segment] = []
        self._taken = [(one.start, one.end) for one in changes]
        self._taken += [(span.start, span.end) for span in (*marks, *note.entities)]

    def free(self, start: int, end: int) -> bool:
        """Whether nothing is put in there and no span lies there."""
        return all(end <= first or last <= start for first, last in self._taken)

    def put(self, start: int, end: int, segments: Iterable[Segment]) -> None:
        """Replaces a free place, which is not empty."""
        assert self.free(start, end)
        self._taken.append((start, end))
        self._changes.append(Change(start, end, tuple(segments)))

    def on_top(self, segments: Iterable[Segment]) -> None:
        """A line or block before the text, below those put there before."""
        self._top += [*segments, Segment("\n")]

    def at_bottom(self, segments: Iterable[Segment]) -> None:
        """A line or block behind the text."""
        self._bottom += [Segment("\n"), *segments]

    def note(self, **provenance: str) -> Note:
        """The note with all that was put in: ``phi`` on identifiers, professions among ``entities``."""
        self._changes.sort(key=lambda change: change.start)
        pieces = [Span(change.start, change.end, "x") for change in self._changes]
        moves = Moves(pieces, [_joined(change.segments) for change in self._changes])
        head = _joined(self._top)
        body = moves.text(self._note.text)
        new = _spans(self._top, 0)
        for place, change in zip(moves.values(), self._changes):
            new += _spans(change.segments, len(head) + place.start)
        new += _spans(self._bottom, len(head) + len(body))
        return replace(
            self._note,
            text=head + body + _joined(self._bottom),
            phi=(*self._moved(self._marks, moves, len(head)), *(s for s in new if s.label != PROFESSION)),
            entities=(
                *self._moved(self._note.entities, moves, len(head)),
                *(span for span in new if span.label == PROFESSION),
            ),
            provenance={**self._note.provenance, **provenance},
        )

    def _moved(self, spans: Iterable[Span], moves: Moves, shift: int) -> list[Span]:
        moved = (moves.span(span, self._note.text) for span in spans)
        return [
            Span(span.start + shift, span.end + shift, span.label) for span in moved if span is not None
        ]


def _joined(segments: Iterable[Segment]) -> str:
    return "".join(segment.text for segment in segments)


def _spans(segments: Iterable[Segment], start: int) -> list[Span]:
    spans = []
    for segment in segments:
        end = start + len(segment.text)
        if segment.label:
            spans.append(Span(start, end, segment.label))
        start = end
    return spans

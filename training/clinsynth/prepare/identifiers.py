"""Identifiers out, pieces to length: what stands between a raw note and the corpus, in parallel.

A worker process holds one detector. What it finds of the identifiers that a source marks itself (a
simulated hospital knows all of its own) is counted by class, so every corpus states the recall on its own
text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from clinsynth.corpus import Note, Span
from clinsynth.pool import map_ordered, warm_up
from clinsynth.prepare.config import DeidMode, PrepareConfig
from clinsynth.prepare.cut import cut
from clinsynth.prepare.sources import SOURCE
from clinsynth.progress import Progress

if TYPE_CHECKING:
    from clinsynth.deid import Detector

CHUNK_NOTES: Final = 32
_WORTH_A_POOL: Final = 8 * CHUNK_NOTES  # a process takes seconds to start

Chunk = Sequence[tuple[int, Note]]
"""Notes with the number of their split."""


@dataclass(slots=True)
class Tagged:
    """Tagged notes with the number of their split, and what was counted on the way.

    Args:
        gold, covered: identifiers that sources mark, by label, and those of them that the detector covers
            wholly, under whatever label.
        tags: tags in the text, by label.
        counts: ``notes_cut``, ``pieces``, ``too_short``, ``too_long`` (a span longer than a piece).
        detector: its account of itself; None while nothing was looked for.
    """

    notes: list[tuple[int, Note]] = field(default_factory=list)
    gold: Counter[str] = field(default_factory=Counter)
    covered: Counter[str] = field(default_factory=Counter)
    tags: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    detector: dict[str, Any] | None = None

    def add(self, other: Tagged) -> None:
        """Adds the counts of another, not its notes."""
        self.gold += other.gold
        self.covered += other.covered
        self.tags += other.tags
        self.counts += other.counts
        self.detector = other.detector or self.detector


def tag_notes(
    notes: Iterable[tuple[int, Note]], total: int, config: PrepareConfig, sums: Tagged
) -> Iterator[tuple[int, Note]]:
    """Notes as tagged text, cut to length, in order; counts go into ``sums``.

    Raises:
        GateError: the detector failed. A note that it could not look at never becomes training text.
    """
    results = map_ordered(
        _work, _chunks(notes), workers=workers(total, config), start=_start, arguments=(config,)
    )
    with Progress("removing identifiers and cutting", total) as progress:
        for chunk, result in results:
            sums.add(result)
            yield from result.notes
            progress.advance(chunk)


def workers(total: int, config: PrepareConfig) -> int:
    """Processes for so many notes."""
    return min(config.deid.workers, 1 + total // _WORTH_A_POOL)


def warm_up_workers(total: int, config: PrepareConfig) -> None:
    """Lets what the workers need be imported while this process does something else."""
    if workers(total, config) > 1:
        warm_up(["clinsynth.prepare.identifiers", "clinsynth.deid.watched", "clinsynth.deid.recognizers"])


_worker: _Worker | None = None


def _start(config: PrepareConfig) -> None:
    global _worker
    _worker = _Worker(config)


def _work(chunk: Chunk) -> tuple[int, Tagged]:
    assert _worker is not None, "the process was not started with _start"
    return len(chunk), _worker.tag(chunk)


class _Worker:
    """A detector, made when the first note needs one, and what to do with what it finds."""

    def __init__(self, config: PrepareConfig) -> None:
        self._config = config
        self._modes: dict[str, DeidMode] = {s.label: config.deid_mode(s) for s in config.sources}
        self._detector: Detector | None = None

    def tag(self, chunk: Chunk) -> Tagged:
        result = Tagged()
        raw = [note for _, note in chunk if self._modes[note.provenance[SOURCE]] == "tags"]
        found = dict(zip((note.id for note in raw), self._detect([note.text for note in raw])))
        for split, note in chunk:
            for piece in self._pieces(self._tagged(note, found.get(note.id), result), result):
                result.notes.append((split, piece))
                result.tags.update(span.label for span in piece.phi)
        result.detector = None if self._detector is None else self._detector.describe()
        return result

    def _detect(self, texts: list[str]) -> Sequence[Sequence[Span]]:
        if not texts:
            return []
        if self._detector is None:
            from clinsynth.deid import Detector

            self._detector = Detector(self._config.deid.detector)
        found = self._detector.detect_batch(texts)
        assert len(found) == len(texts), (len(found), len(texts))
        return found

    def _tagged(self, note: Note, found: Sequence[Span] | None, result: Tagged) -> Note:
        from clinsynth.deid import to_tags

        if found is None:
            return to_tags(note, ())
        for span in note.phi:
            result.gold[span.label] += 1
            result.covered[span.label] += _covers(found, span)
        return to_tags(note, [*found, *note.phi] if self._config.deid.use_gold_phi else found)

    def _pieces(self, note: Note, result: Tagged) -> Iterator[Note]:
        most = self._config.max_characters
        pieces = [note] if most is None else cut(note, most)
        if len(pieces) > 1:
            result.counts.update(notes_cut=1, pieces=len(pieces))
        for piece in pieces:
            if len(piece.text.strip()) < self._config.min_characters:
                result.counts["too_short"] += 1
                continue
            if most is not None and len(piece.text) > most:
                result.counts["too_long"] += 1
            yield piece


def _covers(found: Sequence[Span], wanted: Span) -> bool:
    """Whether spans that are sorted and apart cover every character of ``wanted``; they may touch."""
    place = wanted.start
    for span in found:
        if span.start <= place < span.end:
            place = span.end
    return place >= wanted.end


def _chunks(notes: Iterable[tuple[int, Note]]) -> Iterator[Chunk]:
    chunk: list[tuple[int, Note]] = []
    for item in notes:
        chunk.append(item)
        if len(chunk) == CHUNK_NOTES:
            yield chunk
            chunk = []
    if chunk:
        yield chunk

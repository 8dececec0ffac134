"""Labelled notes made comparable before anything is trained on them.

Two rules keep the arms alike. Text: where notes carry tags (``<|NAME|>``), the tags become surrogates on
every side, so that no arm is judged on text that looks unlike its own. Amount: every arm trains on the
same number of words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from clinsynth.corpus import Note, Span
from clinsynth.errors import DataError
from clinsynth.measure.inputs import NoteSource
from clinsynth.tagging import Document, EncodedNotes, Window

EmptyNotes = Literal["auto", "keep", "drop"]


@dataclass(frozen=True, slots=True)
class Labelled:
    """Notes of one source that carry entities.

    Args:
        read: notes read, with those left out.
        unlabelled: notes left out because they carry no entity.
    """

    notes: list[Note]
    read: int
    unlabelled: int

    @property
    def entities(self) -> int:
        """Entities in all notes."""
        return sum(len(note.entities) for note in self.notes)


def labelled_notes(source: NoteSource, most: int | None, empty: EmptyNotes) -> Labelled:
    """Reads notes for training or testing.

    Args:
        most: read at most so many notes.
        empty: what a note without entities is. ``keep``: one with nothing to find. ``drop``: one that
            nobody has labelled. ``auto``: the former in CoNLL files, which hold nothing but labelled text.

    Raises:
        DataError: no note carries an entity.
    """
    read = source.take(most)
    keep = empty == "keep" or (empty == "auto" and all(_is_conll(path) for path in source.paths))
    notes = [note for note in read if keep or note.entities]
    if not any(note.entities for note in notes):
        places = ", ".join(str(path) for path in source.paths)
        raise DataError(
            f"{places}: none of {len(read):,} notes has entities: {source.name} must be labelled"
        )
    return Labelled([as_read(note) for note in notes], len(read), len(read) - len(notes))


def _is_conll(path: Path) -> bool:
    return bool({".conll", ".bio", ".iob", ".iob2"} & set(path.suffixes))


def as_read(note: Note) -> Note:
    """The note as a reader sees it: tags filled with surrogates, other text as it is."""
    from clinsynth.deid import TAG, to_surrogates

    return to_surrogates(note, note.id) if TAG.search(note.text) else note


def entity_labels(notes: Iterable[Note]) -> tuple[str, ...]:
    """The labels that occur, sorted."""
    return tuple(sorted({span.label for note in notes for span in note.entities}))


def draw_windows(encoded: EncodedNotes, words: int, seed: int) -> list[Window]:
    """Windows of randomly drawn notes, up to ``words`` words; the last note may be cut at a window."""
    by_note: dict[int, list[Window]] = {}
    for window in encoded.windows:
        by_note.setdefault(window.document, []).append(window)
    chosen: list[Window] = []
    total = 0
    for i in np.random.default_rng(seed).permutation(np.array(sorted(by_note), dtype=np.int64)):
        for window in by_note[int(i)]:
            if total >= words:
                return chosen
            chosen.append(window)
            total += len(window.heads)
    return chosen


def shuffled_entities(note: Note, document: Document, seed: int) -> tuple[Span, ...]:
    """The entities of a note moved to random words: as many, as long, of the same labels, and wrong.

    What an arm scores with these is what the amount of labels alone gives.
    """
    rng = np.random.default_rng([seed, *note.id.encode()])
    lengths = _lengths_in_words(note.entities, document)
    free = len(document.starts) - sum(length for length, _ in lengths)
    if free < 0:
        return ()
    rng.shuffle(lengths)
    cuts = np.sort(rng.integers(0, free + 1, len(lengths)))
    moved, used = [], 0
    for cut, (length, label) in zip(cuts.tolist(), lengths):
        first = cut + used
        moved.append(Span(int(document.starts[first]), int(document.ends[first + length - 1]), label))
        used += length
    return tuple(moved)


def _lengths_in_words(entities: Sequence[Span], document: Document) -> list[tuple[int, str]]:
    found = []
    for span in entities:
        first = int(np.searchsorted(document.ends, span.start, side="right"))
        past = int(np.searchsorted(document.starts, span.end, side="left"))
        if first < past:
            found.append((past - first, span.label))
    return found

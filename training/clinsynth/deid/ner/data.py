"""Notes with marked identifiers as windows with classes."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from clinsynth.corpus import PHI_LABELS, Note, Span
from clinsynth.corpus.readers import read_notes
from clinsynth.deid.ner.card import PROFESSION
from clinsynth.deid.ner.config import NerSource
from clinsynth.errors import DataError, UsageError
from clinsynth.folders import input_sha256
from clinsynth.progress import Progress
from clinsynth.tagging import Labels, Window, encode
from clinsynth.tagging.labels import Ints

if TYPE_CHECKING:
    from clinsynth.deid import Detector

_NOTES_AT_ONCE = 500


@dataclass(slots=True)
class Examples:
    """What a model is trained on, and what a card says of it."""

    windows: list[Window] = field(default_factory=list)
    classes: list[Ints] = field(default_factory=list)
    notes: int = 0
    words: int = 0
    windows_left_out: int = 0
    identifiers: Counter[str] = field(default_factory=Counter)
    sources: list[dict[str, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For the card."""
        return {
            "notes": self.notes,
            "windows": len(self.windows),
            "windows_left_out": self.windows_left_out,
            "words": self.words,
            "identifiers": dict(sorted(self.identifiers.items())),
            "sources": self.sources,
        }


def check_sources(sources: Sequence[NerSource], key: str) -> None:
    """Fails early.

    Raises:
        UsageError: a path is not there.
    """
    for i, source in enumerate(sources):
        if source.path is not None and not source.path.exists():
            raise UsageError(f"{key}.{i}.path: {source.path}: no such file or folder")


def source_notes(source: NerSource, seed: int) -> Iterator[Note]:
    """The notes of a source.

    Raises:
        MissingExtraError: it shall have identifiers put in, and a library of names is not installed.
    """
    notes = _as_they_are(source, seed)
    if source.inject is None:
        return notes
    from clinsynth.inject import Injector

    return map(Injector(source.inject.split, source.inject.seed).inject, notes)


def _as_they_are(source: NerSource, seed: int) -> Iterator[Note]:
    if source.path is not None:
        yield from read_notes(source.path, source)
        return
    from clinsynth.simulate import simulate_notes

    simulate = source.simulate
    assert simulate is not None
    drawn = seed if simulate.seed is None else simulate.seed
    for i, note in enumerate(simulate_notes(simulate.notes, drawn, start=simulate.start)):
        if source.limit is not None and i >= source.limit:
            return
        yield note


def described(source: NerSource) -> dict[str, str]:
    """A source as a card names it: paths may name people, so by file name and hash."""
    inject = {} if source.inject is None else source.inject.model_dump()
    drawn = {f"inject.{key}": str(value) for key, value in inject.items()}
    if source.path is not None:
        return {"name": source.name, "sha256": input_sha256(source.path)} | drawn
    assert source.simulate is not None
    return {"name": source.name} | {k: str(v) for k, v in source.simulate.model_dump().items()} | drawn


def marked(note: Note) -> list[Span]:
    """The identifiers that the note marks, and its professions where they touch none of them."""
    professions = [e for e in note.entities if e.label == PROFESSION]
    free = [e for e in professions if all(e.end <= p.start or p.end <= e.start for p in note.phi)]
    return sorted([*note.phi, *free])


def labels_in(sources: Sequence[NerSource], seed: int, key: str) -> Labels:
    """The labels that the sources mark, in the order of Safe Harbor.

    Raises:
        DataError: a source marks no identifier, or one of an unknown label.
    """
    found: set[str] = set()
    for i, source in enumerate(sources):
        if source.identifiers == "none":
            continue
        here = {s.label for note in source_notes(source, seed) for s in marked(note)}
        if not here - {PROFESSION}:
            raise DataError(
                f"{key}.{i}: {source.name}: no note has an identifier in phi; text that holds none is a "
                "source with identifiers: none"
            )
        if unknown := here - {*PHI_LABELS, PROFESSION}:
            raise DataError(f"{key}.{i}: {source.name}: {min(unknown)} is no label of identifiers")
        found |= here
    if not found:
        raise DataError(f"{key}: every source has identifiers: none; the model needs some with identifiers")
    return Labels(tuple(label for label in (*PHI_LABELS, PROFESSION) if label in found))


def examples(
    sources: Sequence[NerSource], labels: Labels, tokenizer: Any, max_pieces: int, seed: int
) -> Examples:
    """Windows of all sources, with the class of each word."""
    made = Examples()
    rng = np.random.default_rng(seed)
    with Progress("reading notes to learn from") as progress:
        for source in sources:
            made.sources.append(described(source))
            for notes in _chunks(source_notes(source, seed)):
                _add(made, notes, source, labels, tokenizer, max_pieces, rng)
                progress.advance(len(notes))
    return made


def _add(
    made: Examples,
    notes: Sequence[Note],
    source: NerSource,
    labels: Labels,
    tokenizer: Any,
    max_pieces: int,
    rng: np.random.Generator,
) -> None:
    encoded = encode([note.text for note in notes], tokenizer, max_pieces)
    spans: list[list[Span]] = [[] for _ in notes]
    suspects: list[list[Span]] = [[] for _ in notes]
    if source.identifiers == "none":
        suspects = _rules().detect_batch([note.text for note in notes])
    else:
        spans = [marked(note) for note in notes]
    classes = [labels.encode(s, d.starts, d.ends) for s, d in zip(spans, encoded.documents)]
    doubtful = [_touched(s, d.starts, d.ends) for s, d in zip(suspects, encoded.documents)]
    for window in encoded.windows:
        place = slice(window.first, window.first + len(window.heads))
        mine = classes[window.document][place]
        empty = not mine.any()
        if doubtful[window.document][place].any() or (empty and rng.random() >= source.empty_windows):
            made.windows_left_out += 1
            continue
        made.windows.append(window)
        made.classes.append(mine)
        made.words += len(mine)
    made.notes += len(notes)
    made.identifiers.update(s.label for one in spans for s in one)


@cache
def _rules() -> Detector:
    from clinsynth.deid import Detector

    return Detector()


def _touched(spans: Sequence[Span], starts: Ints, ends: Ints) -> Ints:
    """Of each word: does a span touch it?"""
    one = Labels(("ANY",))
    return one.encode((Span(s.start, s.end, "ANY") for s in spans), starts, ends)


def _chunks(notes: Iterator[Note]) -> Iterator[list[Note]]:
    while chunk := list(itertools.islice(notes, _NOTES_AT_ONCE)):
        yield chunk

"""The notes of all sources, one after the other, each knowing where it came from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from clinsynth.corpus import Note
from clinsynth.corpus.identity import UniqueIds
from clinsynth.corpus.readers import ReadStats, read_notes
from clinsynth.deid.ner.load import check_model
from clinsynth.errors import DataError, UsageError
from clinsynth.folders import input_sha256
from clinsynth.prepare.config import PrepareConfig, Source
from clinsynth.progress import track

SOURCE: Final = "source"
"""Key in a note's provenance: the name of its source."""


@dataclass(slots=True)
class SourceCounts:
    """What was read from a source."""

    stats: ReadStats = field(default_factory=ReadStats)
    characters: int = 0
    labelled: int = 0
    with_patient: int = 0


def read_sources(config: PrepareConfig, counts: dict[str, SourceCounts]) -> Iterator[tuple[Source, Note]]:
    """All notes in the order of the sources, counted in ``counts`` by the source's name.

    Raises:
        DataError: a file is wrong, or two sources share an id.
        UsageError: a path does not exist.
    """
    check_sources(config)
    ids = UniqueIds()
    for source in config.sources:
        mine = counts[source.label] = SourceCounts()
        for note in track(_read(source, config, mine.stats), f"reading {source.label}"):
            try:
                ids.add(note.id, source.path or Path(source.label), None)
            except DataError:
                raise _shared_id(source) from None
            mine.characters += len(note.text)
            mine.labelled += bool(note.entities)
            mine.with_patient += note.patient_id is not None
            yield source, note
        try:
            ids.check()
        except DataError:
            raise _shared_id(source) from None


def check_sources(config: PrepareConfig) -> None:
    """Fails early, before long work.

    Raises:
        UsageError: a path does not exist.
        FolderError: the detector's model cannot be loaded.
    """
    for i, source in enumerate(config.sources):
        if source.path is not None and not source.path.exists():
            raise UsageError(f"sources.{i}.path: {source.path}: no such file or folder")
    check_model(config.deid.detector)


def input_hashes(config: PrepareConfig) -> dict[str, str]:
    """Path of each source -> SHA-256; simulated ones have none."""
    return {str(s.path): input_sha256(s.path) for s in config.sources if s.path is not None}


def source_counts(config: PrepareConfig, counts: dict[str, SourceCounts]) -> dict[str, dict[str, Any]]:
    """For the manifest."""
    return {
        source.label: {
            **counts[source.label].stats.as_dict(),
            "characters": counts[source.label].characters,
            "labelled": counts[source.label].labelled,
            "with_patient": counts[source.label].with_patient,
            "role": source.role,
            "split": source.split,
            "deid": config.deid_mode(source),
        }
        for source in config.sources
    }


def _read(source: Source, config: PrepareConfig, stats: ReadStats) -> Iterator[Note]:
    if source.path is not None:
        notes = read_notes(source.path, source.options, stats)
    else:
        notes = _simulate(source, config, stats)
    for note in notes:
        entities = note.entities if source.role == "notes" else ()
        if len(entities) != len(note.entities):
            stats.spans_dropped["role_language"] += len(note.entities)
        provenance = {**note.provenance, SOURCE: source.label}
        attributes = source.attributes.fill(note.attributes)
        yield dataclasses.replace(note, attributes=attributes, entities=entities, provenance=provenance)


def _simulate(source: Source, config: PrepareConfig, stats: ReadStats) -> Iterator[Note]:
    from clinsynth.simulate import simulate_notes

    assert source.simulate is not None
    seed = config.seed if source.simulate.seed is None else source.simulate.seed
    for note in simulate_notes(source.simulate.notes, seed, start=source.simulate.start):
        stats.read += 1
        stats.kept += 1
        yield dataclasses.replace(note, id=f"{source.id_prefix}{note.id}")
        if stats.kept == source.limit:
            return


def _shared_id(source: Source) -> DataError:
    return DataError(f"source {source.label} has an id that another source has too: give it an id_prefix")

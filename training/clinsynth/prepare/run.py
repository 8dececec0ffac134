"""The whole way from sources to a corpus folder, in order.

    read -> drop duplicates -> split by patient -> remove identifiers, cut -> write notes
         -> learn the vocabulary -> write tokens -> index the training text

Notes pass one at a time; between reading and splitting they wait in a nameless file, since a split cannot
be told before all were seen. Nothing with an identifier in it is ever written under a name.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clinsynth.corpus import Note
from clinsynth.corpus.readers import read_notes
from clinsynth.corpus.writers import NoteWriter
from clinsynth.errors import DataError
from clinsynth.folders import Manifest, new_folder
from clinsynth.overlap import NEIGHBOURS, NGRAMS, NeighbourIndexBuilder, NgramIndexBuilder
from clinsynth.prepare.config import SPLITS, PrepareConfig
from clinsynth.prepare.cut import PIECE_OF
from clinsynth.prepare.identifiers import Tagged, tag_notes, warm_up_workers
from clinsynth.prepare.selection import DROPPED, Candidates, Selection, empty_split, select
from clinsynth.prepare.sources import SourceCounts, check_sources, input_hashes, read_sources, source_counts
from clinsynth.prepare.spool import Spool
from clinsynth.prepare.training_text import TrainingText, check_tokenizer, make_tokens, tokenizer_hash
from clinsynth.progress import track
from clinsynth.tokens.special import check_entity_labels


def prepare(config: PrepareConfig, out: Path, overwrite: bool = False) -> Manifest:
    """Writes the corpus folder ``out``; its layout stands in docs/architecture.md.

    Raises:
        FolderError: something stands at ``out`` and ``overwrite`` is false.
        UsageError: a path or a split of the config is wrong; names the key.
        DataError: an input file is wrong; names file and line.
        GateError: the detector of identifiers failed.
    """
    check_sources(config)
    check_tokenizer(config)
    manifest = Manifest("corpus", seeds={"prepare": config.seed, **_seeds(config)})
    with new_folder(out, manifest, overwrite=overwrite) as folder:
        manifest.inputs = {**input_hashes(config), **tokenizer_hash(config)}
        read: dict[str, SourceCounts] = {}
        with contextlib.closing(Spool(folder)) as spool:
            candidates = Candidates()
            for source, note in read_sources(config, read):
                spool.add(note)
                candidates.add(note, source)
            warm_up_workers(len(spool), config)
            selection = select(spool, candidates, config, folder)
            written, tagged = _write_notes(spool, selection, config, folder)
        labels = check_entity_labels(sorted(set().union(*(w.entities for w in written.values()))))
        tokens = make_tokens(folder, TrainingText(config, labels), config)
        manifest.config = _described(config, tagged)
        manifest.counts |= {
            "sources": source_counts(config, read),
            "dropped": {**selection.dropped, "too_short": tagged.counts["too_short"]},
            "groups": selection.groups,
            "passages": selection.passages,
            "cut": {name: tagged.counts[name] for name in ("notes_cut", "pieces", "too_long")},
            "splits": {name: counts.as_dict() for name, counts in written.items()},
            "deid": _deid_counts(tagged),
            "tokens": tokens,
            "overlap": _index(folder, config),
        }
    return manifest


@dataclass(slots=True)
class Written:
    """What a split holds."""

    notes: int = 0
    characters: int = 0
    labelled: int = 0
    entities: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)

    def add(self, note: Note) -> None:
        """Counts a note."""
        self.notes += 1
        self.characters += len(note.text)
        self.labelled += bool(note.entities)
        self.entities.update(span.label for span in note.entities)
        self.sources[note.provenance["source"]] += 1

    def as_dict(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            "notes": self.notes,
            "characters": self.characters,
            "labelled": self.labelled,
            "entities": dict(sorted(self.entities.items())),
            "sources": dict(sorted(self.sources.items())),
        }


def _write_notes(
    spool: Spool, selection: Selection, config: PrepareConfig, folder: Path
) -> tuple[dict[str, Written], Tagged]:
    written = {name: Written() for name in SPLITS}
    sums = Tagged()
    total = int((selection.splits != DROPPED).sum())
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(NoteWriter(folder / f"{name}.parquet")) for name in SPLITS]
        for split, note in tag_notes(_selected(spool, selection), total, config, sums):
            writers[split].write(note)
            written[SPLITS[split]].add(note)
    for name, counts in written.items():
        if not counts.notes:  # min_characters took the last of them
            raise empty_split(name, config.splits, selection.groups)
    return written, sums


def _selected(spool: Iterable[Note], selection: Selection) -> Iterator[tuple[int, Note]]:
    for note, split in zip(spool, selection.splits.tolist()):
        if split != DROPPED:
            yield split, note


def _index(folder: Path, config: PrepareConfig) -> dict[str, Any]:
    ngrams = NgramIndexBuilder(config.overlap.n, config.overlap.max_documents, folder)
    neighbours = NeighbourIndexBuilder(folder)
    for note in track(read_notes(folder / "train.parquet"), "indexing training text"):
        ngrams.add(note.text, note.patient_id or note.provenance.get(PIECE_OF, note.id))
        neighbours.add(note.text)
    index, notes = ngrams.finish(), neighbours.finish()
    index.save(folder / NGRAMS)
    notes.save(folder / NEIGHBOURS)
    return {
        "ngrams": len(index),
        "boilerplate": int(index.common.size),
        "n": index.n,
        "max_documents": index.max_documents,
        "notes": len(notes),
    }


def _deid_counts(tagged: Tagged) -> dict[str, Any]:
    """Tags by label, and what the detector found of the identifiers that the sources mark."""
    return {
        "tags": dict(sorted(tagged.tags.items())),
        "gold": {
            label: {
                "marked": count,
                "found": tagged.covered[label],
                "recall": round(tagged.covered[label] / count, 4),
            }
            for label, count in sorted(tagged.gold.items())
        },
    }


def _described(config: PrepareConfig, tagged: Tagged) -> dict[str, Any]:
    """The config for the manifest. Words to deny are identifiers: the detector's account counts them."""
    described = config.model_dump(mode="json", by_alias=True)
    described["deid"]["detector"] = tagged.detector
    for entry, source in zip(described["sources"], config.sources):
        entry |= {"name": source.label, "deid": config.deid_mode(source)}
    return described


def _seeds(config: PrepareConfig) -> dict[str, int]:
    return {
        f"simulate.{s.label}": config.seed if s.simulate.seed is None else s.simulate.seed
        for s in config.sources
        if s.simulate is not None
    }


def count_sources(config: PrepareConfig) -> dict[str, dict[str, Any]]:
    """What would be read, for a dry run: every note is read, nothing is written.

    Raises:
        UsageError, DataError: as ``prepare``.
    """
    read: dict[str, SourceCounts] = {}
    if not sum(1 for _ in read_sources(config, read)):
        raise DataError("the sources hold no notes")
    return source_counts(config, read)

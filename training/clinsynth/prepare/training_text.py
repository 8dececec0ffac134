"""Notes of a corpus as training text, its tokenizer, and its tokens."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from clinsynth.corpus import Note
from clinsynth.corpus.readers import read_notes
from clinsynth.prepare.config import PrepareConfig
from clinsynth.prepare.sources import SOURCE
from clinsynth.progress import track
from clinsynth.tokens.shards import TokenShards, TokenWriter
from clinsynth.tokens.template import ALL, render, sample_header
from clinsynth.tokens.tokenizer import NoteTokenizer, train_tokenizer

_BATCH: Final = 512


class TrainingText:
    """How the notes of one corpus are rendered. The same seed, note and pass give the same text.

    Args:
        entity_labels: marked where they occur; empty: nothing is marked.
    """

    def __init__(self, config: PrepareConfig, entity_labels: Sequence[str]) -> None:
        self._config = config
        self.entity_labels = tuple(entity_labels) if config.entities else ()
        self._repeat: Mapping[str, int] = {s.label: s.repeat for s in config.sources}
        self.passes = max(self._repeat.values())

    def vocabulary_texts(self, notes: Iterable[Note]) -> Iterator[str]:
        """Each note once, with its whole header."""
        return (render(note, ALL, bool(self.entity_labels)) for note in notes)

    def train(self, notes: Iterable[Note], turn: int) -> Iterator[str]:
        """Texts of one pass over the notes; in pass ``turn`` (from 0) those with more repeats than that."""
        for note in notes:
            if turn >= self._repeat[note.provenance[SOURCE]]:
                continue
            rng = random.Random(f"{self._config.seed} {turn} {note.id}")
            yield self._one(note, rng, entities=True)
            if self._marked(note) and rng.random() < self._config.entity_plain_share:
                yield self._one(note, rng, entities=False)

    def valid(self, notes: Iterable[Note]) -> Iterator[str]:
        """Each note once, as training would show it."""
        for note in notes:
            yield self._one(note, random.Random(f"{self._config.seed} valid {note.id}"), entities=True)

    def _one(self, note: Note, rng: random.Random, *, entities: bool) -> str:
        header = sample_header(rng) if self._config.header_dropout else ALL
        return render(note, header, entities and self._marked(note))

    def _marked(self, note: Note) -> bool:
        return bool(self.entity_labels and note.entities)


def make_tokens(folder: Path, text: TrainingText, config: PrepareConfig) -> dict[str, Any]:
    """Writes ``tokenizer/`` and ``tokens/`` beside the notes in ``folder``; gives counts."""
    train, valid = folder / "train.parquet", folder / "valid.parquet"
    texts = text.vocabulary_texts(track(read_notes(train), "learning the vocabulary"))
    tokenizer = train_tokenizer(texts, config.tokenizer.vocabulary, text.entity_labels)
    tokenizer.save(folder / "tokenizer")
    # Whole passes one after the other: repetitions of a note stand far apart.
    passes = (rendered for turn in range(text.passes) for rendered in text.train(read_notes(train), turn))
    return {
        "vocabulary": tokenizer.vocabulary_size,
        "entity_labels": list(tokenizer.entity_labels),
        "train": _write(passes, tokenizer, folder / "tokens" / "train"),
        "valid": _write(text.valid(read_notes(valid)), tokenizer, folder / "tokens" / "valid"),
    }


def _write(texts: Iterable[str], tokenizer: NoteTokenizer, folder: Path) -> dict[str, Any]:
    characters = 0
    with TokenWriter(folder, tokenizer.vocabulary_size) as writer:
        for batch in _batches(track(texts, f"writing tokens of {folder.name}", unit="documents")):
            characters += sum(map(len, batch))
            for ids in tokenizer.encode_batch(batch):
                writer.append(ids)
    lengths = TokenShards(folder).lengths
    middle, most = np.quantile(lengths, [0.5, 0.95], method="lower").tolist()
    return {
        "documents": int(lengths.size),
        "tokens": int(lengths.sum()),
        "characters_per_token": round(characters / int(lengths.sum()), 3),
        "document_tokens": {"median": middle, "p95": most, "longest": int(lengths.max())},
    }


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    stream = iter(texts)
    while batch := list(itertools.islice(stream, _BATCH)):
        yield batch

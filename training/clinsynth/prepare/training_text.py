"""Notes of a corpus as training text, its tokenizer, and its tokens by source."""

from __future__ import annotations

import contextlib
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from clinsynth.corpus import Note
from clinsynth.corpus.readers import read_notes
from clinsynth.folders import file_sha256
from clinsynth.prepare.config import PrepareConfig
from clinsynth.prepare.sources import SOURCE
from clinsynth.progress import track
from clinsynth.tokens.adopt import adopt_tokenizer, find_tokenizer_file
from clinsynth.tokens.shards import TokenShards, TokenWriter
from clinsynth.tokens.template import ALL, render, sample_header
from clinsynth.tokens.tokenizer import NoteTokenizer, train_tokenizer

_BATCH: Final = 512


class TrainingText:
    """How the notes of one corpus are rendered. The same seed, note and number give the same text.

    Args:
        entity_labels: marked where they occur; empty: nothing is marked.
    """

    def __init__(self, config: PrepareConfig, entity_labels: Sequence[str]) -> None:
        self._config = config
        self.entity_labels = tuple(entity_labels) if config.entities else ()
        self._renderings: Mapping[str, int] = {s.label: s.renderings for s in config.sources}

    def vocabulary_texts(self, notes: Iterable[Note]) -> Iterator[str]:
        """Each note once, with its whole header."""
        return (render(note, ALL, bool(self.entity_labels)) for note in notes)

    def train(self, note: Note) -> Iterator[str]:
        """The renderings that the note's source asks for."""
        for number in range(self._renderings[note.provenance[SOURCE]]):
            rng = random.Random(f"{self._config.seed} {number} {note.id}")
            yield self._one(note, rng, entities=True)
            if self._marked(note) and rng.random() < self._config.entity_plain_share:
                yield self._one(note, rng, entities=False)

    def valid(self, note: Note) -> Iterator[str]:
        """The note once, as training would show it."""
        yield self._one(note, random.Random(f"{self._config.seed} valid {note.id}"), entities=True)

    def _one(self, note: Note, rng: random.Random, *, entities: bool) -> str:
        header = sample_header(rng) if self._config.header_dropout else ALL
        return render(note, header, entities and self._marked(note))

    def _marked(self, note: Note) -> bool:
        return bool(self.entity_labels and note.entities)


def check_tokenizer(config: PrepareConfig) -> None:
    """Fails early, before long work.

    Raises:
        UsageError, FolderError: there is no tokenizer where the config says, or it cannot carry our text.
    """
    if config.tokenizer.base is not None:
        adopt_tokenizer(config.tokenizer.base, ())


def tokenizer_hash(config: PrepareConfig) -> dict[str, str]:
    """Path of the tokenizer asked for -> SHA-256; empty when the corpus makes its own."""
    if config.tokenizer.base is None:
        return {}
    path = find_tokenizer_file(config.tokenizer.base)
    return {str(path): file_sha256(path)}


def make_tokens(folder: Path, text: TrainingText, config: PrepareConfig) -> dict[str, Any]:
    """Writes ``tokenizer/`` and ``tokens/`` beside the notes in ``folder``; gives counts.

    Raises:
        UsageError: the tokenizer asked for cannot carry these entity labels.
    """
    train, valid = folder / "train.parquet", folder / "valid.parquet"
    tokenizer = _tokenizer(train, text, config)
    tokenizer.save(folder / "tokenizer")
    return {
        "vocabulary": tokenizer.vocabulary_size,
        "entity_labels": list(tokenizer.entity_labels),
        "train": _write(_texts(train, text.train), tokenizer, folder / "tokens" / "train"),
        "valid": _write(_texts(valid, text.valid), tokenizer, folder / "tokens" / "valid"),
    }


def _tokenizer(train: Path, text: TrainingText, config: PrepareConfig) -> NoteTokenizer:
    if config.tokenizer.base is not None:
        return adopt_tokenizer(config.tokenizer.base, text.entity_labels)
    texts = text.vocabulary_texts(track(read_notes(train), "learning the vocabulary"))
    return train_tokenizer(texts, config.tokenizer.size, text.entity_labels)


def _texts(notes: Path, render: Callable[[Note], Iterator[str]]) -> Iterator[tuple[str, str]]:
    """Source and text of every rendering of every note."""
    for note in track(read_notes(notes), f"writing tokens of {notes.stem}"):
        for rendered in render(note):
            yield note.provenance[SOURCE], rendered


def _write(texts: Iterable[tuple[str, str]], tokenizer: NoteTokenizer, folder: Path) -> dict[str, Any]:
    characters: Counter[str] = Counter()
    writers: dict[str, TokenWriter] = {}
    with contextlib.ExitStack() as stack:
        for batch in _batches(texts):
            encoded = tokenizer.encode_batch([text for _, text in batch])
            for (source, text), ids in zip(batch, encoded):
                if source not in writers:
                    writer = TokenWriter(folder / source, tokenizer.vocabulary_size)
                    writers[source] = stack.enter_context(writer)
                writers[source].append(ids)
                characters[source] += len(text)
    lengths = {source: TokenShards(folder / source).lengths for source in writers}
    return {
        **_counts(np.concatenate(list(lengths.values())), characters.total()),
        "sources": {source: _counts(lengths[source], characters[source]) for source in sorted(writers)},
    }


def _counts(lengths: npt.NDArray[np.int64], characters: int) -> dict[str, Any]:
    middle, most = np.quantile(lengths, [0.5, 0.95], method="lower").tolist()
    return {
        "documents": int(lengths.size),
        "tokens": int(lengths.sum()),
        "characters_per_token": round(characters / int(lengths.sum()), 3),
        "document_tokens": {"median": middle, "p95": most, "longest": int(lengths.max())},
    }


def _batches(texts: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    stream = iter(texts)
    while batch := list(itertools.islice(stream, _BATCH)):
        yield batch

"""Notes as windows of word pieces that an encoder can take, with the way back to characters.

A note is cut at line and sentence ends and the sentences are packed into windows, so that a long note loses
nothing and a short one wastes nothing. A sentence that is too long by itself is cut between words.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from clinsynth.tagging.labels import WORD, Ints

_SENTENCE_END: Final = re.compile(r"\n+|(?<=[.!?])[^\S\n]+(?=[^a-z])")


@dataclass(frozen=True, slots=True)
class Window:
    """What the encoder sees at once.

    Args:
        document: index of the note.
        first: index of the window's first word in the note.
        pieces: ids of word pieces, special ones included.
        heads: for each word the position in ``pieces`` that stands for it.
        capitals: for each piece how its word is written: 0 in small letters or without any, 1 with a
            capital first, 2 in capitals.
    """

    document: int
    first: int
    pieces: Ints
    heads: Ints
    capitals: Ints


@dataclass(frozen=True, slots=True)
class Document:
    """The words of a note: first character and one past the last of each."""

    starts: Ints
    ends: Ints


@dataclass(frozen=True, slots=True)
class EncodedNotes:
    """Notes ready for the encoder."""

    documents: list[Document]
    windows: list[Window]

    @property
    def words(self) -> int:
        """Words and marks in all windows."""
        return sum(len(window.heads) for window in self.windows)


def encode(texts: Sequence[str], tokenizer: Any, max_pieces: int) -> EncodedNotes:
    """Encodes texts with a fast tokenizer of Hugging Face.

    Args:
        max_pieces: longest window in word pieces, special ones included.
    """
    documents: list[Document] = []
    windows: list[Window] = []
    if not texts:
        return EncodedNotes(documents, windows)
    encoded = tokenizer(
        list(texts), add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False
    )
    frame = _frame(tokenizer)
    room = max_pieces - len(frame[0]) - len(frame[1])
    for i, text in enumerate(texts):
        document = _words(text)
        documents.append(document)
        pieces = np.asarray(encoded["input_ids"][i], np.int64)
        offsets = np.asarray(encoded["offset_mapping"][i], np.int64).reshape(-1, 2)
        if len(pieces) and len(document.starts):
            windows += _windows(i, text, document, pieces, offsets, room, frame)
    return EncodedNotes(documents, windows)


def _words(text: str) -> Document:
    spans = np.array([m.span() for m in WORD.finditer(text)], np.int64).reshape(-1, 2)
    return Document(spans[:, 0], spans[:, 1])


def _windows(
    number: int,
    text: str,
    document: Document,
    pieces: Ints,
    offsets: Ints,
    room: int,
    frame: tuple[list[int], list[int]],
) -> list[Window]:
    # Some tokenizers count the blank before a word to its piece: a piece belongs to the word it ends in.
    word_of_piece = np.searchsorted(document.starts, offsets[:, 1] - 1, side="right") - 1
    first_piece = np.searchsorted(word_of_piece, np.arange(len(document.starts)), side="left")
    capitals = _capitals(text, document)[np.maximum(word_of_piece, 0)]
    bounds = [
        *_pack(first_piece, _sentence_starts(text, document), len(pieces), room),
        len(document.starts),
    ]
    before, after = frame
    windows = []
    for first, past in itertools.pairwise(bounds):
        begin = int(first_piece[first])
        end = int(first_piece[past]) if past < len(first_piece) else len(pieces)
        end = min(end, begin + room)  # a single word longer than a window
        inner = pieces[begin:end].tolist()
        if not inner:
            continue
        ids = np.asarray([*before, *inner, *after], np.int64)
        heads = np.clip(first_piece[first:past] - begin, 0, len(inner) - 1) + len(before)
        written = np.pad(capitals[begin:end], (len(before), len(after)))
        windows.append(Window(number, first, ids, heads, written))
    return windows


def _capitals(text: str, document: Document) -> Ints:
    words = (text[start:end] for start, end in zip(document.starts.tolist(), document.ends.tolist()))
    return np.array(
        [2 if len(w) > 1 and w.isupper() else int(w[0].isupper()) for w in words], dtype=np.int64
    )


def _sentence_starts(text: str, document: Document) -> set[int]:
    ends = [m.end() for m in _SENTENCE_END.finditer(text)]
    return set(np.searchsorted(document.starts, ends, side="left").tolist())


def _pack(first_piece: Ints, sentences: set[int], pieces: int, room: int) -> list[int]:
    """First word of each window: as many whole sentences as fit, else as many words."""
    bounds, sentence = [0], 0
    for word in range(1, len(first_piece)):
        past = int(first_piece[word + 1]) if word + 1 < len(first_piece) else pieces
        if word in sentences:
            sentence = word
        if past - int(first_piece[bounds[-1]]) > room:
            bounds.append(sentence if sentence > bounds[-1] else word)
    return bounds


def _frame(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The special pieces that the encoder expects before and after a text."""
    probe = tokenizer("a", return_special_tokens_mask=True)
    ids, special = probe["input_ids"], probe["special_tokens_mask"]
    first = special.index(0)
    past = len(special) - special[::-1].index(0)
    return ids[:first], ids[past:]

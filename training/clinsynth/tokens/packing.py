"""Rows of whole documents: short notes are never cut, and the model sees every note begin and end.

Cutting the stream every 512 tokens would begin most rows in the middle of a note of 350 tokens: half of
what the model learns from would lack the header that steers it. Documents are packed by best fit, longest
first, and the rest of a row is ``<|pad|>``. Those longer than a row are split; their later pieces begin
without a header.

Every process packs for itself when it starts; nothing is stored. All pieces of one size are placed at once,
so that this takes seconds for a hundred million of them (docs/decisions/034).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from clinsynth.errors import FolderError
from clinsynth.tokens.order import Permutation
from clinsynth.tokens.shards import TokenShards

IGNORED: Final = -100
"""The label that losses leave out."""

Ints = npt.NDArray[np.int64]
Sizes = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """One training sample of L tokens; every array has shape [L].

    Args:
        input_ids: documents one after the other, then ``<|pad|>``.
        labels: as Hugging Face has them, *not* shifted: the label of a token is the token itself, and the
            model's loss compares it with the prediction one place earlier. ``IGNORED`` on padding and on
            the first token of each document, which nothing in its own document predicts.
        positions: counted from 0 in each document; 0 on padding.
        segments: 1, 2, ... for the documents of the row; 0 on padding.
    """

    input_ids: Ints
    labels: Ints
    positions: Ints
    segments: Ints

    @property
    def targets(self) -> Ints:
        """For a loss that does not shift: ``targets[i]`` is the token to predict after ``input_ids[i]``."""
        return np.append(self.labels[1:], IGNORED)

    def __repr__(self) -> str:
        """Lengths, never tokens."""
        return f"Row(length={self.input_ids.size}, documents={int(self.segments.max())})"


class PackedRows:
    """The documents of ``shards`` in rows of ``length``; a function of (shards, length, seed) alone.

    Args:
        length: tokens a row, at least 2.
        seed: decides which documents of one length meet, and the order of the rows.
        pad_id: of ``<|pad|>`` in the vocabulary of the shards.

    Raises:
        FolderError: there are no tokens.
    """

    def __init__(self, shards: TokenShards, length: int, seed: int, pad_id: int) -> None:
        assert length >= 2, length
        if not len(shards):
            raise FolderError(f"{shards.folder} holds no tokens: the source is empty")
        self.length = length
        self._shards, self._seed, self._pad_id = shards, seed, pad_id
        starts, sizes = _pieces(shards.documents, length)
        rows = _best_fit(sizes, length, seed)
        by_row = np.argsort(rows, kind="stable")
        self._starts, self._sizes = starts[by_row], sizes[by_row]
        self._first = np.searchsorted(rows[by_row], np.arange(rows.max() + 2))
        self._order = Permutation(len(self), seed, 0)
        self._epoch = 0

    def __len__(self) -> int:
        """Rows in an epoch."""
        return self._first.size - 1

    @property
    def fill(self) -> float:
        """Share of the rows' places that hold a token and not ``<|pad|>``."""
        return len(self._shards) / (len(self) * self.length)

    @property
    def targets(self) -> int:
        """Tokens of an epoch that a loss is taken over: nothing predicts the first of a piece."""
        return len(self._shards) - self._sizes.size

    def row(self, sample: int) -> Row:
        """Sample ``sample`` of an endless training run, shuffled anew in each epoch.

        Samples 0 to ``len(self) - 1`` are each row once, so a validation pass takes just these.
        """
        return self._build(self._index(sample))

    def targets_of(self, sample: int) -> int:
        """Tokens of a sample that a loss is taken over, known without reading them."""
        index = self._index(sample)
        first, last = self._first[index], self._first[index + 1]
        return int(self._sizes[first:last].sum() - (last - first))

    def _index(self, sample: int) -> int:
        assert sample >= 0, sample
        epoch, place = divmod(sample, len(self))
        if epoch != self._epoch:
            self._order, self._epoch = Permutation(len(self), self._seed, epoch), epoch
        return self._order[place]

    def _build(self, index: int) -> Row:
        row = Row(
            np.full(self.length, self._pad_id, np.int64),
            np.full(self.length, IGNORED, np.int64),
            np.zeros(self.length, np.int64),
            np.zeros(self.length, np.int64),
        )
        place = 0
        first, last = self._first[index], self._first[index + 1]
        for segment, (start, size) in enumerate(
            zip(self._starts[first:last].tolist(), self._sizes[first:last].tolist()), start=1
        ):
            tokens, here = self._shards.read(start, start + size), slice(place, place + size)
            row.input_ids[here] = tokens
            row.labels[here] = tokens
            row.labels[place] = IGNORED
            row.positions[here] = np.arange(size)
            row.segments[here] = segment
            place += size
        return row


def _pieces(documents: Ints, length: int) -> tuple[Ints, Sizes]:
    """Start and size of each document, those longer than ``length`` split into pieces of it and a rest."""
    counts = -(-np.diff(documents) // length)
    nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = np.repeat(documents[:-1], counts) + nth * length
    sizes = np.minimum(np.repeat(documents[1:], counts) - starts, length)
    return starts, sizes.astype(np.int32)


def _best_fit(sizes: Sizes, length: int, seed: int) -> Sizes:
    """The row of each piece: longest first, each into the fullest row that still has room for it.

    One by one, the pieces of a size would fill up the fullest rows that can take any, each of those as far
    as it goes, before the next ones: so all of them are placed at once, row after row.
    """
    shuffled = np.random.default_rng(seed).permutation(sizes.size)
    # Numbers of 16 bits are sorted in linear time.
    shortness = (length - sizes[shuffled]).astype(np.min_scalar_type(length))
    pieces = shuffled[np.argsort(shortness, kind="stable")]
    counts = np.bincount(sizes)
    row_of = np.empty(sizes.size, np.int32)
    open_rows, done = _OpenRows(length), 0
    for size in np.flatnonzero(counts)[::-1].tolist():
        end = done + int(counts[size])
        while done < end:
            rows, room = open_rows.fullest(size, end - done)
            each = room // size
            full, over = divmod(min(end - done, rows.size * each), each)
            placed = full * each + over
            row_of[pieces[done : done + placed]] = np.repeat(rows, each)[:placed]
            done += placed
            open_rows.add(rows[:full], room - each * size)
            open_rows.add(rows[full : full + 1], room - over * size)
            open_rows.add(rows[full + 1 :], room)
    return row_of


class _OpenRows:
    """Rows that are not full.

    ``_rows[r]`` are those with r places left; bit r of ``_available`` says that there are any, so that the
    fullest rows with room for a piece are found by one shift and one bit trick.
    """

    def __init__(self, length: int) -> None:
        self._length, self._next, self._available = length, 0, 0
        self._rows: list[list[Sizes]] = [[] for _ in range(length + 1)]

    def fullest(self, size: int, pieces: int) -> tuple[Sizes, int]:
        """Takes out the fullest rows with room for a piece of ``size``, and says how much room they have.

        Where there are none, these are new rows, as many as take all ``pieces``.
        """
        fitting = self._available >> size
        if fitting:
            room = size + (fitting & -fitting).bit_length() - 1
            rows, self._rows[room] = np.concatenate(self._rows[room]), []
            self._available ^= 1 << room
            return rows, room
        first, self._next = self._next, self._next - (-pieces // (self._length // size))
        return np.arange(first, self._next, dtype=np.int32), self._length

    def add(self, rows: Sizes, room: int) -> None:
        """Puts rows with ``room`` places left among the others; full ones are done with."""
        if rows.size and room:
            self._rows[room].append(rows)
            self._available |= 1 << room

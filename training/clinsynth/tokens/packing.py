"""Rows of whole documents: short notes are never cut, and the model sees every note begin and end.

Cutting the stream every 512 tokens would begin most rows in the middle of a note of 350 tokens: half of
what the model learns from would lack the header that steers it. Documents are packed by best fit, longest
first, and the rest of a row is ``<|pad|>``. Those longer than a row are split; their later pieces begin
without a header.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from clinsynth.errors import FolderError
from clinsynth.tokens.order import Permutation
from clinsynth.tokens.shards import TokenShards
from clinsynth.tokens.special import CONTROL, PAD

IGNORED: Final = -100
"""The label that losses leave out."""
_PAD_ID: Final = CONTROL.index(PAD)

Ints = npt.NDArray[np.int64]


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

    Raises:
        FolderError: there are no tokens.
    """

    def __init__(self, shards: TokenShards, length: int, seed: int) -> None:
        assert length >= 2, length
        if not len(shards):
            raise FolderError("there are no tokens to train on: the split is empty")
        self.length = length
        self._shards, self._seed = shards, seed
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

    def row(self, sample: int) -> Row:
        """Sample ``sample`` of an endless training run, shuffled anew in each epoch.

        Samples 0 to ``len(self) - 1`` are each row once, so a validation pass takes just these. With a
        global batch of B, step s reads samples ``s * B`` to ``s * B + B - 1``, however they are shared out.
        """
        assert sample >= 0, sample
        epoch, place = divmod(sample, len(self))
        if epoch != self._epoch:
            self._order, self._epoch = Permutation(len(self), self._seed, epoch), epoch
        return self._build(self._order[place])

    def _build(self, index: int) -> Row:
        row = Row(
            np.full(self.length, _PAD_ID, np.int64),
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


def _pieces(documents: Ints, length: int) -> tuple[Ints, Ints]:
    """Start and size of each document, those longer than ``length`` split into pieces of it and a rest."""
    sizes = np.diff(documents)
    counts = -(-sizes // length)
    nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = np.repeat(documents[:-1], counts) + nth * length
    return starts, np.minimum(np.repeat(documents[1:], counts) - starts, length)


def _best_fit(sizes: Ints, length: int, seed: int) -> Ints:
    """The row of each piece: longest first, each into the fullest row that still has room for it.

    ``open_rows[r]`` are the rows with r places left; bit r of ``available`` says that there are any, so
    that finding the fullest row that fits is one shift and one bit trick.
    """
    shuffled = np.random.default_rng(seed).permutation(sizes.size)
    longest_first = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    rows = np.empty(sizes.size, np.int64)
    open_rows: list[list[int]] = [[] for _ in range(length + 1)]
    available, next_row = 0, 0
    for piece, size in zip(longest_first.tolist(), sizes[longest_first].tolist()):
        fitting = available >> size
        if fitting:
            room = size + (fitting & -fitting).bit_length() - 1
            row = open_rows[room].pop()
            if not open_rows[room]:
                available ^= 1 << room
        else:
            room, row, next_row = length, next_row, next_row + 1
        rows[piece] = row
        if room > size:
            open_rows[room - size].append(row)
            available |= 1 << (room - size)
    return rows

"""How alike is a text, as a whole, to the nearest training note?

Words may have been changed all over a note, so that no long stretch is copied, and it is that note still.
The index holds a MinHash signature of each training note, 126 numbers, and where each of their 42 bands of
3 lies in order, memory-mapped: 840 bytes a note, whatever its length. A text's bands are looked up by
binary search; the notes that share one are compared by their whole signatures.

Two errors are possible, and ``least_estimate`` keeps both together below 1 %. Two texts that are alike to
the degree s share no band with a probability of (1 - s**3)**42: 0.4 % at 0.5, less above. And the estimate
is binomial: s give or take sqrt(s (1 - s) / 126), 0.036 at 0.8; so it is not the threshold itself that an
estimate must reach, but what pairs at the threshold reach in 99 cases of 100. The price are notes a little
less alike that are taken for neighbours: at a threshold of 0.8 half of those at 0.72.

Boilerplate is not dropped. A shared phrase makes few of a note's shingles, and notes that are alike as a
whole by their form alone are near duplicates of each other, of which ``prepare`` keeps one.

What it does not know: whose note it was, a note inside a longer one, and rewordings of every phrase.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from clinsynth.errors import DataError, FolderError
from clinsynth.overlap.sketch import (
    SKETCH_VERSION,
    Signatures,
    band_hashes,
    missed_by_bands,
    shingles,
    signatures,
)
from clinsynth.overlap.spill import ArrayFile
from clinsynth.overlap.words import HASH_VERSION, Hashes

BANDS: Final = 42
ROWS: Final = 3
LENGTH: Final = BANDS * ROWS
LEAST_THRESHOLD: Final = 0.5
"""Below it the bands alone miss more than 1 %."""

_MISSED: Final = 0.01
_WIDTH: Final = 2 * BANDS + LENGTH  # numbers that are stored of a note
_FIELD: Final = re.compile(r"minhash(\d+)_hash(\d+)_b(\d+)_r(\d+)")
_NAME: Final = f"minhash{SKETCH_VERSION}_hash{HASH_VERSION}_b{BANDS}_r{ROWS}"
_BATCH_TEXTS: Final = 512
_COMPARED_AT_ONCE: Final = 4096

Numbers = npt.NDArray[np.uint32]


class NeighbourIndex:
    """The signatures of notes. Make one with ``build``, ``NeighbourIndexBuilder`` or ``load``.

    Args:
        keys: of each band the keys of all notes, sorted, shape [BANDS, notes].
        order: of each band the notes in the order of their keys, shape [BANDS, notes].
        signed: shape [notes, LENGTH].
    """

    def __init__(self, keys: Numbers, order: Numbers, signed: Signatures) -> None:
        self._keys, self._order, self.signed = keys, order, signed

    def __len__(self) -> int:
        """Number of notes."""
        return int(self.signed.shape[0])

    def __repr__(self) -> str:
        return f"NeighbourIndex(notes={len(self)})"

    @classmethod
    def build(cls, texts: Iterable[str]) -> NeighbourIndex:
        """The index of ``texts``, which are read once."""
        builder = NeighbourIndexBuilder()
        for text in texts:
            builder.add(text)
        return builder.finish()

    def joined(self, other: NeighbourIndex) -> NeighbourIndex:
        """The index of the notes of both."""
        return _indexed(np.concatenate([self.signed, other.signed]), None)

    def similarity(self, text: str) -> float:
        """The estimated Jaccard similarity, from 0 to 1, of the 5-word shingles of ``text`` and of the note
        most like it; 0 when no note shares a band."""
        members = shingles(text)
        if not members.size or not len(self):
            return 0.0
        own = signatures([members], LENGTH)
        best = 0.0
        candidates = self._candidates(_keys(own, BANDS)[0])
        for i in range(0, candidates.size, _COMPARED_AT_ONCE):
            some = self.signed[candidates[i : i + _COMPARED_AT_ONCE]]
            best = max(best, float((some == own).mean(axis=1).max()))
        return best

    def save(self, path: Path) -> None:
        """Writes a ``.npy`` file, one array whose one field's name says what the numbers are."""
        path.parent.mkdir(parents=True, exist_ok=True)
        numbers = ArrayFile([(_NAME, "<u4")], path.parent)
        for part in (self._keys, self._order, self.signed):
            numbers.append(np.ascontiguousarray(part, "<u4").reshape(-1).view(numbers.dtype))
        with path.open("wb") as stream:
            np.save(stream, numbers.array(), allow_pickle=False)
        numbers.close()

    @classmethod
    def load(cls, path: Path) -> Self:
        """The index at ``path``, memory-mapped.

        Raises:
            FolderError: there is none, it is damaged, or another release made it.
        """
        try:
            array: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            raise FolderError(f"{path} is missing: it is the index of near neighbours") from None
        except (OSError, ValueError, EOFError):
            raise FolderError(f"{path} is damaged: it is not an array of numpy") from None
        names: tuple[str, ...] = array.dtype.names or ()
        if len(names) != 1 or not _FIELD.fullmatch(names[0]) or array.ndim != 1 or array.size % _WIDTH:
            raise FolderError(f"{path} is not an index of near neighbours")
        if names[0] != _NAME or array.dtype[0] != np.dtype("<u4"):
            raise FolderError(
                f"{path} holds {names[0]}, this release reads {_NAME}: prepare the corpus anew"
            )
        numbers, notes = array[names[0]], array.size // _WIDTH
        keys, order, signed = np.split(numbers, [BANDS * notes, 2 * BANDS * notes])
        return cls(keys.reshape(BANDS, notes), order.reshape(BANDS, notes), signed.reshape(notes, LENGTH))

    def _candidates(self, own: Numbers) -> Numbers:
        """The notes that share a band."""
        found = []
        for band, key in enumerate(own):
            start, end = self._keys[band].searchsorted(key), self._keys[band].searchsorted(key, "right")
            found.append(self._order[band, start:end])
        return np.unique(np.concatenate(found))


class NeighbourIndexBuilder:
    """Collects signatures note by note, on disk, so that memory stays flat.

    Args:
        folder: where the temporary, nameless files lie.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._signed = ArrayFile("<u4", folder)
        self._batch: list[Hashes] = []
        self.documents = 0

    def add(self, text: str) -> None:
        """Adds a note. One without a word is like none."""
        self.documents += 1
        members = shingles(text)
        if members.size:
            self._batch.append(members)
        if len(self._batch) == _BATCH_TEXTS:
            self._flush()

    def finish(self) -> NeighbourIndex:
        """The index of all that was added; its numbers lie in nameless files until it is saved.

        Raises:
            DataError: no note was added.
        """
        if not self.documents:
            raise DataError("there is no text to index: the corpus is empty")
        self._flush()
        signed = self._signed.array().reshape(-1, LENGTH)
        self._signed.close()
        return _indexed(signed, self._folder)

    def _flush(self) -> None:
        if self._batch:
            self._signed.append(signatures(self._batch, LENGTH).ravel())
            self._batch = []


@cache
def least_estimate(threshold: float) -> float:
    """What ``similarity`` gives, or more, for 99 of 100 texts that are as alike as ``threshold`` to a note.

    Args:
        threshold: Jaccard similarity of 5-word shingles, from ``LEAST_THRESHOLD`` to 1.
    """
    assert LEAST_THRESHOLD <= threshold <= 1, threshold
    may_miss = _MISSED - missed_by_bands(threshold, BANDS, ROWS)
    missed = 0.0  # the probability of fewer equal numbers than `equal`
    for equal in range(LENGTH + 1):
        missed += math.comb(LENGTH, equal) * threshold**equal * (1 - threshold) ** (LENGTH - equal)
        if missed > may_miss:
            return equal / LENGTH
    return 1.0


def _indexed(signed: Signatures, folder: Path | None) -> NeighbourIndex:
    """The bands of all signatures in order, a band at a time: less than 100 bytes a note in memory."""
    keys, order = ArrayFile("<u4", folder), ArrayFile("<u4", folder)
    for band in range(BANDS):
        own = _keys(signed[:, band * ROWS : (band + 1) * ROWS], 1)[:, 0]
        places = np.argsort(own, kind="stable")
        keys.append(own[places])
        order.append(places.astype(np.uint32))
    arrays = [file.array().reshape(BANDS, -1) for file in (keys, order)]
    keys.close()
    order.close()
    return NeighbourIndex(arrays[0], arrays[1], signed)


def _keys(signed: Signatures, bands: int) -> Numbers:
    """The key of each band, shape [signatures, bands]: half of its hash.

    What is equal by chance is compared in vain, and that is all.
    """
    return (band_hashes(signed, bands, ROWS) >> np.uint64(32)).astype(np.uint32)

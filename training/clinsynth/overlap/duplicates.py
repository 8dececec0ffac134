"""Which texts are nearly the same? MinHash proposes, the true Jaccard similarity decides.

A text is the set of its 5-word shingles. MinHash signatures are cut into bands; texts that share a band are
candidates, and are taken for near duplicates only when their shingle sets are at least ``threshold`` alike.
The bands are laid so that a pair at the threshold is missed with a probability below 0.2 %.

Shingles and signatures lie in nameless temporary files: memory is a few bytes a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from clinsynth.overlap.forest import Forest
from clinsynth.overlap.sketch import band_hashes, missed_by_bands, shingles, signatures
from clinsynth.overlap.spill import ArrayFile
from clinsynth.overlap.words import Hashes

_PERMUTATIONS: Final = 128
_MISSED: Final = 0.002
_BATCH_TEXTS: Final = 512
_REPRESENTATIVES: Final = 50  # texts of a crowded band that a newcomer is compared with

Ints = npt.NDArray[np.int64]


def near_duplicate_clusters(
    texts: Iterable[str], threshold: float = 0.8, folder: Path | None = None
) -> list[int]:
    """The number of each text's cluster; numbers count up from 0 in the order of first appearance.

    Args:
        texts: read once.
        threshold: Jaccard similarity of 5-word shingle sets, over 0 and up to 1, from which two texts are
            near duplicates. Clusters are what such pairs connect.
        folder: where the temporary files lie.
    """
    assert 0 < threshold <= 1, threshold
    members, starts, bands = _sketch(texts, threshold, folder)
    joined = Forest(starts.size - 1)
    for band in range(bands.shape[1]):
        for crowd in _crowds(np.ascontiguousarray(bands[:, band])):
            _join_alike(crowd, members, starts, threshold, joined)
    return joined.numbers()


def layout(threshold: float) -> tuple[int, int]:
    """Bands and rows in a band: the most rows, so the fewest candidates, that rarely miss a pair at the
    threshold."""
    for rows in range(_PERMUTATIONS, 0, -1):
        bands = _PERMUTATIONS // rows
        if missed_by_bands(threshold, bands, rows) <= _MISSED:
            return bands, rows
    return _PERMUTATIONS, 1


def jaccard(a: Hashes, b: Hashes) -> float:
    """Similarity of two sorted sets; two empty sets are the same."""
    both = np.intersect1d(a, b, assume_unique=True).size
    union = a.size + b.size - both
    return both / union if union else 1.0


def _sketch(texts: Iterable[str], threshold: float, folder: Path | None) -> tuple[Hashes, Ints, Hashes]:
    """All shingles one after the other; where each text's begin, and their number; a hash for each band,
    shape [texts, bands]."""
    count, rows = layout(threshold)
    members, bands = ArrayFile("<u8", folder), ArrayFile("<u8", folder)
    sizes: list[int] = []
    for batch in _batches(texts):
        for one in batch:
            members.append(one)
            sizes.append(one.size)
        bands.append(band_hashes(signatures(batch, count * rows), count, rows).ravel())
    starts = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=starts[1:])
    arrays = members.array(), bands.array().reshape(-1, count)
    members.close()
    bands.close()
    return arrays[0], starts, arrays[1]


def _batches(texts: Iterable[str]) -> Iterator[list[Hashes]]:
    batch: list[Hashes] = []
    for text in texts:
        batch.append(shingles(text))
        if len(batch) == _BATCH_TEXTS:
            yield batch
            batch = []
    if batch:
        yield batch


def _crowds(band: Hashes) -> Iterator[Ints]:
    """The texts that share their hash of a band, two or more, in order."""
    order = np.argsort(band, kind="stable")
    ordered = band[order]
    edges = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    starts, ends = np.append(0, edges), np.append(edges, band.size)
    for i in np.flatnonzero(ends - starts > 1).tolist():
        yield order[starts[i] : ends[i]]


def _join_alike(crowd: Ints, members: Hashes, starts: Ints, threshold: float, joined: Forest) -> None:
    """Compares each text of a crowd with one of every cluster met so far, not with all others."""
    representatives: list[int] = []
    for text in crowd.tolist():
        own = members[starts[text] : starts[text + 1]]
        known = False
        for other in representatives:
            if joined.root(text) == joined.root(other):
                known = True
            elif _may_be_alike(starts, text, other, threshold):
                theirs = members[starts[other] : starts[other + 1]]
                if jaccard(own, theirs) >= threshold:
                    joined.join(text, other)
                    known = True
        if not known and len(representatives) < _REPRESENTATIVES:
            representatives.append(text)


def _may_be_alike(starts: Ints, a: int, b: int, threshold: float) -> bool:
    # Sets whose sizes differ by more cannot be so similar.
    sizes = starts[a + 1] - starts[a], starts[b + 1] - starts[b]
    return bool(min(sizes) >= threshold * max(sizes))

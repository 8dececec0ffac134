"""Who shares a long passage with whom, word for word?

Two texts share a passage when the same run of so many words stands in both; then both hold the hash of one
n-gram, and sorting all hashes brings them together: linear in the words, and no pair is missed. Near
duplicates (``duplicates``) are alike as a whole; this finds a page that was pasted into another note, the
half of a note that was cut off, the paragraphs that one hand dictates for every patient of a kind.

A passage of more than a few owners is boilerplate. It joins nobody: by way of stock phrases, all notes of a
hospital would hang together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clinsynth.overlap.forest import Forest
from clinsynth.overlap.owners import Owned, Owners
from clinsynth.overlap.words import ngram_hashes, word_hashes

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SharedPassages:
    """``groups``: for each owner the smallest one of its group; ``boilerplate``: passages that join nobody,
    counted at every word where one begins."""

    groups: Ints
    boilerplate: int


def shared_passages(
    texts: Iterable[tuple[int, str]],
    apart: npt.NDArray[np.bool_],
    *,
    words: int,
    max_owners: int,
    folder: Path | None = None,
) -> SharedPassages:
    """Groups of owners that passages connect.

    Args:
        texts: owner (from 0) and text, any number of texts an owner; read once.
        apart: of each owner, whether it stays apart from others that do: the passage of two such joins them
            only when a third holds it that does not stay apart.
        words: length of a passage.
        max_owners: a passage of more owners is boilerplate.
        folder: where the temporary files lie.
    """
    assert words >= 1, words
    owners, forest, boilerplate = Owners(folder), Forest(apart.size), 0
    for owner, text in texts:
        owners.add(ngram_hashes(word_hashes(text), words), owner)
    for part in owners.drain():
        boilerplate += int((part.counts > max_owners).sum())
        for a, b in _neighbours(part, apart, max_owners):
            forest.join(a, b)
    return SharedPassages(np.array(forest.roots(), np.int64), boilerplate)


def _neighbours(part: Owned, apart: npt.NDArray[np.bool_], max_owners: int) -> Iterator[tuple[int, int]]:
    """Pairs of owners to join, each pair once; a passage of k owners gives k - 1 pairs."""
    counts = part.counts
    stay_apart = np.logical_and.reduceat(apart[part.owners], part.starts)
    joins = np.repeat((counts <= max_owners) & ~stay_apart, counts)
    joins[part.starts] = False  # the first owner of a passage has none before it
    second = np.flatnonzero(joins)
    pairs = np.stack([part.owners[second - 1], part.owners[second]], axis=1)
    yield from map(tuple, np.unique(pairs, axis=0).tolist())

"""MinHash: the share of equal numbers in two short signatures estimates how alike two texts are.

A text is the set of its 5-word shingles. Signatures are cut into bands; texts that share a band are
candidates for being alike (Broder 1997; Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, ch. 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from clinsynth.overlap.words import Hashes, ngram_hashes, word_hashes

SHINGLE_WORDS: Final = 5
SKETCH_VERSION: Final = 1
"""Goes into the name of what is stored; changes with the shingles and with ``rensa``'s algorithm."""
_SEED: Final = 42

Signatures = npt.NDArray[np.uint32]


def shingles(text: str) -> Hashes:
    """The text's shingles as sorted hashes, each once.

    A text of fewer words is one shingle, so that short texts are alike only when they are the same.
    """
    words = word_hashes(text)
    return np.unique(ngram_hashes(words, max(1, min(SHINGLE_WORDS, words.size))))


def signatures(sets: Sequence[Hashes], length: int) -> Signatures:
    """The signature of each set of shingles, shape [sets, length]."""
    from rensa import RMinHash

    offsets = np.cumsum([0, *(s.size for s in sets)]).astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(np.concatenate(sets), offsets, length, _SEED)
    return np.array(matrix.to_rows(), np.uint32).reshape(len(sets), length)


def band_hashes(signed: Signatures, bands: int, rows: int) -> Hashes:
    """A hash for each band of each signature, shape [signatures, bands]."""
    used = signed[:, : bands * rows].astype(np.uint64)
    return ngram_hashes(used.ravel(), rows)[::rows].reshape(-1, bands)


def missed_by_bands(similarity: float, bands: int, rows: int) -> float:
    """The probability that two texts so alike share no band."""
    return float((1 - similarity**rows) ** bands)

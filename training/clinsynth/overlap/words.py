r"""Words of a text and 64-bit hashes of their n-grams, the same on every machine and in every run.

A word is a maximal run of ``\w``, or a tag such as ``<|NAME|>``; letter case does not count, nor does what
stands between words. A word's hash is BLAKE2b's, remembered; an n-gram's is a polynomial in the hashes of
its words, modulo 2**64, mixed, so that all n-grams of a text take n vector operations.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

import numpy as np
import numpy.typing as npt

HASH_VERSION: Final = 1
"""Goes into the name of what is stored: indexes of another version are refused."""

Hashes = npt.NDArray[np.uint64]

_WORD: Final = re.compile(r"<\|\w+\|>|\w+")
_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
_REMEMBERED: Final = 1 << 20


class _WordHashes(dict[str, int]):
    """Word as it stands in a text -> hash of its lower case. Forgets all when it has grown large."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _REMEMBERED:
            self.clear()
        data = word.lower().encode("utf-8", "surrogatepass")
        value = int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
        self[word] = value
        return value


_hashes: Final = _WordHashes()


def word_hashes(text: str) -> Hashes:
    """A hash for each word, shape [words]."""
    return _hash_words(_WORD.findall(text))


def word_places(text: str) -> tuple[Hashes, list[tuple[int, int]]]:
    """A hash for each word, and its start and end in characters."""
    matches = list(_WORD.finditer(text))
    return _hash_words([m[0] for m in matches]), [m.span() for m in matches]


def ngram_hashes(words: Hashes, n: int) -> Hashes:
    """A hash for each n-gram, in order, shape [words - n + 1]; shape [0] for fewer words than n."""
    assert n >= 1, n
    count = words.size - n + 1
    if count <= 0:
        return np.zeros(0, np.uint64)
    value = words[:count].copy()
    for i in range(1, n):
        value *= _BASE
        value += words[i : i + count]
    return _mix(value)


def _hash_words(words: list[str]) -> Hashes:
    return np.fromiter(map(_hashes.__getitem__, words), np.uint64, len(words))


def _mix(value: Hashes) -> Hashes:
    """Spreads the polynomial over all bits (SplitMix64's finaliser): the top bits sort into buckets."""
    value ^= value >> np.uint64(30)
    value *= np.uint64(0xBF58476D1CE4E5B9)
    value ^= value >> np.uint64(27)
    value *= np.uint64(0x94D049BB133111EB)
    value ^= value >> np.uint64(31)
    return value

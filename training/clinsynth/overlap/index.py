"""Which stretches of a text stand in the training text, word for word?

The index holds a 64-bit hash of each word n-gram of the training notes, sorted, memory-mapped: 8 bytes a
word of training text, looked up by binary search. N-grams that many notes share are boilerplate ("the
patient was taken to the operating room in stable condition") and would make every note a copy; those in
more than ``max_documents`` notes make no copy. Notes of one patient count as one (pass ``group``): a
history that is carried forward from note to note is not boilerplate, it is that patient's. Boilerplate is
kept apart (a third of a percent of real notes): a copy goes on through it.

What it does not know: whose words they were, copies shorter than n words, and rewordings. A text without a
shared n-gram is called a copy with a probability of its n-grams times the index's over 2**64.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from clinsynth.errors import DataError, FolderError
from clinsynth.overlap.owners import Owners
from clinsynth.overlap.spill import ArrayFile
from clinsynth.overlap.words import HASH_VERSION, Hashes, ngram_hashes, word_hashes, word_places

DEFAULT_N: Final = 13
DEFAULT_MAX_DOCUMENTS: Final = 2

_FIELD: Final = re.compile(r"hash(\d+)_n(\d+)_max(\d+|any)(?:_common(\d+))?")


class NgramIndex:
    """The sorted hashes of n-grams. Make one with ``build``, ``NgramIndexBuilder`` or ``load``.

    Args:
        hashes: of the n-grams that make a copy, sorted, each once, shape [n-grams].
        common: of the others, boilerplate, in the same way.
        n: words in an n-gram.
        max_documents: n-grams of more notes are boilerplate; None: none are.
    """

    def __init__(self, hashes: Hashes, common: Hashes, n: int, max_documents: int | None) -> None:
        self.hashes, self.common = hashes, common
        self.n = n
        self.max_documents = max_documents

    def __len__(self) -> int:
        """Number of n-grams that make a copy."""
        return int(self.hashes.size)

    def __repr__(self) -> str:
        return f"NgramIndex(ngrams={len(self)}, n={self.n}, max_documents={self.max_documents})"

    @classmethod
    def build(
        cls,
        texts: Iterable[str],
        n: int = DEFAULT_N,
        max_documents: int | None = DEFAULT_MAX_DOCUMENTS,
        groups: Iterable[Hashable | None] | None = None,
    ) -> NgramIndex:
        """The index of ``texts``, which are read once.

        Args:
            groups: for each text whose it is (a patient); None: nobody else's.
        """
        builder = NgramIndexBuilder(n, max_documents)
        for text, group in zip(texts, itertools.repeat(None) if groups is None else groups):
            builder.add(text, group)
        return builder.finish()

    def joined(self, other: NgramIndex) -> NgramIndex:
        """The index of what either of the two indexes.

        Raises:
            DataError: they are of n-grams of different lengths.
        """
        if self.n != other.n:
            raise DataError(f"indexes of {self.n} and of {other.n} words cannot be joined")
        limits = [limit for limit in (self.max_documents, other.max_documents) if limit is not None]
        hashes = np.union1d(self.hashes, other.hashes)
        common = np.setdiff1d(np.union1d(self.common, other.common), hashes, assume_unique=True)
        return NgramIndex(hashes, common, self.n, max(limits) if len(limits) == 2 else None)

    def copied(self, text: str) -> list[tuple[int, int]]:
        """The words that are copied: stretches (start, end) in characters, end exclusive, in order, apart.

        N-grams that make a copy and share a word make one stretch, so two that touch may come from two
        notes.
        """
        words, places = word_places(text)
        hits = np.flatnonzero(_contains(self.hashes, ngram_hashes(words, self.n)))
        if not hits.size:
            return []
        breaks = np.flatnonzero(np.diff(hits) >= self.n)
        firsts = hits[np.concatenate([[0], breaks + 1])]
        lasts = hits[np.concatenate([breaks, [hits.size - 1]])] + self.n - 1
        return [(places[a][0], places[b][1]) for a, b in zip(firsts.tolist(), lasts.tolist())]

    def matches(self, text: str) -> list[tuple[int, int]]:
        """The longest stretches of training text: (start, end) in characters, in order; may overlap.

        Of the runs of words of which every n-gram stands in the training text, those with one that makes a
        copy. The longest stretch that the text has in common with any one note, and that is not all
        boilerplate, is never longer than the run that it lies in; a run is longer only where the words of
        two notes meet in the same n - 1 words.
        """
        words, places = word_places(text)
        ngrams = ngram_hashes(words, self.n)
        copies = _contains(self.hashes, ngrams)
        known = copies | _contains(self.common, ngrams)
        edges = np.flatnonzero(np.diff(known, prepend=False, append=False)).reshape(-1, 2)
        return [
            (places[first][0], places[end + self.n - 2][1])
            for first, end in edges.tolist()
            if copies[first:end].any()
        ]

    def save(self, path: Path) -> None:
        """Writes a ``.npy`` file whose one field's name says what the numbers are.

        ``np.load(path)["hash1_n13_max2_common7"]`` are the hashes, the last 7 of them of boilerplate.
        """
        limit = "any" if self.max_documents is None else self.max_documents
        field = f"hash{HASH_VERSION}_n{self.n}_max{limit}_common{self.common.size}"
        path.parent.mkdir(parents=True, exist_ok=True)
        numbers = ArrayFile([(field, "<u8")], path.parent)
        for part in (self.hashes, self.common):
            numbers.append(np.ascontiguousarray(part, "<u8").view(numbers.dtype))
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
            raise FolderError(f"{path} is missing: it is the index of the training text") from None
        except (OSError, ValueError, EOFError):
            raise FolderError(f"{path} is damaged: it is not an array of numpy") from None
        names: tuple[str, ...] = array.dtype.names or ()
        match = _FIELD.fullmatch(names[0]) if len(names) == 1 else None
        if match is None or array.ndim != 1 or array.dtype[0] != np.dtype("<u8"):
            raise FolderError(f"{path} is not an index of n-grams")
        version, n, limit, common = match.groups()
        if int(version) != HASH_VERSION:
            raise FolderError(f"{path} has hashes of version {version}, this release reads {HASH_VERSION}")
        if common is None or int(common) > array.size:
            raise FolderError(f"{path} was written by an older release: prepare the corpus and train anew")
        hashes, boilerplate = np.split(array[names[0]], [array.size - int(common)])
        return cls(hashes, boilerplate, int(n), None if limit == "any" else int(limit))


class NgramIndexBuilder:
    """Collects n-grams note by note, on disk, so that memory stays flat.

    Args:
        n: words in an n-gram.
        max_documents: n-grams of more notes (of more groups) are boilerplate; None: none are.
        folder: where the temporary, nameless files lie.
    """

    def __init__(
        self,
        n: int = DEFAULT_N,
        max_documents: int | None = DEFAULT_MAX_DOCUMENTS,
        folder: Path | None = None,
    ) -> None:
        assert n >= 1, n
        assert max_documents is None or max_documents >= 1, max_documents
        self.n, self.max_documents = n, max_documents
        self.documents = 0
        self._folder = folder
        self._owners = Owners(folder)
        self._groups: dict[Hashable, int] = {}
        self._next_group = 0

    def add(self, text: str, group: Hashable | None = None) -> None:
        """Adds a note; ``group`` says whose it is, None: nobody else's."""
        self._owners.add(ngram_hashes(word_hashes(text), self.n), self._number(group))
        self.documents += 1

    def finish(self) -> NgramIndex:
        """The index of all that was added; its numbers lie in nameless files until it is saved.

        Raises:
            DataError: no note was added.
        """
        if not self.documents:
            raise DataError("there is no text to index: the corpus is empty")
        kept, common = ArrayFile("<u8", self._folder), ArrayFile("<u8", self._folder)
        for part in self._owners.drain():
            many = part.counts > (np.inf if self.max_documents is None else self.max_documents)
            kept.append(part.hashes[~many])
            common.append(part.hashes[many])
        index = NgramIndex(kept.array(), common.array(), self.n, self.max_documents)
        kept.close()
        common.close()
        return index

    def _number(self, group: Hashable | None) -> int:
        if group is not None and group in self._groups:
            return self._groups[group]
        number, self._next_group = self._next_group, self._next_group + 1
        if group is not None:
            self._groups[group] = number
        return number


def _contains(known: Hashes, hashes: Hashes) -> npt.NDArray[np.bool_]:
    if not known.size or not hashes.size:
        return np.zeros(hashes.size, np.bool_)
    places = np.searchsorted(known, hashes)
    found: npt.NDArray[np.bool_] = known[np.minimum(places, known.size - 1)] == hashes
    return found

"""Who holds which hash, for more text than memory holds: pairs go to disk and come back sorted by hash.

Pairs lie in 64 nameless files by the top bits of their hash and are sorted a file at a time, so memory is a
64th of the pairs; 12 bytes a pair on disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from clinsynth.overlap.spill import ArrayFile
from clinsynth.overlap.words import Hashes

_BUCKETS: Final = 64
_BUCKET_SHIFT: Final = np.uint64(58)
_PENDING: Final = 1 << 20  # pairs in memory before they go to disk
_PAIR: Final = np.dtype([("hash", "<u8"), ("owner", "<u4")])


@dataclass(frozen=True, slots=True)
class Owned:
    """Some of the hashes with all of their owners, each pair once.

    Args:
        hashes: ascending, each once, shape [hashes].
        owners: the owners of the first hash, ascending, then those of the second, ..., shape [pairs].
        starts: where in ``owners`` those of each hash begin, shape [hashes].
    """

    hashes: Hashes
    owners: npt.NDArray[np.uint32]
    starts: npt.NDArray[np.int64]

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Number of owners of each hash."""
        return np.diff(self.starts, append=self.owners.size)


class Owners:
    """Collects pairs of hash and owner.

    Args:
        folder: where the temporary, nameless files lie; None: the system's.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._buckets = [ArrayFile(_PAIR, folder) for _ in range(_BUCKETS)]
        self._pending: list[npt.NDArray[Any]] = []
        self._pending_size = 0

    def add(self, hashes: Hashes, owner: int) -> None:
        """``owner``, from 0 to 2**32 - 1, holds ``hashes``."""
        pairs = np.empty(hashes.size, _PAIR)
        pairs["hash"], pairs["owner"] = hashes, owner
        self._pending.append(pairs)
        self._pending_size += pairs.size
        if self._pending_size >= _PENDING:
            self._flush()

    def drain(self) -> Iterator[Owned]:
        """All that was added, in parts, ascending; can be done once."""
        self._flush()
        for file in self._buckets:
            pairs = file.array()
            file.close()
            if pairs.size:
                yield _owned(pairs["hash"], pairs["owner"])

    def _flush(self) -> None:
        if not self._pending:
            return
        pairs = np.concatenate(self._pending)
        self._pending, self._pending_size = [], 0
        bucket = (pairs["hash"] >> _BUCKET_SHIFT).astype(np.int64)
        pairs = pairs[np.argsort(bucket, kind="stable")]
        ends = np.cumsum(np.bincount(bucket, minlength=_BUCKETS))
        for file, part in zip(self._buckets, np.split(pairs, ends[:-1])):
            file.append(part)


def _owned(hashes: Hashes, owners: npt.NDArray[np.uint32]) -> Owned:
    order = np.lexsort((owners, hashes))
    hashes, owners = hashes[order], owners[order]
    new_hash = np.append(True, hashes[1:] != hashes[:-1])
    new_pair = new_hash | np.append(True, owners[1:] != owners[:-1])
    hashes, owners, new_hash = hashes[new_pair], owners[new_pair], new_hash[new_pair]
    return Owned(hashes[new_hash], owners, np.flatnonzero(new_hash))

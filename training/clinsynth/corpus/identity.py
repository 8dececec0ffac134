"""Are all ids of a corpus different? Eight bytes a note tell."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from clinsynth.errors import DataError

_PENDING: Final = 1 << 16


class UniqueIds:
    """Remembers a 64-bit hash of every id.

    Repetitions are looked for in blocks of 65,536, so one may be reported some rows late, with the right
    place. Two different ids among a million share a hash with probability 3e-8.
    """

    def __init__(self) -> None:
        self._sorted: npt.NDArray[np.uint64] = np.zeros(0, np.uint64)
        self._pending: dict[int, tuple[Path, int | None]] = {}

    def add(self, name: str, path: Path, line: int | None) -> None:
        """Notes the id of the row at ``path``, ``line``.

        Raises:
            DataError: this id, or one of those before it, stood in an earlier row.
        """
        key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
        if key in self._pending:
            raise _used_before(path, line)
        self._pending[key] = (path, line)
        if len(self._pending) == _PENDING:
            self.check()

    def check(self) -> None:
        """To be called after the last id.

        Raises:
            DataError: as ``add``.
        """
        keys = np.fromiter(self._pending, np.uint64, len(self._pending))
        if self._sorted.size and keys.size:
            places = np.minimum(np.searchsorted(self._sorted, keys), self._sorted.size - 1)
            repeated = np.flatnonzero(self._sorted[places] == keys)
            if repeated.size:
                raise _used_before(*self._pending[int(keys[repeated[0]])])
        self._sorted = np.sort(np.concatenate([self._sorted, keys]))
        self._pending.clear()


def _used_before(path: Path, line: int | None) -> DataError:
    return DataError.at(path, line, "its id stands in an earlier row too: ids must be unique")

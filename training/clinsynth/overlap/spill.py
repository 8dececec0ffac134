"""Arrays that grow on disk, in a file without a name: it is gone when the process is, however that ends."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_BUFFER_BYTES = 1 << 18


class ArrayFile:
    """Numbers of one type, appended; read back as a memory-mapped array.

    Args:
        folder: where the file lies; None: the system's folder for temporary files.
    """

    def __init__(self, dtype: npt.DTypeLike, folder: Path | None = None) -> None:
        self.dtype = np.dtype(dtype)
        self._stream = tempfile.TemporaryFile(buffering=_BUFFER_BYTES, dir=folder)  # noqa: SIM115
        self.size = 0

    def append(self, values: npt.NDArray[np.generic]) -> None:
        """Adds ``values``, shape [any]."""
        assert values.ndim == 1, values.shape
        self._stream.write(np.ascontiguousarray(values, self.dtype).tobytes())
        self.size += values.size

    def array(self) -> npt.NDArray[Any]:
        """All that was appended so far, read-only, shape [size]; stays valid after ``close``."""
        self._stream.flush()
        if not self.size:  # nothing can't be mapped
            return np.zeros(0, self.dtype)
        return np.memmap(self._stream, self.dtype, mode="r", shape=(self.size,))

    def close(self) -> None:
        """Gives the space back once no array of it is in use."""
        self._stream.close()

    def __del__(self) -> None:
        # After an error elsewhere nobody closes it; Python would warn of that.
        if hasattr(self, "_stream"):
            self._stream.close()

"""Notes put aside on disk while it is decided what becomes of them, in a file without a name.

They hold identifiers still: the file is gone when the process is, however that ends.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from clinsynth.corpus import Note, from_dict, to_dict


class Spool:
    """Notes in order of ``add``; can be read any number of times, one reader at a time.

    Args:
        folder: where the file lies.
    """

    def __init__(self, folder: Path) -> None:
        self._stream = tempfile.TemporaryFile(buffering=1 << 20, dir=folder)  # noqa: SIM115
        self._count = 0

    def add(self, note: Note) -> None:
        """Appends a note."""
        self._stream.write(json.dumps(to_dict(note)).encode() + b"\n")
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Note]:
        self._stream.seek(0)
        for line in self._stream:
            yield from_dict(json.loads(line))

    def close(self) -> None:
        """Gives the space back."""
        self._stream.close()

    def __del__(self) -> None:
        # After an error elsewhere nobody closes it; Python would warn of that.
        if hasattr(self, "_stream"):
            self._stream.close()

"""Rows ``{"id", "text", "phi": [{"start", "end", "label"}]}``: offsets into the text as it came."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from clinsynth.corpus import Note


class SpanRows:
    """Writes a row for each note."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, note: Note) -> None:
        """Appends a note."""
        phi = [{"start": s.start, "end": s.end, "label": s.label} for s in note.phi]
        row: dict[str, Any] = {"id": note.id, "text": note.text, "phi": phi}
        self._stream.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


@contextlib.contextmanager
def span_writer(path: Path) -> Iterator[SpanRows]:
    """A writer for ``.jsonl`` or ``.jsonl.gz``; the file is flushed and takes its name when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.writing-{os.getpid()}"
    try:
        with temporary.open("wb") as raw:
            if path.name.lower().endswith(".gz"):
                # No name and no time inside: the same notes are the same bytes.
                with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0) as packer:
                    yield SpanRows(packer)  # type: ignore[arg-type]
            else:
                yield SpanRows(raw)
            raw.flush()
            os.fsync(raw.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

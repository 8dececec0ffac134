"""Notes to a file, one at a time; the file appears whole or not at all."""

from __future__ import annotations

import gzip
import io
import json
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Protocol, Self

import pyarrow as pa
import pyarrow.parquet as pq

from clinsynth.corpus.note import Note
from clinsynth.corpus.schema import SCHEMA, to_dict, to_table
from clinsynth.errors import UsageError

_GROUP_NOTES: Final = 4_096
_GROUP_CHARACTERS: Final = 16 << 20  # notes can be long: bounds the memory of a row group


class NoteWriter:
    """Writes ``.jsonl``, ``.jsonl.gz`` or ``.parquet``, told by the suffix.

    Use it as a context manager. At the end of the block the file is flushed to disk and takes its name,
    over whatever stood there; when the block raises, nothing is left.

    Args:
        patient_id: false leaves it out, as exports must.

    Raises:
        UsageError: the suffix names no format that is written.
    """

    def __init__(self, path: Path | str, *, patient_id: bool = True) -> None:
        self.path = Path(path)
        self.written = 0
        self._patient_id = patient_id
        self._open = _sink_for(self.path)
        self._temporary = self.path.parent / f".{self.path.name}.writing-{os.getpid()}"
        self._sink: _Sink | None = None

    def write(self, note: Note) -> None:
        """Appends a note."""
        assert self._sink is not None, "use NoteWriter as a context manager"
        self._sink.write(note)
        self.written += 1

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._sink = self._open(self._temporary, self._patient_id)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._sink is not None
        try:
            self._sink.close()
            if kind is None:
                _fsync(self._temporary)
                self._temporary.replace(self.path)
                _fsync(self.path.parent)
        finally:
            self._sink = None
            self._temporary.unlink(missing_ok=True)


class _Sink(Protocol):
    def __init__(self, path: Path, patient_id: bool) -> None: ...

    def write(self, note: Note) -> None: ...

    def close(self) -> None: ...


class _Jsonl:
    def __init__(self, path: Path, patient_id: bool) -> None:
        self._patient_id = patient_id
        self._stream: IO[bytes] = path.open("wb")

    def write(self, note: Note) -> None:
        row = to_dict(note)
        if not self._patient_id:
            del row["patient_id"]
        self._stream.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")

    def close(self) -> None:
        self._stream.close()


class _Gzip(_Jsonl):
    def __init__(self, path: Path, patient_id: bool) -> None:
        super().__init__(path, patient_id)
        self._raw = self._stream
        # No name and no time inside: the same notes are the same bytes.
        packer = gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=self._raw, mtime=0)
        self._stream = io.BufferedWriter(packer)

    def close(self) -> None:
        super().close()
        self._raw.close()


class _Parquet:
    def __init__(self, path: Path, patient_id: bool) -> None:
        names = [name for name in SCHEMA.names if patient_id or name != "patient_id"]
        self._schema = pa.schema([SCHEMA.field(name) for name in names])
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._group: list[Note] = []
        self._characters = 0

    def write(self, note: Note) -> None:
        self._group.append(note)
        self._characters += len(note.text)
        if len(self._group) >= _GROUP_NOTES or self._characters >= _GROUP_CHARACTERS:
            self._flush()

    def close(self) -> None:
        try:
            self._flush()
        finally:
            self._writer.close()

    def _flush(self) -> None:
        if self._group:
            self._writer.write_table(to_table(self._group).select(self._schema.names))
        self._group, self._characters = [], 0


_SINKS: Final[dict[str, type[_Sink]]] = {".jsonl": _Jsonl, ".jsonl.gz": _Gzip, ".parquet": _Parquet}


def _sink_for(path: Path) -> type[_Sink]:
    for suffix, sink in _SINKS.items():
        if path.name.lower().endswith(suffix):
            return sink
    raise UsageError(f"{path}: notes are written as {', '.join(_SINKS)}")


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

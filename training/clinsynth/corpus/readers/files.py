"""Lines and texts of files, plain or gzipped; what cannot be decoded is an error at its line."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from clinsynth.errors import DataError


def open_bytes(path: Path) -> IO[bytes]:
    """The bytes of a file, unpacked if its name ends in ``.gz``."""
    if path.suffix.lower() == ".gz":
        return io.BufferedReader(gzip.GzipFile(path))  # without the buffer, lines come slowly
    return path.open("rb")


def read_lines(path: Path, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of each line, its line break included. A byte-order mark is left out.

    Raises:
        DataError: a line is not in ``encoding``, or the gzip stream is damaged.
    """
    if _wide(encoding):
        yield from _read_wide_lines(path, encoding)
        return
    number = 0
    with open_bytes(path) as stream:
        try:
            for number, line in enumerate(stream, 1):
                yield number, decode(line, path, number, encoding, first=number == 1)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise DataError.at(path, number + 1, "the gzip stream is damaged or cut short") from None


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """The whole text of a file, line breaks as they are: offsets into it hold.

    Raises:
        DataError: as ``read_lines``.
    """
    with open_bytes(path) as stream:
        try:
            return decode(stream.read(), path, None, encoding, first=True)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise DataError.at(path, None, "the gzip stream is damaged or cut short") from None


def decode(data: bytes, path: Path, line: int | None, encoding: str, *, first: bool) -> str:
    """``data`` as text; ``first`` takes a byte-order mark away."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError.at(
            path, line, f"not {encoding} text (byte {error.start + 1}); say which with encoding:"
        ) from None
    return text.removeprefix("\ufeff") if first else text


def _wide(encoding: str) -> bool:
    # In UTF-16 and UTF-32 the byte of a line break may be half of another character.
    return "\n".encode(encoding) != b"\n"


def _read_wide_lines(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    text = read_text(path, encoding)
    yield from enumerate(text.splitlines(keepends=True), 1)

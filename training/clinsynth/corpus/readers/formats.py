"""Which format a path has, and who reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from clinsynth.corpus.readers import brat, conll, csv_rows, jsonl, parquet, text
from clinsynth.corpus.readers.options import ReadOptions, ReadStats
from clinsynth.corpus.readers.rows import Row
from clinsynth.errors import DataError

READERS: Final[Mapping[str, Callable[[Path, ReadOptions, ReadStats], Iterator[Row]]]] = {
    "jsonl": jsonl.read,
    "csv": csv_rows.read,
    "parquet": parquet.read,
    "conll": conll.read,
    "text": text.read,
    "brat": brat.read,
}

BY_SUFFIX: Final[Mapping[str, str]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".conll": "conll",
    ".bio": "conll",
    ".iob": "conll",
    ".iob2": "conll",
    ".txt": "text",
}
"""Suffix of a file, without that of gzip -> its format."""
_OF_FOLDERS: Final = ("parquet", "text", "brat")


def format_of(path: Path, options: ReadOptions) -> str:
    """The format of what lies at ``path``.

    Raises:
        DataError: nothing lies there, or it has no known format.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    form = options.format or (_of_folder(path) if path.is_dir() else _of_file(path))
    if path.is_dir() and form not in _OF_FOLDERS:
        raise DataError(f"{path} is a folder: format {form} reads one file; name the file")
    if path.is_file() and form == "brat":
        raise DataError(f"{path} is a file: format brat reads a folder of .txt and .ann files")
    return form


def _of_file(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    found = BY_SUFFIX.get(suffixes[-1]) if suffixes else None
    if found is None:
        known = ", ".join(BY_SUFFIX)
        raise DataError(f"{path}: its suffix names no known format ({known}); say which with format:")
    return found


def _of_folder(path: Path) -> str:
    if parquet.files(path):
        return "parquet"
    if next(path.rglob("*.ann"), None):
        return "brat"
    if next(path.rglob("*.txt"), None):
        return "text"
    raise DataError(f"{path} holds no notes: no .parquet, .txt or .ann file")

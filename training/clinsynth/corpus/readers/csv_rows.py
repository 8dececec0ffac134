"""CSV and TSV with a header row. Fields may hold line breaks within quotes and may be of any length."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

from clinsynth.corpus.readers.files import read_lines
from clinsynth.corpus.readers.options import ReadOptions, ReadStats
from clinsynth.corpus.readers.rows import Row, require_columns
from clinsynth.errors import DataError


def read(path: Path, options: ReadOptions, stats: ReadStats) -> Iterator[Row]:
    """A row for each record; empty fields are unknown values."""
    csv.field_size_limit(sys.maxsize)  # the default refuses notes over 128 KiB
    delimiter = "\t" if ".tsv" in path.suffixes else ","
    lines = (line for _, line in read_lines(path, options.encoding))
    records = csv.reader(lines, delimiter=delimiter, strict=True)
    columns: list[str] | None = None
    while True:
        number = records.line_num + 1
        try:
            record = next(records, None)
        except csv.Error as error:
            raise DataError.at(path, number, f"not CSV: {error}") from None
        if record is None:
            return
        if not record:
            continue
        if columns is None:
            columns = _header(record, path, number, options)
            continue
        stats.read += 1
        if len(record) != len(columns):
            raise DataError.at(path, number, f"{len(record)} fields, but the header names {len(columns)}")
        yield Row(path, number, {name: value or None for name, value in zip(columns, record)})


def _header(record: list[str], path: Path, number: int, options: ReadOptions) -> list[str]:
    columns = [name.strip() for name in record]
    twice = next((name for i, name in enumerate(columns) if name in columns[:i]), None)
    if twice is not None:
        raise DataError.at(path, number, f"the header names column {twice!r} twice")
    require_columns(columns, path, number, options)
    return columns

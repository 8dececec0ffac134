"""JSON Lines: an object a line. Blank lines are passed over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from clinsynth.corpus.readers.files import read_lines
from clinsynth.corpus.readers.options import ReadOptions, ReadStats
from clinsynth.corpus.readers.rows import Row
from clinsynth.errors import DataError


def read(path: Path, options: ReadOptions, stats: ReadStats) -> Iterator[Row]:
    """A row for each object."""
    for number, line in read_lines(path, options.encoding):
        if line.isspace():
            continue
        stats.read += 1
        try:
            values = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError.at(path, number, f"not JSON: {error.msg} (column {error.colno})") from None
        except RecursionError:
            raise DataError.at(path, number, "not JSON that can be read: nested too deep") from None
        if not isinstance(values, dict):
            raise DataError.at(path, number, f"expected an object, found a {type(values).__name__}")
        yield Row(path, number, values)

"""BRAT standoff: ``note.txt`` with ``note.ann``. Text-bound annotations become entities.

Relations, events, attributes and comments are passed over. An annotation in several fragments has no one
stretch of text: it is dropped and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from clinsynth.corpus.readers.files import read_lines, read_text
from clinsynth.corpus.readers.options import ReadOptions, ReadStats
from clinsynth.corpus.readers.rows import Row
from clinsynth.corpus.readers.text import text_files
from clinsynth.errors import DataError

_BOUND: Final = re.compile(r"T\S+\t(\S+) (\d+ \d+(?:;\d+ \d+)*)\t(.*)")


def read(path: Path, options: ReadOptions, stats: ReadStats) -> Iterator[Row]:
    """A row for each ``.txt`` file, sorted by path."""
    for file, name in text_files(path):
        stats.read += 1
        text = read_text(file, options.encoding)
        annotations = file.with_suffix(".ann")
        if not annotations.is_file():
            raise DataError.at(
                file, None, f"{annotations.name} is missing beside it; format: text reads it alone"
            )
        entities = list(_entities(annotations, text, options, stats))
        yield Row(file, None, {"id": name, "text": text, "entities": entities})


def _entities(path: Path, text: str, options: ReadOptions, stats: ReadStats) -> Iterator[dict[str, Any]]:
    for number, line in read_lines(path, options.encoding):
        if not line.startswith("T"):
            continue
        match = _BOUND.fullmatch(line.rstrip("\r\n"))
        if match is None:
            raise DataError.at(path, number, "expected: T1, tab, label start end, tab, text")
        label, place, covered = match.groups()
        if ";" in place:
            stats.spans_dropped["discontinuous"] += 1
            continue
        start, end = (int(part) for part in place.split())
        if text[start:end].split() != covered.split():
            raise DataError.at(
                path, number, f"{start}-{end} of the text does not hold what the annotation says it does"
            )
        yield {"start": start, "end": end, "label": label}

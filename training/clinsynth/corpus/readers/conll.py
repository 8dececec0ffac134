r"""CoNLL: a token and its tag a line, a blank line between sentences; text is rebuilt from the tokens.

The token is the first column, the tag the last; columns are parted by tabs, or by spaces where there is no
tab. ``-DOCSTART-`` begins a document (its id may follow, after a tab) whose sentences stand a line each in
the note; without any, each sentence is a note. Tags: BIO, IOB1, BIOES, BILOU.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from clinsynth.corpus.readers.files import read_lines
from clinsynth.corpus.readers.options import ReadOptions, ReadStats
from clinsynth.corpus.readers.rows import Row
from clinsynth.corpus.readers.spacing import Joiner
from clinsynth.errors import DataError

_DOCUMENT: Final = "-DOCSTART-"
_BEGINS: Final = frozenset("BSU")
_INSIDE: Final = frozenset("IEL")


@dataclass(slots=True)
class _Document:
    """A note in the making."""

    name: str
    line: int
    joiner: Joiner = field(default_factory=Joiner)
    entities: list[dict[str, Any]] = field(default_factory=list)
    open_label: str | None = None

    def row(self, path: Path) -> Row:
        return Row(path, self.line, {"id": self.name, "text": self.joiner.text, "entities": self.entities})


def read(path: Path, options: ReadOptions, stats: ReadStats) -> Iterator[Row]:
    """A row for each document, or for each sentence where there are no documents."""
    stem = path.name.split(".")[0]
    document: _Document | None = None
    marked, count = False, 0  # whether the file marks documents; notes begun
    for number, line in read_lines(path, options.encoding):
        columns = _columns(line)
        if columns and columns[0] == _DOCUMENT:
            if document is not None and not (marked or count == 0):
                raise DataError.at(path, number, f"{_DOCUMENT} after sentences that belong to no document")
            if document is not None:
                stats.read += 1
                yield document.row(path)
            marked, count = True, count + 1
            document = _Document(_document_id(line, columns) or f"{stem}-{count}", number)
        elif columns:
            if document is None:
                count += 1
                document = _Document(f"{stem}-{count}", number)
            _add(document, columns, path, number, stats)
        elif document is not None and marked:
            document.joiner.end_sentence()
            document.open_label = None
        elif document is not None:
            stats.read += 1
            yield document.row(path)
            document = None
    if document is not None:
        stats.read += 1
        yield document.row(path)


def _columns(line: str) -> list[str]:
    line = line.rstrip("\r\n")
    return [part.strip() for part in line.split("\t")] if "\t" in line else line.split()


def _document_id(line: str, columns: list[str]) -> str | None:
    # "-DOCSTART- -X- O O" is how CoNLL-2003 writes a document without an id.
    found = columns[1] if len(columns) == 2 or "\t" in line else ""
    return found if found not in ("", "O", "-X-") else None


def _add(document: _Document, columns: list[str], path: Path, number: int, stats: ReadStats) -> None:
    if len(columns) < 2 or not columns[0]:
        raise DataError.at(path, number, "expected a token and its tag, parted by a tab or a space")
    prefix, label = _parse_tag(columns[-1], path, number)
    start, end = document.joiner.add(columns[0])
    if label is None:
        document.open_label = None
        return
    goes_on = prefix in _INSIDE and document.open_label == label
    if prefix == "I" and not goes_on:
        stats.repaired["bio_without_begin"] += 1
    if goes_on:
        document.entities[-1]["end"] = end
    else:
        document.entities.append({"start": start, "end": end, "label": label})
    document.open_label = None if prefix in "ELSU" else label


def _parse_tag(tag: str, path: Path, number: int) -> tuple[str, str | None]:
    if tag == "O":
        return "O", None
    prefix, dash, label = tag.partition("-")
    if not dash or not label or prefix not in _BEGINS | _INSIDE:
        raise DataError.at(path, number, f"tag {tag[:20]!r} is not O, B-LABEL or I-LABEL")
    return prefix, label

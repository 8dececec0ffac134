"""A folder of text files, a note each; its id is the path below the folder, without the suffix."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from clinsynth.corpus.readers.files import read_text
from clinsynth.corpus.readers.options import ReadOptions, ReadStats
from clinsynth.corpus.readers.rows import Row


def read(path: Path, options: ReadOptions, stats: ReadStats) -> Iterator[Row]:
    """A row for each ``.txt`` file, sorted by path."""
    for file, name in text_files(path):
        stats.read += 1
        yield Row(file, None, {"id": name, "text": read_text(file, options.encoding)})


def text_files(path: Path) -> Iterator[tuple[Path, str]]:
    """The ``.txt`` files at or below ``path``, each with the id of its note."""
    if path.is_file():
        yield path, path.name.split(".")[0]
        return
    for file in sorted(path.rglob("*.txt")):
        yield file, file.relative_to(path).with_suffix("").as_posix()

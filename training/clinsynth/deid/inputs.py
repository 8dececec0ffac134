"""What there is to de-identify: the files behind a path, each read once to be counted and checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clinsynth.corpus.identity import UniqueIds
from clinsynth.corpus.readers import read_notes
from clinsynth.corpus.readers.formats import BY_SUFFIX
from clinsynth.corpus.readers.parquet import files as parquet_files
from clinsynth.errors import DataError
from clinsynth.folders import input_sha256
from clinsynth.progress import Progress

_GZIP: Final = ".gz"
_IN_FOLDERS: Final = (".txt", ".ann")  # a folder of them is read as one


@dataclass(frozen=True, slots=True)
class Input:
    """A file of notes, or a folder of text files.

    Args:
        name: the path below what was given, without suffix.
        parquet: the format; else rows or texts.
        notes: in it.
    """

    path: Path
    name: str
    parquet: bool
    notes: int
    sha256: str


def read_inputs(source: Path) -> tuple[Input, ...]:
    """The inputs at a file or folder, in their order.

    Raises:
        DataError: a note cannot be read, an id stands in two files, or the folder holds no notes, or both
            texts and files of rows.
    """
    inputs, ids = [], UniqueIds()
    with Progress("reading") as progress:
        for path, name in _files(source):
            notes = 0
            for note in read_notes(path):
                ids.add(note.id, path, None)
                notes += 1
                progress.advance()
            inputs.append(Input(path, name, _suffix(path) == ".parquet", notes, input_sha256(path)))
    ids.check()
    return tuple(inputs)


def _files(source: Path) -> Iterator[tuple[Path, str]]:
    if not source.is_dir():
        yield source, source.name.removesuffix(_GZIP).rsplit(".", 1)[0]
        return
    files = parquet_files(source) or _row_files(source)
    if not files:
        yield source, "notes"
    for path in files:
        yield path, path.relative_to(source).as_posix().removesuffix(_GZIP).rsplit(".", 1)[0]


def _row_files(folder: Path) -> list[Path]:
    below = [path for path in sorted(folder.rglob("*")) if path.is_file() and not _hidden(path, folder)]
    rows = [path for path in below if _suffix(path) in BY_SUFFIX and _suffix(path) not in _IN_FOLDERS]
    texts = [path for path in below if _suffix(path) in _IN_FOLDERS]
    if rows and texts:
        raise DataError(
            f"{folder} holds both {rows[0].relative_to(folder)} and {texts[0].relative_to(folder)}: "
            "give a folder of text files or one of files with rows"
        )
    return rows


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _suffix(path: Path) -> str:
    name = path.name.lower().removesuffix(_GZIP)
    return Path(name).suffix

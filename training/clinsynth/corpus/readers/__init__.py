"""Notes from any corpus format, one at a time: memory does not grow with the corpus.

======================  ==================================================================
format                  what it is
======================  ==================================================================
``jsonl``               ``.jsonl``, ``.ndjson``: an object a line
``csv``                 ``.csv``, ``.tsv``: a header row; line breaks within quotes are fine
``parquet``             ``.parquet``: a file, or a folder of them (a corpus, an export)
``conll``               ``.conll``, ``.bio``, ``.iob``, ``.iob2``: a token and its tag a line
``text``                a folder of ``.txt`` files, or one
``brat``                a folder of ``.txt`` and ``.ann`` files
======================  ==================================================================

All but Parquet may be gzipped (``.jsonl.gz``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from clinsynth.corpus.identity import UniqueIds
from clinsynth.corpus.note import Note
from clinsynth.corpus.readers.formats import READERS, format_of
from clinsynth.corpus.readers.options import ReadOptions, ReadStats
from clinsynth.corpus.readers.rows import RowReader
from clinsynth.errors import DataError

__all__ = ["ReadOptions", "ReadStats", "read_notes"]

_DEFAULTS = ReadOptions()


def read_notes(
    path: Path | str, options: ReadOptions = _DEFAULTS, stats: ReadStats | None = None
) -> Iterator[Note]:
    """The notes in a file or folder, in its order.

    Args:
        options: format, names of columns, labels to keep, rows to keep.
        stats: counts what was read and what was dropped, and why; complete when the iterator is exhausted.

    Raises:
        DataError: names the file, the line and what is wrong there. Nothing that is wrong is skipped: a
            row is dropped only for a reason that ``options`` gives, or because it has no text.
    """
    path = Path(path)
    form = format_of(path, options)
    return _read(path, form, options, ReadStats() if stats is None else stats)


def _read(path: Path, form: str, options: ReadOptions, stats: ReadStats) -> Iterator[Note]:
    reader, ids = RowReader(options, stats), UniqueIds()
    if options.limit == 0:
        return
    try:
        for row in READERS[form](path, options, stats):
            note = reader.note(row)
            if note is None:
                continue
            ids.add(note.id, row.path, row.line)
            stats.kept += 1
            yield note
            if stats.kept == options.limit:
                ids.check()
                return
    except OSError as error:
        raise DataError.at(error.filename or path, None, error.strerror or str(error)) from None
    ids.check()
    reader.check_columns(path)
    if not stats.kept:
        raise DataError.at(path, None, stats.why_empty())

"""Parquet: one file, or a folder of them. Only the columns that make a note are read, in batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from clinsynth.corpus.readers.options import NOTE_FIELDS, ReadOptions, ReadStats
from clinsynth.corpus.readers.rows import Row, require_columns
from clinsynth.errors import DataError

_BATCH_ROWS: Final = 512
_SPLITS: Final = ("train", "valid", "test", "holdout")


def read(path: Path, options: ReadOptions, stats: ReadStats) -> Iterator[Row]:
    """A row for each record; lines are counted as rows, from 1 in each file."""
    for file in files(path) if path.is_dir() else [path]:
        try:
            yield from _read_file(file, options, stats)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            raise DataError.at(
                file, None, f"not a Parquet file that can be read ({type(error).__name__})"
            ) from None
        except OSError as error:  # what Arrow raises for damaged pages has no errno
            if error.errno is not None:
                raise
            raise DataError.at(file, None, "the Parquet file is damaged") from None


def files(folder: Path) -> list[Path]:
    """The Parquet files of an export (``data/``), of a corpus (its splits in order), or of any folder."""
    found = sorted((folder / "data").glob("*.parquet")) or sorted(folder.glob("*.parquet"))
    order = {name: i for i, name in enumerate(_SPLITS)}
    return sorted(found, key=lambda file: (order.get(file.stem, len(order)), file.name))


def _read_file(path: Path, options: ReadOptions, stats: ReadStats) -> Iterator[Row]:
    file = pq.ParquetFile(path)
    names = file.schema_arrow.names
    require_columns(names, path, None, options)
    mapped = {(column or "").split(".")[0] for column in options.fields.values()}
    wanted = {*NOTE_FIELDS, "attributes", *mapped, *options.fields.values(), *options.where}
    columns = [name for name in names if name in wanted]
    number = 0
    for batch in file.iter_batches(_BATCH_ROWS, columns=columns, use_threads=False):
        for values in batch.to_pylist():
            number += 1
            stats.read += 1
            yield Row(path, number, values)

"""Parts of a file, joined: lines and gzip members behind each other, row groups of Parquet copied."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path


def join_files(parts: Sequence[Path], out: Path) -> None:
    """Writes ``out`` from ``parts`` of its own format."""
    out.parent.mkdir(parents=True, exist_ok=True)
    if parts[0].suffix.lower() == ".parquet":
        _join_parquet(parts, out)
        return
    with out.open("wb") as stream:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, stream, 1 << 20)


def _join_parquet(parts: Sequence[Path], out: Path) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetWriter(out, pq.read_schema(parts[0]), compression="zstd") as writer:
        for part in parts:
            with pq.ParquetFile(part) as source:
                for group in range(source.num_row_groups):
                    writer.write_table(source.read_row_group(group, use_threads=False))

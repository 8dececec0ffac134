"""Where an export keeps the shards it has finished (``clinsynth.unfinished``)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from clinsynth.corpus import Note, to_table
from clinsynth.export.plan import Plan
from clinsynth.folders import file_sha256
from clinsynth.unfinished import Unfinished, finished_pieces, fsync, open_unfinished


@dataclass(slots=True)
class Entry:
    """A finished shard.

    Args:
        sha256: of the file.
        notes: in it.
        short: notes that could not be had.
        rejected: ``{id, attempt, reasons}`` of every draw that was withheld.
        stats: counts of all kinds, to be added up over shards.
        seconds: of work since the entry before.
    """

    shard: int
    sha256: str
    notes: int
    short: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    stats: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


class Workplace:
    """The hidden folder beside an export that is being made. Use ``open_workplace``.

    ``content`` becomes the export.
    """

    def __init__(self, work: Unfinished, plan: Plan) -> None:
        self.folder, self._work, self._plan = work.folder, work, plan
        self.content = work.folder / "export"
        (self.content / "data").mkdir(parents=True, exist_ok=True)
        self.entries: dict[int, Entry] = {}
        for entry in map(_entry, work.entries()):
            if entry is None:
                continue
            path = self.content / "data" / plan.shard_name(entry.shard)
            if path.is_file() and file_sha256(path) == entry.sha256:
                self.entries[entry.shard] = entry
        work.keep(map(asdict, self.entries.values()))

    def write_shard(
        self,
        shard: int,
        notes: Sequence[Note],
        rejected: list[dict[str, Any]],
        stats: dict[str, int],
        seconds: float,
    ) -> None:
        """Writes a shard and enters it."""
        path = self.content / "data" / self._plan.shard_name(shard)
        temporary = self.folder / f"{path.name}.writing"
        _write_parquet(temporary, notes)
        entry = Entry(
            shard=shard,
            sha256=file_sha256(temporary),
            notes=len(notes),
            short=len(self._plan.notes_of(shard)) - len(notes),
            rejected=rejected,
            stats=stats,
            seconds=seconds,
        )
        temporary.rename(path)
        fsync(path.parent)
        self._work.enter(asdict(entry))
        self.entries[shard] = entry

    def remove(self) -> None:
        """Removes the folder and what is left in it."""
        self._work.remove()


@contextlib.contextmanager
def open_workplace(plan: Plan, *, overwrite: bool = False) -> Iterator[Workplace]:
    """The workplace of a run, new or as the run left it; nobody else may work there meanwhile.

    Args:
        overwrite: clear away what another run left.

    Raises:
        FolderError: another run left its work there, or a process works there now.
    """
    with open_unfinished(plan.config.out, plan.fingerprint, overwrite=overwrite) as work:
        yield Workplace(work, plan)


def finished_shards(plan: Plan) -> int:
    """How many shards of this very run lie ready, for ``--dry-run``; looks and touches nothing."""
    return finished_pieces(plan.config.out, plan.fingerprint)


def _entry(raw: dict[str, Any]) -> Entry | None:
    with contextlib.suppress(TypeError):
        return Entry(**raw)
    return None


def _write_parquet(path: Path, notes: Sequence[Note]) -> None:
    import pyarrow.parquet as pq

    table = to_table(notes).drop_columns(["patient_id"])
    pq.write_table(table, path, compression="zstd", row_group_size=1000)
    fsync(path)

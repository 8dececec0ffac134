"""Where a run keeps what it has finished: shards, and a line for each in a journal.

A shard is written under a temporary name, flushed, renamed, and only then entered; what is not entered does
not exist. So a run that was killed at any moment goes on from its last whole shard.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from clinsynth.corpus import Note, to_table
from clinsynth.errors import FolderError
from clinsynth.export.plan import Plan
from clinsynth.folders import file_sha256, write_json

_RUN: Final = "run.json"
_JOURNAL: Final = "journal.jsonl"
_LOCK: Final = "lock"


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

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self._plan = folder, plan
        self.content = folder / "export"
        (self.content / "data").mkdir(parents=True, exist_ok=True)
        self.entries: dict[int, Entry] = {}
        for entry in self._read_journal():
            path = self.content / "data" / plan.shard_name(entry.shard)
            if path.is_file() and file_sha256(path) == entry.sha256:
                self.entries[entry.shard] = entry
        self._rewrite_journal()

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
        with (self.folder / _JOURNAL).open("a", encoding="utf-8") as stream:
            _write_line(stream, entry)
        self.entries[shard] = entry

    def remove(self) -> None:
        """Removes the folder and what is left in it."""
        shutil.rmtree(self.folder)

    def _read_journal(self) -> Iterator[Entry]:
        with contextlib.suppress(FileNotFoundError):
            for line in (self.folder / _JOURNAL).read_text("utf-8").splitlines():
                with contextlib.suppress(ValueError, TypeError):  # the last line may be torn
                    yield Entry(**json.loads(line))

    def _rewrite_journal(self) -> None:
        temporary = self.folder / f"{_JOURNAL}.writing"
        with temporary.open("w", encoding="utf-8") as stream:
            for entry in self.entries.values():
                _write_line(stream, entry)
        temporary.rename(self.folder / _JOURNAL)
        fsync(self.folder)


@contextlib.contextmanager
def open_workplace(plan: Plan, *, overwrite: bool = False) -> Iterator[Workplace]:
    """The workplace of a run, new or as the run left it; nobody else may work there meanwhile.

    Args:
        overwrite: clear away what another run left.

    Raises:
        FolderError: another run left its work there, or a process works there now.
    """
    folder = workplace_folder(plan.config.out)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FolderError(f"{folder}: another process is writing this export") from None
        _claim(folder, plan, overwrite)
        yield Workplace(folder, plan)


def workplace_folder(out: Path) -> Path:
    """Where the run that makes ``out`` keeps its work."""
    return out.parent / f".{out.name}.partial"


def finished_shards(plan: Plan) -> int:
    """How many shards of this very run lie ready, for ``--dry-run``; looks and touches nothing."""
    folder = workplace_folder(plan.config.out)
    if _read_run(folder) != plan.fingerprint:
        return 0
    with contextlib.suppress(OSError):
        return len((folder / _JOURNAL).read_text("utf-8").splitlines())
    return 0


def fsync(path: Path) -> None:
    """Flushes a file, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _claim(folder: Path, plan: Plan, overwrite: bool) -> None:
    found = _read_run(folder)
    others = found is not None and found != plan.fingerprint
    if others and not overwrite:
        raise FolderError(
            f"{folder} holds the unfinished work of another run (another config or model): "
            "finish that one, remove the folder, or pass --overwrite"
        )
    if found is None or others:
        for path in folder.iterdir():
            if path.name != _LOCK:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        write_json(folder / _RUN, {"fingerprint": plan.fingerprint})


def _read_run(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / _RUN).read_text("utf-8"))["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_line(stream: IO[str], entry: Entry) -> None:
    stream.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
    stream.flush()
    os.fsync(stream.fileno())


def _write_parquet(path: Path, notes: Sequence[Note]) -> None:
    import pyarrow.parquet as pq

    table = to_table(notes).drop_columns(["patient_id"])
    pq.write_table(table, path, compression="zstd", row_group_size=1000)
    fsync(path)

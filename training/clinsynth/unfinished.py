"""Work that goes on after kill -9: a hidden folder beside the result, and a journal of what is finished.

A piece is written under a temporary name, flushed, renamed, and only then entered; what is not entered does
not exist. So a run that was killed at any moment goes on from its last whole piece.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

from clinsynth.errors import FolderError
from clinsynth.folders import write_json

_RUN: Final = "run.json"
_JOURNAL: Final = "journal.jsonl"
_LOCK: Final = "lock"


class Unfinished:
    """The hidden folder of a run. Use ``open_unfinished``.

    What lies in ``folder`` beside the files named here is the run's own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def entries(self) -> list[dict[str, Any]]:
        """What was entered, in order; a last line that was torn is left out."""
        return _entries(self.folder)

    def keep(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Makes ``entries`` all that was entered: what else was found is gone or damaged."""
        temporary = self.folder / f"{_JOURNAL}.writing"
        with temporary.open("w", encoding="utf-8") as stream:
            for entry in entries:
                _write_line(stream, entry)
        temporary.rename(self.folder / _JOURNAL)
        fsync(self.folder)

    def enter(self, entry: Mapping[str, Any]) -> None:
        """Enters a piece whose files are flushed and have their names."""
        with (self.folder / _JOURNAL).open("a", encoding="utf-8") as stream:
            _write_line(stream, entry)

    def remove(self) -> None:
        """Removes the folder and what is left in it."""
        shutil.rmtree(self.folder)


@contextlib.contextmanager
def open_unfinished(out: Path, fingerprint: str, *, overwrite: bool = False) -> Iterator[Unfinished]:
    """The work on ``out``, new or as the run left it; nobody else may work there meanwhile.

    Args:
        fingerprint: of inputs and settings: only the same run goes on.
        overwrite: clear away what another run left.

    Raises:
        FolderError: another run left its work there, or a process works there now.
    """
    folder = unfinished_folder(out)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FolderError(f"{folder}: another process is writing {out.name}") from None
        _claim(folder, fingerprint, overwrite)
        yield Unfinished(folder)


def unfinished_folder(out: Path) -> Path:
    """Where the run that makes ``out`` keeps its work."""
    return out.parent / f".{out.name}.partial"


def finished_pieces(out: Path, fingerprint: str) -> int:
    """How many pieces of this very run lie ready, for ``--dry-run``; looks and touches nothing."""
    folder = unfinished_folder(out)
    return len(_entries(folder)) if _read_run(folder) == fingerprint else 0


def fsync(path: Path) -> None:
    """Flushes a file, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _claim(folder: Path, fingerprint: str, overwrite: bool) -> None:
    found = _read_run(folder)
    others = found is not None and found != fingerprint
    if others and not overwrite:
        raise FolderError(
            f"{folder} holds the unfinished work of another run (other inputs or settings): "
            "finish that one, remove the folder, or pass --overwrite"
        )
    if found is None or others:
        for path in folder.iterdir():
            if path.name != _LOCK:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        write_json(folder / _RUN, {"fingerprint": fingerprint})


def _read_run(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / _RUN).read_text("utf-8"))["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _entries(folder: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    with contextlib.suppress(FileNotFoundError):
        for line in (folder / _JOURNAL).read_text("utf-8").splitlines():
            with contextlib.suppress(ValueError):  # the last line may be torn
                entries.append(json.loads(line))
    return entries


def _write_line(stream: IO[str], entry: Mapping[str, Any]) -> None:
    stream.write(json.dumps(entry, ensure_ascii=False) + "\n")
    stream.flush()
    os.fsync(stream.fileno())

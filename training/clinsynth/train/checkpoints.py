"""Checkpoints: DeepSpeed writes them, a record written last says that one is whole and what run it is of.

runs/demo/train/checkpoints/step-00000200/      DeepSpeed's files, and record.json
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from clinsynth.errors import FolderError, UsageError
from clinsynth.folders import file_sha256, write_json
from clinsynth.train.universal import FOLDER as UNIVERSAL
from clinsynth.train.universal import drop_universal, make_universal
from clinsynth.train.writing import Files

FOLDER: Final = "checkpoints"
RECORD: Final = "record.json"


@dataclass(frozen=True)
class Progress:
    """How far a run is, and what run it is.

    Args:
        step: optimizer steps done.
        tokens: tokens the loss was taken over so far.
        run: what has to be the same in a run that goes on from here, by config key.
        layout: processes by axis, and ZeRO stage: another one can go on from here too.
    """

    step: int
    tokens: int
    run: Mapping[str, Any]
    layout: Mapping[str, int]


@dataclass(frozen=True)
class Record(Progress):
    """What a checkpoint says of itself.

    Args:
        files: name -> (bytes, SHA-256).
    """

    files: Mapping[str, tuple[int, str]]


def name_of(step: int) -> str:
    """The folder name of a checkpoint; names sort as steps do."""
    return f"step-{step:08}"


def complete(folder: Path) -> list[Path]:
    """The checkpoints in a run folder that were written to the end, oldest first."""
    return sorted(p.parent for p in (folder / FOLDER).glob(f"step-*/{RECORD}"))


def find(folder: Path, resume: str) -> Path | None:
    """The checkpoint to go on from: the newest (``auto``), the named one, or None (``never``).

    Raises:
        UsageError: there is none of that name.
    """
    there = complete(folder)
    if resume == "never":
        return None
    if resume == "auto":
        return there[-1] if there else None
    for path in there:
        if path.name == resume:
            return path
    known = ", ".join(p.name for p in there) or "none"
    raise UsageError(f"resume: {folder / FOLDER} has no whole checkpoint {resume}; there are: {known}")


def read_record(path: Path) -> Record:
    """The record of a checkpoint.

    Raises:
        FolderError: it is damaged.
    """
    try:
        return Record(**json.loads((path / RECORD).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        raise FolderError(f"{path / RECORD} is damaged{_instead(path)}") from None


def check_same_run(path: Path, record: Record, run: Mapping[str, Any]) -> None:
    """Fails when the checkpoint is of another run.

    Raises:
        UsageError: names the first key that differs.
    """
    for key, value in run.items():
        then = record.run.get(key)
        if then != value:
            raise UsageError(
                f"{key} is {_short(value)}, but {path.name} was written with {_short(then)}: "
                "change it back, or start anew with --overwrite"
            )


def check_layout(path: Path, record: Record, layout: Mapping[str, int]) -> None:
    """Fails when the checkpoint cannot be read at the layout.

    Raises:
        UsageError: one of the two is of a ZeRO stage that cannot change.
    """
    if record.layout != layout and not record.layout["zero"] == layout["zero"] == 1:
        then, now = (
            ", ".join(f"{axis} {size}" for axis, size in part.items()) for part in (record.layout, layout)
        )
        raise UsageError(
            f"layout is {now}, but {path.name} was written with {then}: only ZeRO-1 changes its layout"
        )


def check_sizes(path: Path, record: Record) -> None:
    """Fails fast when a file is missing or was cut short.

    Raises:
        FolderError: names the file, and the checkpoint before.
    """
    for name, (size, _) in record.files.items():
        file = path / name
        if not file.is_file():
            raise FolderError(f"{file} is missing{_instead(path)}")
        if file.stat().st_size != size:
            raise FolderError(f"{file} has {file.stat().st_size:,} bytes, not {size:,}{_instead(path)}")


def check_contents(path: Path, record: Record, share: slice) -> str | None:
    """Compares checksums of this process's share of the files; what is wrong, or None."""
    for name, (_, digest) in sorted(record.files.items())[share]:
        if file_sha256(path / name) != digest:
            return f"{path / name} does not match its checksum{_instead(path)}"
    return None


def save(engine: Any, folder: Path, progress: Progress, keep: int) -> None:
    """Begins to write a checkpoint, and to remove the oldest beyond ``keep`` when it is whole. Collective.

    Training may go on at once; ``wait`` returns when the checkpoint is there.

    Raises:
        ClinsynthError: the one before could not be written.
    """
    from clinsynth.train.distributed import Place, from_all

    place = Place.from_environment()
    assert place is not None
    path = folder / FOLDER / name_of(progress.step)
    wait(engine)
    if place.first and path.exists():
        shutil.rmtree(path)  # cut off while it was written, or written by a run that went back
    from_all(None)
    engine.save_checkpoint(str(path.parent), tag=path.name, save_latest=False)

    def complete_it(files: Files) -> None:
        temporary = path / f".{RECORD}"
        write_json(temporary, asdict(Record(**asdict(progress), files=files)))
        temporary.rename(path / RECORD)
        prune(folder, keep)

    engine.checkpoint_engine.finish(
        path, place.rank, place.world_size, complete_it if place.first else None
    )


def wait(engine: Any) -> None:
    """Returns in every process when no checkpoint is being written. Collective.

    Raises:
        ClinsynthError: it could not be written.
    """
    from clinsynth.train.distributed import from_all

    engine.checkpoint_engine.wait()
    from_all(None)


def verify(path: Path, record: Record) -> None:
    """Compares the checksums of all files, each process its share. Collective.

    Raises:
        FolderError: a file is damaged; names it, and the checkpoint before.
    """
    from clinsynth.train.distributed import Place, from_all

    place = Place.from_environment()
    assert place is not None
    problems = from_all(check_contents(path, record, slice(place.rank, None, place.world_size)))
    for problem in problems:
        if problem is not None:
            raise FolderError(problem)


def convert(path: Path, *, first: bool) -> None:
    """Makes a verified checkpoint one that any layout can read. Collective.

    Raises:
        FolderError: DeepSpeed cannot convert it.
    """
    from clinsynth.train.distributed import from_all

    make_universal(path, first=first)
    from_all(None)


def load(engine: Any, path: Path, *, converted: bool, first: bool) -> None:
    """Reads a verified checkpoint into the engine. Collective.

    Args:
        converted: from its universal form, which is removed then; the engine was started to read that.
    """
    from clinsynth.train.distributed import from_all

    if not converted:
        engine.load_checkpoint(str(path.parent), tag=path.name)
        return
    engine.load_checkpoint(str(path), tag=UNIVERSAL)
    from_all(None)
    if first:
        drop_universal(path)


def prune(folder: Path, keep: int) -> None:
    """Removes all but the newest ``keep`` whole checkpoints, and older ones that were never finished."""
    kept = complete(folder)[-keep:]
    if not kept:
        return
    for path in sorted((folder / FOLDER).glob("step-*")):
        if path not in kept and path.name < kept[-1].name:
            _remove(path)


def drop_after(folder: Path, step: int) -> None:
    """Removes the checkpoints of later steps, whole or not."""
    for path in (folder / FOLDER).glob("step-*"):
        if path.name > name_of(step):
            _remove(path)


def _remove(path: Path) -> None:
    # First what makes it a checkpoint, should this be cut off. Two threads may remove the same.
    (path / RECORD).unlink(missing_ok=True)
    shutil.rmtree(path, ignore_errors=True)


def _instead(path: Path) -> str:
    before = [p for p in complete(path.parent.parent) if p.name < path.name]
    if before:
        return f": the checkpoint is damaged; go on from the one before with resume={before[-1].name}"
    return ": the checkpoint is damaged and there is none before it; start anew with --overwrite"


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."

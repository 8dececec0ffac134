"""Tensors of a Hugging Face folder, one at a time: never the whole model in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from clinsynth.errors import FolderError
from clinsynth.folders import MANIFEST, file_sha256

if TYPE_CHECKING:
    import torch

SINGLE: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"
MAX_SHARD_BYTES: Final = 5_000_000_000
"""Largest file that is written, in bytes, if no single tensor is larger."""


class TensorFolder:
    """The tensors of a folder with ``model.safetensors`` or numbered shards and their index.

    Raises:
        FolderError: neither is there, the index is damaged, or a file that it names is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file_of = _files_by_tensor(folder)

    def __contains__(self, name: str) -> bool:
        return name in self._file_of

    def __iter__(self) -> Iterator[str]:
        return iter(self._file_of)

    def __len__(self) -> int:
        return len(self._file_of)

    def get(self, name: str, rows: slice | None = None) -> torch.Tensor:
        """The tensor ``name``; of its first dimension only ``rows``, and only those are read.

        Raises:
            FolderError: there is no such tensor, or its file is damaged.
        """
        from safetensors import SafetensorError, safe_open

        if name not in self._file_of:
            raise FolderError(f"{self._folder} has no tensor {name}")
        path = self._folder / self._file_of[name]
        try:
            with safe_open(path, framework="pt") as file:
                tensor: torch.Tensor = file.get_tensor(name) if rows is None else file.get_slice(name)[rows]
                return tensor
        except (SafetensorError, OSError) as error:
            raise FolderError(f"{path}: cannot read tensor {name}: {error}") from None


def tensor_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor in a folder as above, from the heads of its files: no tensor and no
    torch is loaded.

    Raises:
        FolderError: there are none, the index is damaged, or a file is missing or damaged.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for file in weight_files(folder):
        try:
            with (folder / file).open("rb") as stream:
                size = int.from_bytes(stream.read(8), "little")
                text = stream.read(size)
            if len(text) < size:
                raise ValueError
            head = json.loads(text)
            shapes |= {name: tuple(one["shape"]) for name, one in head.items() if name != "__metadata__"}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, MemoryError):
            raise FolderError(f"{folder / file} is damaged: it is not a safetensors file") from None
    return shapes


def weight_files(folder: Path) -> list[str]:
    """Names of the files that hold the tensors of a folder as above, in order.

    Raises:
        FolderError: neither is there, the index is damaged, or a file that it names is missing.
    """
    if (folder / INDEX).is_file():
        return sorted(set(_read_index(folder).values()))
    if (folder / SINGLE).is_file():
        return [SINGLE]
    raise FolderError(f"{folder} has neither {SINGLE} nor {INDEX}")


def weights_sha256(folder: Path) -> str:
    """The hash that an adapter remembers of its base: over ``config.json`` and the files of weights, and
    no other.

    A card or an index that is added to the folder later doesn't change it. Digests that the folder's
    manifest lists are taken from there; without one every byte is read.

    Raises:
        FolderError: there are no weights, or a file is missing.
    """
    listed, digest = _listed_digests(folder), hashlib.sha256()
    for name in ["config.json", *weight_files(folder)]:
        if not (folder / name).is_file():
            raise FolderError(f"{folder} has no {name}: it is not a Hugging Face model folder")
        digest.update(f"{name}\0{listed.get(name) or file_sha256(folder / name)}\n".encode())
    return digest.hexdigest()


def _listed_digests(folder: Path) -> dict[str, str]:
    if not (folder / MANIFEST).is_file():
        return {}
    try:
        files: dict[str, str] = json.loads((folder / MANIFEST).read_text("utf-8"))["files"]
        return dict(files)
    except (ValueError, KeyError, TypeError):
        raise FolderError(f"{folder / MANIFEST} is damaged") from None


def _read_index(folder: Path) -> dict[str, str]:
    try:
        files: dict[str, str] = json.loads((folder / INDEX).read_text("utf-8"))["weight_map"]
    except (ValueError, KeyError, TypeError):
        raise FolderError(f"{folder / INDEX} is damaged") from None
    for name in sorted(set(files.values())):
        if not (folder / name).is_file():
            raise FolderError(f"{folder / name} is missing: {INDEX} names it")
    return files


def _files_by_tensor(folder: Path) -> dict[str, str]:
    from safetensors import SafetensorError, safe_open

    if weight_files(folder) != [SINGLE]:
        return _read_index(folder)
    try:
        with safe_open(folder / SINGLE, framework="pt") as file:
            return dict.fromkeys(file.keys(), SINGLE)
    except (SafetensorError, OSError) as error:
        raise FolderError(f"{folder / SINGLE} is damaged: {error}") from None


@dataclass(slots=True)
class ShardWriter:
    """Writes tensors into files of bounded size, under names that ``finish_shards`` will number.

    Several processes may write into one folder at once, each with its own ``label``.

    Args:
        label: orders the files of several writers (``stage-00``).
        max_bytes: a file is closed before it would grow over this.
    """

    folder: Path
    label: str
    max_bytes: int = MAX_SHARD_BYTES
    shards: list[Shard] = field(default_factory=list)
    _pending: dict[str, torch.Tensor] = field(default_factory=dict)
    _pending_bytes: int = 0

    def add(self, name: str, tensor: torch.Tensor) -> None:
        """Takes the next tensor; earlier ones are written out when the file would grow too large."""
        size = tensor.numel() * tensor.element_size()
        if self._pending and self._pending_bytes + size > self.max_bytes:
            self.flush()
        self._pending[name] = tensor.detach().cpu().contiguous()
        self._pending_bytes += size

    def flush(self) -> None:
        """Writes what was taken since the last file."""
        from safetensors.torch import save_file

        if not self._pending:
            return
        shard = Shard(f".{self.label}-{len(self.shards):03}", tuple(self._pending), self._pending_bytes)
        save_file(self._pending, self.folder / shard.file, metadata={"format": "pt"})
        (self.folder / shard.file).chmod(0o644)  # safetensors writes 0600: readable by nobody else
        self.shards.append(shard)
        self._pending, self._pending_bytes = {}, 0


@dataclass(frozen=True, slots=True)
class Shard:
    """A file that was written: its temporary name, the names of its tensors, their size in bytes."""

    file: str
    tensors: tuple[str, ...]
    bytes: int


def finish_shards(folder: Path, shards: Sequence[Shard]) -> None:
    """Gives the files of all writers their Hugging Face names; writes the index if there are several."""
    from clinsynth.folders import write_json

    ordered = sorted(shards, key=lambda shard: shard.file)
    if len(ordered) == 1:
        (folder / ordered[0].file).rename(folder / SINGLE)
        return
    weight_map = {}
    for number, shard in enumerate(ordered, 1):
        name = f"model-{number:05}-of-{len(ordered):05}.safetensors"
        (folder / shard.file).rename(folder / name)
        weight_map.update(dict.fromkeys(shard.tensors, name))
    total = sum(shard.bytes for shard in ordered)
    write_json(folder / INDEX, {"metadata": {"total_size": total}, "weight_map": weight_map})

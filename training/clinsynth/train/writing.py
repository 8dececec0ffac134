"""Checkpoints written while training goes on: each process copies its state aside and writes it from a
thread.

DeepSpeed's own asynchronous writers need an operation compiled against libaio. This one is its plain
writer, moved into a thread. Nothing collective happens there: each process leaves a file that says what
it wrote, and the first one, when it has seen all of those, writes the record that makes the checkpoint
whole.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import torch

from clinsynth.errors import ClinsynthError
from clinsynth.folders import file_sha256, write_json

_POLL_SECONDS: Final = 0.05

Files = dict[str, tuple[int, str]]
"""Name of a file in a checkpoint -> bytes and SHA-256."""


def part_name(rank: int) -> str:
    """The file in which a process says what it wrote."""
    return f".part-{rank:05}.json"


def write_in_background(engine: Any) -> BackgroundWriter:
    """Makes ``engine``, DeepSpeed's, write its checkpoints with a ``BackgroundWriter``."""
    writer = BackgroundWriter(engine.checkpoint_engine)
    engine.checkpoint_engine = writer
    return writer


class BackgroundWriter:
    """Stands where DeepSpeed has its ``CheckpointEngine``, and answers its calls.

    ``save`` is called for each file of a checkpoint; ``finish`` then begins to write. One at a time.
    """

    def __init__(self, plain: Any) -> None:
        self._plain = plain
        self._taken: list[tuple[Any, Path]] = []
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)

    def preserves_storage_sharing(self) -> bool:
        """Copies share nothing, so DeepSpeed need not copy first."""
        return False

    def save(self, state_dict: Any, path: str) -> None:
        """Copies a state aside."""
        from torch.utils._pytree import tree_map_only

        copy = tree_map_only(torch.Tensor, lambda tensor: tensor.detach().to("cpu", copy=True), state_dict)
        self._taken.append((copy, Path(path)))

    def finish(
        self, folder: Path, rank: int, world: int, when_all_wrote: Callable[[Files], None] | None
    ) -> None:
        """Begins to write what was taken since the last time.

        Args:
            folder: of the checkpoint.
            rank, world: which process this is, of how many.
            when_all_wrote: given to the first process: called, in the thread, with what all wrote.
        """
        taken, self._taken = self._taken, []

        def write() -> None:
            try:
                files = {path.name: _write(state, path) for state, path in taken}
                _say(folder / part_name(rank), files)
                if when_all_wrote is not None:
                    when_all_wrote(_collect(folder, world))
            except Exception as error:  # noqa: BLE001 - told by the next ``check``
                self._error = error

        self._thread = threading.Thread(target=write, name="checkpoint", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Returns when nothing is being written.

        Raises:
            ClinsynthError: a checkpoint could not be written.
        """
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.check()

    def check(self) -> None:
        """Fails when a checkpoint could not be written.

        Raises:
            ClinsynthError: says why.
        """
        if self._error is not None:
            error, self._error = self._error, None
            raise ClinsynthError(f"the checkpoint cannot be written: {error}") from error


def _write(state: Any, path: Path) -> tuple[int, str]:
    if path.suffix == ".safetensors":
        from safetensors.torch import save_file

        save_file(state, path)
    else:
        torch.save(state, path)
    return path.stat().st_size, file_sha256(path)


def _say(path: Path, files: Mapping[str, tuple[int, str]]) -> None:
    temporary = path.with_suffix(".writing")
    write_json(temporary, files)
    temporary.rename(path)


def _collect(folder: Path, world: int) -> Files:
    """What all processes wrote, when all have."""
    parts = [folder / part_name(rank) for rank in range(world)]
    while not all(part.exists() for part in parts):
        time.sleep(_POLL_SECONDS)
    files: Files = {}
    for part in parts:
        files |= {
            name: (size, digest) for name, (size, digest) in json.loads(part.read_text("utf-8")).items()
        }
        part.unlink()
    return files

"""One process of a run that the launcher started: its place, its log, its end."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import traceback
from pathlib import Path
from typing import Final

from clinsynth.errors import ClinsynthError
from clinsynth.train.distributed import PROGRESS_FD, RENDEZVOUS, Place
from clinsynth.train.stopping import leave_on_signals

PEER_LOST: Final = 75
"""Exit code of a process that failed because another one went away."""
_LOST: Final = (
    "Connection closed by peer",
    "Connection reset by peer",
    "Broken pipe",
    "Timed out waiting",
    "Connection refused",
)


def work(run: str, rank: int, world: int, rendezvous: str, log: str, overwrite: bool) -> None:
    """Takes part in a run and leaves with an exit code: 0, that of the error, or ``PEER_LOST``.

    Args:
        run: the run's config as JSON.
        rank, world: which process this is, of how many.
        rendezvous: file through which the processes meet.
        log: where everything that this process says goes, but the first one's progress.
    """
    _leave_with_the_launcher()
    _speak_into(Path(log), keep_progress=rank == 0)
    os.environ.update(
        {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(world), RENDEZVOUS: rendezvous}
    )
    leave_on_signals(speaks=True)
    from clinsynth.train.config import TrainConfig
    from clinsynth.train.run import run as take_part

    try:
        take_part(TrainConfig.model_validate_json(run), Place(rank, world, rank), overwrite=overwrite)
    except ClinsynthError as error:
        sys.stderr.write(f"{error.label}: {error}\n")
        sys.exit(error.exit_code)
    except Exception as error:
        if not _peer_lost(error):
            raise
        traceback.print_exc()
        sys.exit(PEER_LOST)


def _leave_with_the_launcher() -> None:
    """However the launcher ends, nothing that it started outlives it."""
    launcher = multiprocessing.parent_process()
    assert launcher is not None, "not started by the launcher"

    def watch() -> None:
        launcher.join()
        os._exit(PEER_LOST)

    threading.Thread(target=watch, daemon=True).start()


def _speak_into(log: Path, *, keep_progress: bool) -> None:
    if keep_progress:
        os.environ[PROGRESS_FD] = str(os.dup(2))
    with log.open("wb") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)


def _peer_lost(error: Exception) -> bool:
    import torch.distributed as dist

    return isinstance(error, dist.DistError) or any(words in str(error) for words in _LOST)

"""A checkpoint of one layout, read at another: DeepSpeed's universal form, made when it is first needed.

DeepSpeed writes what each process holds. Its converter puts every tensor together again, for which it
must know how each was split: ``describe_parameters`` says so before a checkpoint is written. The
universal form is a folder inside the checkpoint, and goes when it has been read.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from clinsynth.errors import FolderError
from clinsynth.train.distributed import from_all

FOLDER: Final = "universal"
_POLL_SECONDS: Final = 0.2
_WORKERS: Final = 8


def describe_parameters(network: Any) -> None:
    """Tells the network how each parameter of the whole model is split, for checkpoints to say. Collective.

    DeepSpeed collects this of a process's own stage; its converter reads one process's account for all.
    """
    from deepspeed.checkpoint.constants import (
        PIPELINE_REPLICATED_PARAMETER_PATTERNS,
        UNIVERSAL_CHECKPOINT_INFO,
    )
    from deepspeed.module_inject.layers import collect_autotp_universal_checkpoint_info

    tied = [name for name, p in network.named_parameters() if getattr(p, "ds_pipe_replicated", False)]
    own = collect_autotp_universal_checkpoint_info(network)
    own[PIPELINE_REPLICATED_PARAMETER_PATTERNS] = [rf"^{re.escape(name)}$" for name in tied]
    merged: dict[str, Any] = {}
    for info in from_all(own):
        merged = _merged(merged, info)
    setattr(network, UNIVERSAL_CHECKPOINT_INFO, merged)


def _merged(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    """Both accounts in one: lists and tables are joined, single values are the same in both."""
    joined = dict(a)
    for key, value in b.items():
        before = joined.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            joined[key] = _merged(before, value)
        elif isinstance(value, list) and isinstance(before, list) and key.endswith(("patterns", "params")):
            joined[key] = before + [entry for entry in value if entry not in before]
        else:
            joined[key] = value
    return joined


def make_universal(path: Path, *, first: bool) -> None:
    """Makes the universal form of the checkpoint at ``path``; returns in every process when it is there.

    No process waits in a collective call, which would end it after half an hour.

    Raises:
        FolderError: the checkpoint cannot be converted.
    """
    wanted = path / FOLDER
    if first and not wanted.exists():
        _convert(path, wanted)
    while not wanted.exists():
        time.sleep(_POLL_SECONDS)


def drop_universal(path: Path) -> None:
    """Removes the universal form of the checkpoint at ``path``."""
    shutil.rmtree(path / FOLDER, ignore_errors=True)


def _convert(path: Path, wanted: Path) -> None:
    """In a process of its own: the converter forks, which a process that has talked to others must not."""
    writing = path / f".{FOLDER}.writing"
    shutil.rmtree(writing, ignore_errors=True)
    workers = str(min(_WORKERS, len(os.sched_getaffinity(0))))
    command = [sys.executable, "-m", "deepspeed.checkpoint.ds_to_universal"]
    options = ["--input_folder", str(path), "--output_folder", str(writing)]
    counts = ["--num_extract_workers", workers, "--num_merge_workers", workers]
    alone = {
        key: value for key, value in os.environ.items() if key not in ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    }
    done = subprocess.run([*command, *options, *counts], env=alone, capture_output=True, text=True)
    sys.stdout.write(done.stdout + done.stderr)
    (path / "latest_universal").unlink(missing_ok=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise FolderError(f"{path} cannot be read at another layout: {last}")
    writing.rename(wanted)

"""What can be known to go wrong before any process is started."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clinsynth.errors import FolderError, UsageError
from clinsynth.folders import input_sha256, read_manifest, refuse_existing
from clinsynth.overlap import check_joinable
from clinsynth.tokens.mixture import check_weights, source_names
from clinsynth.train import checkpoints
from clinsynth.train.settings import model_settings
from clinsynth.train.trackers import check_installed

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig


def check_run(config: TrainConfig, *, overwrite: bool) -> None:
    """Inputs are there, outputs are free.

    Raises:
        FolderError: the corpus is missing or damaged, something stands at ``out``, or the checkpoint to go
            on from is damaged.
        DataError: the indexes of training text of corpus and ``init_from`` do not go together.
        UsageError: a key is wrong for this corpus, model or checkpoint.
        MissingExtraError: a tracker is not installed.
    """
    check_installed(config.trackers)
    read_manifest(config.corpus, "corpus")
    sources, _ = (source_names(config.corpus / "tokens" / split) for split in ("train", "valid"))
    if config.mixture is not None:
        check_weights(config.mixture, sources)
    if config.init_from is not None and not config.init_from.is_dir():
        raise FolderError(f"init_from: {config.init_from}: no such folder")
    if config.init_from is not None:
        check_joinable([config.corpus, config.init_from])
    if config.lora is not None:
        from clinsynth.train.lora.checks import check_adapter_run

        check_adapter_run(config)
    else:
        check_layout(config)
    refuse_existing(config.out, overwrite=overwrite)
    if not overwrite:
        checkpoint_to_resume(config)


def checkpoint_to_resume(config: TrainConfig) -> tuple[Path, checkpoints.Record] | None:
    """The checkpoint that the run goes on from, looked at from outside: its files' contents are not read.

    Raises:
        UsageError: there is none of the name asked for, or it is of another run.
        FolderError: it is damaged.
    """
    path = checkpoints.find(config.folder, config.resume)
    if path is None:
        return None
    record = checkpoints.read_record(path)
    checkpoints.check_same_run(path, record, identity(config))
    checkpoints.check_sizes(path, record)
    if config.lora is None:
        checkpoints.check_layout(path, record, config.layout.axes)
    return path, record


def identity(config: TrainConfig) -> dict[str, Any]:
    """What has to be the same for a checkpoint to be of this run, by key."""
    return {"corpus": input_sha256(config.corpus), **config.must_match()}


def check_layout(config: TrainConfig) -> None:
    """The model can be dealt out as the layout says, and can read rows of the run's length.

    Raises:
        UsageError: names the key to change.
    """
    tp, pp = config.layout.tp, config.layout.pp
    family, settings = model_settings(config)
    for name, size in family.divisors(settings).items():
        if size % tp:
            raise UsageError(f"layout.tp {tp} does not divide {name} {size} of the model")
    blocks, positions = family.blocks(settings), family.positions(settings)
    if blocks < pp:
        raise UsageError(f"layout.pp {pp} is more than the {blocks} layers of the model")
    if positions is not None and config.context > positions:
        raise UsageError(f"context {config.context} is more than the {positions} positions of the model")


def check_machine(config: TrainConfig, accelerators: int) -> None:
    """This machine can hold the processes. Only for runs that ``clinsynth train`` starts itself.

    Raises:
        UsageError: there are more processes than accelerators, or than cores where there is no accelerator.
    """
    processes = config.layout.processes
    if accelerators:
        if processes > accelerators:
            raise UsageError(
                f"layout has {processes} processes (tp x pp x dp), this machine {accelerators} accelerators"
            )
    elif processes > cores() and not config.layout.oversubscribe:
        raise UsageError(
            f"layout has {processes} processes (tp x pp x dp), this machine {cores()} cores: lower one "
            "of the three, or set layout.oversubscribe=true to go slowly"
        )


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def accelerators() -> int:
    """GPUs that this process may use, without asking a library that takes seconds to load."""
    if os.environ.get("DS_ACCELERATOR", "cuda") != "cuda":
        return 0
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([device for device in visible.split(",") if device.strip() not in ("", "-1")])
    return len(list(Path("/dev").glob("nvidia[0-9]*")))

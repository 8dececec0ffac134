"""Weights & Biases: files in the run folder for ``wandb sync``; the server with ``WANDB_MODE=online``."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from typing import Any, Final

from clinsynth.errors import MissingExtraError
from clinsynth.train.trackers.base import EXTRA, Series

NAME: Final = "wandb"
_PROJECT: Final = "clinsynth"
_QUIET: Final[Mapping[str, Any]] = {
    # What it would otherwise note: output, source code, git, the names of host, user and program.
    "console": "off",
    "save_code": False,
    "disable_git": True,
    "disable_job_creation": True,
    "x_disable_meta": True,
    "x_disable_machine_info": True,
    "x_disable_stats": True,
    "x_save_requirements": False,
    "host": "",
    "username": "",
    "email": "",
    "program": "",
    "silent": True,
}


def start(series: Series) -> WeightsAndBiases:
    """Goes on with the run that W&B knows, or starts one."""
    try:
        import wandb
    except ImportError:
        raise MissingExtraError(*EXTRA[NAME]) from None
    known = series.known_id(NAME)
    identifier = known or secrets.token_hex(4)
    run = wandb.init(
        project=os.environ.get("WANDB_PROJECT", _PROJECT),
        name=series.name,
        id=identifier,
        resume="allow",
        config=dict(series.settings),
        settings=wandb.Settings(
            mode=os.environ.get("WANDB_MODE", "offline"), root_dir=str(series.folder), **_QUIET
        ),
    )
    series.remember(NAME, identifier)
    return WeightsAndBiases(run, series.reached if known else 0)


class WeightsAndBiases:
    """Numbers of one run."""

    def __init__(self, run: Any, reached: int) -> None:
        self._run, self.reached = run, reached

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Hands over the numbers of a step."""
        self._run.log(dict(numbers), step=step)

    def close(self) -> None:
        """Writes out what is left."""
        self._run.finish()

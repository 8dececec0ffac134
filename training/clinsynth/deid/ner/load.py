"""The model of a configuration; torch is imported when there is one to load."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from clinsynth.deid.config import DeidConfig
from clinsynth.deid.ner.card import CARD, checked_card
from clinsynth.errors import FolderError, MissingExtraError
from clinsynth.folders import file_sha256

if TYPE_CHECKING:
    from clinsynth.deid.ner.model import NerModel

EXTRA = "train"


def need_torch() -> None:
    """Raises:
    MissingExtraError: torch or transformers is not installed.
    """
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(error.name or "torch", EXTRA) from None


def check_model(config: DeidConfig) -> None:
    """Fails early, before a pool of processes is started.

    Raises:
        FolderError: the model is not there or damaged.
        MissingExtraError: torch or transformers is not installed.
    """
    if config.ner is not None:
        need_torch()
        checked_card(config.ner)


def model_version(config: DeidConfig) -> str | None:
    """Twelve hexadecimal digits over the model's card and how it is used; None: there is no model.

    Raises:
        FolderError: the model is not there.
    """
    if config.ner is None:
        return None
    return _version(config.ner, config.ner_threshold, config.professions, config.labels)


@cache  # an export asks for each of its notes
def _version(folder: Path, *chosen: object) -> str:
    if not (folder / CARD).is_file():
        raise FolderError(f"{folder} has no {CARD}: clinsynth deid train makes one")
    return hashlib.sha256(f"{file_sha256(folder / CARD)} {chosen}".encode()).hexdigest()[:12]


def load_model(config: DeidConfig) -> NerModel | None:
    """The model that stands beside the rules; None: none was asked for.

    Raises:
        FolderError: it cannot be loaded.
        MissingExtraError: torch or transformers is not installed.
    """
    if config.ner is None:
        return None
    need_torch()
    from clinsynth.deid.ner.model import NerModel

    return NerModel.load(
        config.ner, threshold=config.ner_threshold, professions=config.professions, labels=config.labels
    )

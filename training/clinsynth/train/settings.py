"""What the model's ``config.json`` will say: from a shape and the corpus's tokenizer, or an existing model.

No library of models is loaded for it, so that a run is checked in a moment.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clinsynth.errors import FolderError, UsageError
from clinsynth.tokens.tokenizer import load_tokenizer
from clinsynth.train.families import family_of

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig
    from clinsynth.train.families import Family


def model_settings(config: TrainConfig) -> tuple[Family, dict[str, Any]]:
    """The family of the model that a run trains, and its settings.

    Raises:
        FolderError: the corpus has no tokenizer, or ``init_from`` no config.
        UsageError: the architecture cannot be trained, or its vocabulary is not the corpus's.
    """
    vocabulary = load_tokenizer(config.corpus / "tokenizer").vocabulary_size
    if config.shape is not None:
        family = family_of(config.shape.architecture)
        settings = family.settings(config.shape, vocabulary, config.context)
        return family, settings | dict.fromkeys(family.dropouts, config.dropout)
    assert config.init_from is not None
    settings = existing_settings(config.init_from)
    if settings.get("vocab_size") != vocabulary:
        raise UsageError(
            f"init_from: the model has {settings.get('vocab_size')} tokens, the corpus {vocabulary}: "
            f"prepare the corpus with tokenizer.from: {config.init_from}"
        )
    family = family_of(settings.pop("model_type", ""))
    return family, settings | dict.fromkeys(family.dropouts, config.dropout)


def existing_settings(folder: Path) -> dict[str, Any]:
    """``config.json`` of a Hugging Face folder.

    Raises:
        FolderError: no such file, or it is damaged.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise FolderError(f"init_from: {folder} has no config.json: it is not a Hugging Face model folder")
    try:
        settings: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError:
        raise FolderError(f"init_from: {path} is not JSON") from None
    return settings

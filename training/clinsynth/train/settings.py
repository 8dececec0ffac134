"""What the model's ``config.json`` will say: from a shape and the corpus's tokenizer, or an existing model.

No library of models is loaded for it, so that a run is checked in a moment.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from clinsynth.errors import FolderError, UsageError
from clinsynth.folders import file_sha256
from clinsynth.tokens.tokenizer import load_tokenizer
from clinsynth.train.families import family_of, family_of_model

if TYPE_CHECKING:
    from clinsynth.tokens.tokenizer import NoteTokenizer
    from clinsynth.train.config import TrainConfig
    from clinsynth.train.families import Family

TOKENIZER: Final = "tokenizer.json"


def model_settings(config: TrainConfig) -> tuple[Family, dict[str, Any]]:
    """The family of the model that a run trains, and its settings.

    Raises:
        FolderError: the corpus has no tokenizer, or ``init_from`` no config.
        UsageError: the architecture cannot be trained, or its vocabulary is not the corpus's.
    """
    tokenizer = load_tokenizer(config.corpus / "tokenizer")
    vocabulary = tokenizer.vocabulary_size
    if config.shape is not None:
        family = family_of(config.shape.architecture)
        settings = family.settings(config.shape, vocabulary, config.context)
        return family, settings | dict.fromkeys(family.dropouts, config.dropout)
    assert config.init_from is not None
    settings = existing_settings(config.init_from)
    known = int(settings.get("vocab_size", 0))
    check_vocabulary(config, tokenizer, known)
    family = family_of_model(settings)
    settings.pop("model_type")
    grown = {"vocab_size": max(known, vocabulary)}
    return family, settings | grown | dict.fromkeys(family.dropouts, config.dropout)


def check_vocabulary(config: TrainConfig, tokenizer: NoteTokenizer, known: int) -> None:
    """The ids of the corpus mean in the model what they mean to its own tokenizer; new ones stand behind.

    Args:
        known: rows of the model's embedding: padding of its own may stand behind its tokens.

    Raises:
        UsageError: the corpus was made with another tokenizer.
    """
    base, vocabulary = tokenizer.base, tokenizer.vocabulary_size
    assert config.init_from is not None
    own = config.init_from / TOKENIZER
    if own.is_file():
        fits = file_sha256(own) in (
            file_sha256(config.corpus / "tokenizer" / TOKENIZER),
            None if base is None else base.sha256,
        )
        if not fits:
            raise UsageError(
                f"init_from: the corpus was prepared with another tokenizer than the model's: prepare it "
                f"with tokenizer.from: {config.init_from}"
            )
    if known == vocabulary if base is None else known >= base.vocabulary:
        return
    has = f"{vocabulary}" if base is None else f"{base.vocabulary} of a model before its own"
    raise UsageError(
        f"init_from: the model has {known} tokens, the corpus {has}: prepare the corpus with "
        f"tokenizer.from: {config.init_from}"
    )


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

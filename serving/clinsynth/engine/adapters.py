"""Adapters beside their model: which of them vLLM takes as they are, and what it must be told of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from clinsynth.checkpoint import read_card
from clinsynth.checkpoint.adapter import SETTINGS, check_base
from clinsynth.checkpoint.tensors import weights_sha256
from clinsynth.engine.request import RefusedRequestError, Request
from clinsynth.errors import EngineError, FolderError, UsageError
from clinsynth.folders import file_sha256


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter that fits the model of an engine.

    Args:
        name: what requests call it.
        number: vLLM's, from 1.
        rank: largest of its matrices' ranks.
    """

    name: str
    folder: Path
    number: int
    rank: int

    def to_vllm(self) -> Any:
        """The form that vLLM takes with a request."""
        from vllm.lora.request import LoRARequest

        return LoRARequest(self.name, self.number, str(self.folder.resolve()))


def open_adapters(model_dir: Path, folders: Mapping[str, Path]) -> dict[str, Adapter]:
    """The adapters by name, checked as far as can be done before anything heavy is loaded.

    Raises:
        FolderError: an adapter is damaged, was trained on another model, or is of a kind that must be
            merged into its model first.
        UsageError: an adapter has the model's name.
    """
    if not folders:
        return {}
    if (name := read_card(model_dir).name) in folders:
        raise UsageError(f"adapter {name}: the model has that name; give it another, NAME=DIR")
    weights = weights_sha256(model_dir)
    return {
        name: _open(model_dir, weights, name, folder, number)
        for number, (name, folder) in enumerate(folders.items(), 1)
    }


def adapter_arguments(adapters: Sequence[Adapter]) -> dict[str, Any]:
    """What vLLM must be told to have room for all adapters in one batch."""
    if not adapters:
        return {}
    from vllm.config.lora import MaxLoRARanks

    largest = max(adapter.rank for adapter in adapters)
    rank = next((room for room in sorted(get_args(MaxLoRARanks)) if room >= largest), None)
    if rank is None:
        raise EngineError(f"an adapter has rank {largest}, more than vLLM takes: {_MERGE}")
    return {"enable_lora": True, "max_loras": len(adapters), "max_lora_rank": rank}


def asked_for(adapters: Mapping[str, Adapter], request: Request) -> Any:
    """The adapter that a request asks for, as vLLM takes it; None for the model alone.

    Raises:
        RefusedRequestError: there is none of that name.
    """
    if request.adapter is None:
        return None
    if request.adapter not in adapters:
        raise RefusedRequestError("model", "this engine has no such adapter")
    return adapters[request.adapter].to_vllm()


def check_architecture(model_dir: Path, arguments: Any) -> None:
    """The class that vLLM has for this model takes adapters.

    Args:
        arguments: vLLM's ``EngineArgs``.

    Raises:
        EngineError: it doesn't.
    """
    from vllm.model_executor.models.interfaces import supports_lora

    if not arguments.enable_lora:
        return
    config = arguments.create_model_config()
    kind, _ = config.registry.resolve_model_cls(config.architectures, config)
    if not supports_lora(kind):
        raise EngineError(f"{model_dir}: vLLM puts no adapter beside a {config.architectures[0]}: {_MERGE}")


TOKENIZER: Final = "tokenizer.json"
_MERGE: Final = "make one model of both with clinsynth merge, and serve that"


def _open(model_dir: Path, weights: str, name: str, folder: Path, number: int) -> Adapter:
    check_base(folder, model_dir, weights=weights)
    settings = json.loads((folder / SETTINGS).read_text("utf-8"))
    if problem := _not_for_vllm(settings):
        raise FolderError(f"{folder}: vLLM cannot put it beside its model, since {problem}: {_MERGE}")
    if file_sha256(folder / TOKENIZER) != file_sha256(model_dir / TOKENIZER):
        raise FolderError(f"{folder} has another tokenizer than {model_dir}: {_MERGE}")
    ranks = [settings["r"], *(settings.get("rank_pattern") or {}).values()]
    return Adapter(name, folder, number, max(ranks))


def _not_for_vllm(settings: Mapping[str, Any]) -> str | None:
    """What about a PEFT config vLLM lacks."""
    if whole := settings.get("modules_to_save"):
        return f"it trained {', '.join(whole)} whole"
    if settings.get("use_dora"):
        return "it is a DoRA"
    if settings.get("bias", "none") != "none":
        return "it trained biases"
    return None

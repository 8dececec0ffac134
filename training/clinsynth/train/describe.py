"""The card of a model that was just trained."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING, Any

from clinsynth.checkpoint.card import Card
from clinsynth.folders import input_sha256, read_manifest
from clinsynth.tokens.tokenizer import FORMAT_VERSION, load_tokenizer
from clinsynth.train.data import ORDER
from clinsynth.train.metrics import curve

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig
    from clinsynth.train.loop import State


def describe(config: TrainConfig, hf_config: Any, state: State, parameters: int) -> Card:
    """What the model's folder will say of it."""
    corpus = read_manifest(config.corpus, "corpus")
    tokenizer = load_tokenizer(config.corpus / "tokenizer")
    return Card(
        name=config.name,
        architecture=_architecture(hf_config),
        parameters=parameters,
        vocabulary=tokenizer.vocabulary_size,
        context=config.context,
        corpus_sha256=input_sha256(config.corpus),
        deid=corpus.config.get("deid") or {},
        template={"tokenizer_format": FORMAT_VERSION, "entity_labels": list(tokenizer.entity_labels)},
        layout={"tp": config.layout.tp, "pp": config.layout.pp, "dp": config.layout.dp},
        seeds={"weights": config.seed, "data": config.seed},
        data_order=ORDER,
        tokens_seen=state.tokens,
        steps=state.step,
        train_loss=curve(config.folder, "loss"),
        valid_loss=curve(config.folder, "valid_loss"),
        base_model=None if config.init_from is None else config.init_from.name,
        hardware=hardware(config.layout.processes),
    )


def hardware(processes: int) -> dict[str, Any]:
    """Processors and accelerators of this machine, and the processes of the run."""
    import torch

    found: dict[str, Any] = {
        "processor": platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "processes": processes,
    }
    if torch.cuda.is_available():
        found["accelerator"] = torch.cuda.get_device_name(0)
    return found


def _architecture(hf_config: Any) -> str:
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING

    return str(MODEL_FOR_CAUSAL_LM_MAPPING[type(hf_config)].__name__)

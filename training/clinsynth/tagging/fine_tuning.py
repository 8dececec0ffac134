"""Fine-tunes any encoder folder for token classification, in bfloat16 where that is fast.

Deterministic for a seed on one machine and thread count. Safetensors only; no code from the folder is run.
"""

# Shape letters: B windows of a batch, L pieces of its longest window, C classes.
# ruff: noqa: N806
from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from pydantic import Field

from clinsynth.config import Config
from clinsynth.errors import UsageError
from clinsynth.progress import Progress
from clinsynth.tagging.encoding import Window
from clinsynth.tagging.labels import Ints, Labels
from clinsynth.tagging.tagger import Tagger, autocast, load_classifier, model_inputs

_IGNORED: Final = -100  # torch's own "no label here"
_WRITTEN: Final = 3  # ways in which a word is written: `Window.capitals`


class FineTuning(Config):
    """How an encoder is fine-tuned.

    Args:
        dropout: in all layers; drawing it takes a third of the time on a CPU.
        frozen_layers: 0 leaves the word embeddings as they are, N also the lowest N layers, -1 nothing.
    """

    epochs: float = Field(gt=0)
    learning_rate: float = Field(gt=0)
    batch_windows: int = Field(ge=1)
    max_pieces: int = Field(ge=16)
    warmup_share: float = Field(ge=0, lt=1)
    weight_decay: float = Field(ge=0)
    dropout: float = Field(ge=0, lt=1)
    frozen_layers: int = Field(ge=-1)


def fine_tune(
    encoder: Path,
    labels: Labels,
    windows: Sequence[Window],
    classes: Sequence[Ints],
    how: FineTuning,
    *,
    seed: int,
    pad: int,
    title: str,
    capitals: bool = False,
) -> Tagger:
    """Trains a token classifier.

    Args:
        windows: what to train on.
        classes: for each window the class of each of its words.
        pad: id of the padding piece.
        title: what the progress line calls it.
        capitals: tell the encoder how words are written, by type embeddings of its own: for encoders whose
            tokenizer knows no capitals.

    Raises:
        FolderError: the folder holds no encoder.
        UsageError: ``capitals`` with an encoder that has no type embeddings.
    """
    assert windows, "nothing to train on"
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    steps = max(1, math.ceil(how.epochs * len(windows) / how.batch_windows))
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        # On a CPU the fused attention's backward pass takes twice as long as the plain one's.
        model = load_classifier(encoder, labels, "eager" if device.type == "cpu" else None)
        _set_dropout(model, how.dropout)
        _freeze(model, how.frozen_layers)
        if capitals:
            _tell_capitals(model, encoder)
        model.to(device)
        optimizer, schedule = _optimizer(model, how, steps)
        model.train()
        batches = _batches(windows, how.batch_windows, np.random.default_rng(seed))
        with Progress(title, steps, "steps") as progress:
            for _ in range(steps):
                chosen = next(batches)
                inputs = model_inputs([windows[i] for i in chosen], pad, capitals, device)
                targets_BL = _targets(windows, classes, chosen, inputs["input_ids"])
                with autocast(device, torch.float32):
                    logits_BLC = model(**inputs).logits
                loss = torch.nn.functional.cross_entropy(
                    logits_BLC.float().flatten(0, 1), targets_BL.flatten(), ignore_index=_IGNORED
                )
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
                progress.advance(1, f"loss {loss.item():.3f}")
    return Tagger(model, labels, device, pad, capitals)


def has_types(encoder: Path) -> bool:
    """Has the encoder type embeddings (BERT's for first and second sentence)?"""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(str(encoder), local_files_only=True, trust_remote_code=False)
    return config.model_type == "bert" and int(getattr(config, "type_vocab_size", 0)) > 0


def _tell_capitals(model: Any, encoder: Path) -> None:
    """One type embedding for each way in which a word is written, all as the first one at the start."""
    embeddings: Any = getattr(model.base_model, "embeddings", None)
    old = getattr(embeddings, "token_type_embeddings", None)
    if old is None:
        raise UsageError(f"encoder {encoder}: has no type embeddings that could tell capitals")
    new = torch.nn.Embedding(_WRITTEN, old.embedding_dim)
    with torch.no_grad():
        new.weight.copy_(old.weight[:1].expand_as(new.weight))
    embeddings.token_type_embeddings = new
    model.config.type_vocab_size = _WRITTEN


def _set_dropout(model: torch.nn.Module, share: float) -> None:
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share


def _freeze(model: Any, layers: int) -> None:
    if layers < 0:
        return
    frozen = [model.get_input_embeddings()]
    stacks = [m for m in model.base_model.modules() if isinstance(m, torch.nn.ModuleList)]
    deepest = max(stacks, key=len, default=None)
    frozen += list(deepest)[:layers] if deepest is not None else []
    if layers > 0:  # position and type embeddings and their norm lie beside the word embeddings
        frozen += [m for name, m in model.base_model.named_children() if name == "embeddings"]
    for module in frozen:
        module.requires_grad_(False)


def _optimizer(model: Any, how: FineTuning, steps: int) -> tuple[torch.optim.Optimizer, Any]:
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": how.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=how.learning_rate, fused=True)
    warmup = max(1, round(how.warmup_share * steps))

    def scale(step: int) -> float:
        return min((step + 1) / warmup, (steps - step) / max(1, steps - warmup + 1))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, scale)


def _batches(windows: Sequence[Window], size: int, rng: np.random.Generator) -> Iterator[list[int]]:
    """Batches without end, each epoch in a new order, windows of like length together."""
    lengths = np.array([len(w.pieces) for w in windows])
    while True:
        order = np.argsort(lengths * rng.uniform(0.9, 1.1, len(windows)), kind="stable")
        batches = [order[i : i + size].tolist() for i in range(0, len(order), size)]
        for i in rng.permutation(len(batches)):
            yield batches[i]


def _targets(
    windows: Sequence[Window], classes: Sequence[Ints], chosen: Sequence[int], like: torch.Tensor
) -> torch.Tensor:
    targets_BL = np.full(tuple(like.shape), _IGNORED, np.int64)
    for row, i in enumerate(chosen):
        # Written backwards: where two words share a piece, the first word's class stands.
        targets_BL[row, windows[i].heads[::-1]] = classes[i][::-1]
    return torch.from_numpy(targets_BL).to(like.device)

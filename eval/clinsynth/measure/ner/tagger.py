"""Fine-tunes any encoder folder for token classification, in bfloat16, on a CPU or a GPU.

Deterministic for a seed on one machine and thread count. Safetensors only; no code from the folder is run.
"""

# Shape letters: B windows of a batch, L pieces of its longest window, C classes.
# ruff: noqa: N806
from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field

from clinsynth.config import Config
from clinsynth.corpus import Span
from clinsynth.errors import FolderError
from clinsynth.measure.ner.encoding import EncodedNotes, Window
from clinsynth.measure.ner.labels import OUTSIDE, Ints, Labels
from clinsynth.progress import Progress

_IGNORED = -100  # torch's own "no label here"
_PREDICT_WINDOWS = 64


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


def load_tokenizer(encoder: Path) -> Any:
    """The fast tokenizer of an encoder folder.

    Raises:
        FolderError: not a Hugging Face folder with safetensors and a fast tokenizer.
    """
    if not (encoder / "config.json").is_file() or not any(encoder.glob("*.safetensors")):
        raise FolderError(f"--encoder {encoder}: needs config.json, a tokenizer and *.safetensors in it")
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(encoder), local_files_only=True, use_fast=True)
    except (OSError, ValueError, KeyError) as error:
        raise FolderError(
            f"--encoder {encoder}: its tokenizer does not load ({type(error).__name__})"
        ) from None
    if not tokenizer.is_fast:
        raise FolderError(f"--encoder {encoder}: its tokenizer is not a fast one, which gives offsets")
    return tokenizer


@dataclass(frozen=True, slots=True)
class Tagger:
    """A fine-tuned token classifier."""

    model: Any
    labels: Labels
    device: torch.device
    pad: int

    def predict(self, notes: EncodedNotes) -> list[list[Span]]:
        """Entity spans of every note."""
        classes = [np.full(len(d.starts), OUTSIDE, np.int64) for d in notes.documents]
        order = sorted(range(len(notes.windows)), key=lambda i: len(notes.windows[i].pieces))
        self.model.eval()
        with torch.inference_mode(), _autocast(self.device):
            for start in range(0, len(order), _PREDICT_WINDOWS):
                batch = [notes.windows[i] for i in order[start : start + _PREDICT_WINDOWS]]
                ids_BL, mask_BL = _pad(batch, self.pad, self.device)
                best_BL = (
                    self.model(input_ids=ids_BL, attention_mask=mask_BL).logits.argmax(-1).cpu().numpy()
                )
                for window, best_L in zip(batch, best_BL):
                    found = _one_beginning_a_piece(best_L[window.heads], window.heads)
                    classes[window.document][window.first : window.first + len(found)] = found
        return [self.labels.decode(c, d.starts, d.ends) for c, d in zip(classes, notes.documents)]


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
) -> Tagger:
    """Trains a token classifier.

    Args:
        windows: what to train on.
        classes: for each window the class of each of its words.
        pad: id of the padding piece.
        title: what the progress line calls it.
    """
    assert windows, "nothing to train on"
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    steps = max(1, math.ceil(how.epochs * len(windows) / how.batch_windows))
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        model = _load_model(encoder, labels, device)
        _set_dropout(model, how.dropout)
        _freeze(model, how.frozen_layers)
        optimizer, schedule = _optimizer(model, how, steps)
        model.train()
        batches = _batches(windows, how.batch_windows, np.random.default_rng(seed))
        with Progress(title, steps, "steps") as progress:
            for _ in range(steps):
                chosen = next(batches)
                ids_BL, mask_BL = _pad([windows[i] for i in chosen], pad, device)
                targets_BL = _targets(windows, classes, chosen, ids_BL)
                with _autocast(device):
                    logits_BLC = model(input_ids=ids_BL, attention_mask=mask_BL).logits
                loss = torch.nn.functional.cross_entropy(
                    logits_BLC.float().flatten(0, 1), targets_BL.flatten(), ignore_index=_IGNORED
                )
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
                progress.advance(1, f"loss {loss.item():.3f}")
    return Tagger(model, labels, device, pad)


def _load_model(encoder: Path, labels: Labels, device: torch.device) -> Any:
    import transformers

    names = labels.class_names()
    with _quiet(transformers):
        try:
            model = transformers.AutoModelForTokenClassification.from_pretrained(
                str(encoder),
                num_labels=labels.classes,
                id2label=dict(enumerate(names)),
                label2id={name: i for i, name in enumerate(names)},
                local_files_only=True,
                use_safetensors=True,
                ignore_mismatched_sizes=True,  # a classifier of another task may lie in the folder
                dtype=torch.float32,
                # On a CPU the fused attention's backward pass takes twice as long as the plain one's.
                attn_implementation="eager" if device.type == "cpu" else None,
            )
        except (OSError, ValueError, KeyError) as error:
            raise FolderError(
                f"--encoder {encoder}: no token classifier ({type(error).__name__})"
            ) from None
    return model.to(device)


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


def _pad(batch: Sequence[Window], pad: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(len(w.pieces) for w in batch)
    ids_BL = np.full((len(batch), longest), pad, np.int64)
    mask_BL = np.zeros((len(batch), longest), np.int64)
    for row, window in enumerate(batch):
        ids_BL[row, : len(window.pieces)] = window.pieces
        mask_BL[row, : len(window.pieces)] = 1
    return torch.from_numpy(ids_BL).to(device), torch.from_numpy(mask_BL).to(device)


def _targets(
    windows: Sequence[Window], classes: Sequence[Ints], chosen: Sequence[int], like: torch.Tensor
) -> torch.Tensor:
    targets_BL = np.full(tuple(like.shape), _IGNORED, np.int64)
    for row, i in enumerate(chosen):
        # Written backwards: where two words share a piece, the first word's class stands.
        targets_BL[row, windows[i].heads[::-1]] = classes[i][::-1]
    return torch.from_numpy(targets_BL).to(like.device)


def _one_beginning_a_piece(classes: Ints, heads: Ints) -> Ints:
    """Words that share a piece share its class, but only the first of them can begin an entity."""
    shared = np.concatenate([[False], heads[1:] == heads[:-1]])
    return np.where(shared & (classes % 2 == 1), classes + 1, classes)


def _autocast(device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, dtype=torch.bfloat16)


@contextlib.contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """No notice that the classifier is new: that is the point of fine-tuning."""
    before = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.logging.set_verbosity(before)
        transformers.logging.enable_progress_bar()

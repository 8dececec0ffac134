"""What a model says of itself: where its text came from, how it was trained, what privacy it can claim."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from clinsynth.errors import FolderError
from clinsynth.folders import library_versions, write_json

CARD: Final = "card.json"


@dataclass(frozen=True, slots=True)
class Card:
    """The card of a model folder, ``card.json``.

    Args:
        name: what people call the model.
        architecture: the Hugging Face class that loads it (``LlamaForCausalLM``).
        parameters: number of weights, tied ones counted once; of an adapter, its own.
        vocabulary: tokens in the tokenizer.
        context: longest text it was trained on, in tokens.
        corpus_sha256: SHA-256 of the corpus folder's ``manifest.json``.
        deid: de-identification of the training text, as the corpus's manifest tells it.
        template: version of the text template and of the tokenizer's format.
        layout: processes by axis: ``tp``, ``pp``, ``dp``.
        seeds: seed by name (``weights``, ``data``).
        data_order: how rows follow each other, in words and versioned, so that a run can be repeated.
        tokens_seen: tokens the loss was taken over, repeats counted.
        steps: optimizer steps.
        train_loss: (step, nats per token), sampled.
        valid_loss: (step, nats per token).
        privacy: what is guaranteed: ``{"mechanism": "none", ...}`` without differential privacy.
        base_model: the name of the model that was continued or adapted, if any.
        base_sha256: which model an adapter was trained on (``tensors.weights_sha256``).
        lora: what was adapted and how, if an adapter was trained.
        hardware: processors, accelerators, processes.
        libraries: versions of the libraries that change results.
    """

    name: str
    architecture: str
    parameters: int
    vocabulary: int
    context: int
    corpus_sha256: str
    deid: Mapping[str, Any]
    template: Mapping[str, Any]
    layout: Mapping[str, int]
    seeds: Mapping[str, int]
    data_order: str
    tokens_seen: int
    steps: int
    train_loss: tuple[tuple[int, float], ...] = ()
    valid_loss: tuple[tuple[int, float], ...] = ()
    privacy: Mapping[str, Any] = field(
        default_factory=lambda: {"mechanism": "none", "epsilon": None, "delta": None}
    )
    base_model: str | None = None
    base_sha256: str | None = None
    lora: Mapping[str, Any] | None = None
    hardware: Mapping[str, Any] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=lambda: library_versions())


def write_card(folder: Path, card: Card) -> None:
    """Writes ``card.json`` into a model folder that is being made."""
    write_json(folder / CARD, asdict(card))


def read_card(folder: Path) -> Card:
    """The card of the model folder.

    Raises:
        FolderError: no such folder, no card, not JSON, or a field missing or unknown.
    """
    if not folder.is_dir():
        raise FolderError(f"{folder}: no such folder")
    try:
        raw = json.loads((folder / CARD).read_text("utf-8"))
    except FileNotFoundError:
        raise FolderError(
            f"{folder} has no {CARD}: nobody can say what this model was trained on"
        ) from None
    except ValueError:
        raise FolderError(f"{folder / CARD} is not JSON: the folder is damaged") from None
    if not isinstance(raw, dict):
        raise FolderError(f"{folder / CARD} is not an object: the folder is damaged")
    _check_fields(folder / CARD, raw)
    for curve in ("train_loss", "valid_loss"):
        raw[curve] = _curve(folder / CARD, curve, raw.get(curve, ()))
    return Card(**raw)


def _check_fields(path: Path, raw: Mapping[str, Any]) -> None:
    known = {f.name for f in fields(Card)}
    if unknown := sorted(raw.keys() - known):
        raise FolderError(f"{path}: unknown field {unknown[0]}: written by a newer release?")
    missing = [name for name in _REQUIRED if name not in raw]
    if missing:
        raise FolderError(f"{path}: field {missing[0]} is missing")


def _curve(path: Path, name: str, points: Any) -> tuple[tuple[int, float], ...]:
    try:
        return tuple((int(step), float(loss)) for step, loss in points)
    except (TypeError, ValueError):
        raise FolderError(f"{path}: field {name} is not a list of (step, loss)") from None


_REQUIRED: Final = (
    "name", "architecture", "parameters", "vocabulary", "context", "corpus_sha256", "deid", "template",
    "layout", "seeds", "data_order", "tokens_seen", "steps",
)  # fmt: skip

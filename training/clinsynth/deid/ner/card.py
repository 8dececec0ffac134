"""What a model of the de-identifier says of itself: ``card.json`` in its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from clinsynth.corpus import PHI_LABELS
from clinsynth.errors import FolderError
from clinsynth.folders import file_sha256, library_versions, write_json

CARD: Final = "card.json"
WEIGHTS: Final = "model.safetensors"
_NEVER_READ: Final = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.pickle", "*.ckpt", "*.py")
PROFESSION: Final = "PROFESSION"
"""The one label beside those of identifiers: an entity. Safe Harbor does not name professions."""


@dataclass(frozen=True, slots=True)
class NerCard:
    """The card.

    Args:
        labels: in the order of the model's classes: identifiers', and ``PROFESSION``.
        encoder: name and SHA-256 of the encoder that was fine-tuned.
        weights_sha256: of the model's own weights.
        capitals: the model is told how words are written.
        max_pieces: longest window that it was trained on, in word pieces.
        train, dev: notes, windows, words, identifiers by label, SHA-256 of each source.
        scores: on the dev notes, the model alone, by label: recall and precision with their counts.
        threshold: from which the scores were taken.
        seeds, settings: what repeats the training.
        seconds: of training, without reading and judging.
    """

    labels: tuple[str, ...]
    encoder: Mapping[str, str]
    weights_sha256: str
    capitals: bool
    max_pieces: int
    train: Mapping[str, Any]
    dev: Mapping[str, Any]
    scores: Mapping[str, Mapping[str, float | int | None]]
    threshold: float
    seeds: Mapping[str, int]
    settings: Mapping[str, Any]
    seconds: float
    libraries: Mapping[str, str] = field(default_factory=lambda: library_versions())


def write_card(folder: Path, card: NerCard) -> None:
    """Writes the card into a folder that is being made."""
    write_json(folder / CARD, asdict(card))


def checked_card(folder: Path) -> NerCard:
    """The card of a model folder that can be loaded; imports nothing heavy.

    Raises:
        FolderError: the folder is missing, damaged, not what its card says, or holds pickles or code.
    """
    if not folder.is_dir():
        raise FolderError(f"{folder}: no such folder (clinsynth deid train makes one)")
    for pattern in _NEVER_READ:
        if found := next(folder.rglob(pattern), None):
            raise FolderError(f"{folder} holds {found.name}: only safetensors are read, and no code")
    card = read_card(folder)
    for name in ("config.json", WEIGHTS, "tokenizer.json"):
        if not (folder / name).is_file():
            raise FolderError(f"{folder} has no {name}: the folder is damaged")
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        raise FolderError(f"{folder / 'config.json'} is not JSON: the folder is damaged") from None
    if not isinstance(config, dict) or "auto_map" in config:
        raise FolderError(f"{folder / 'config.json'} asks for code of its own, which is never run")
    if unknown := [label for label in card.labels if label not in (*PHI_LABELS, PROFESSION)]:
        raise FolderError(f"{folder / CARD}: {unknown[0]} is no label of identifiers")
    if file_sha256(folder / WEIGHTS) != card.weights_sha256:
        raise FolderError(f"{folder}: {WEIGHTS} is not the one that {CARD} tells of")
    return card


def read_card(folder: Path) -> NerCard:
    """The card of a model folder.

    Raises:
        FolderError: no card, not JSON, or not such a card.
    """
    place = folder / CARD
    try:
        raw = json.loads(place.read_text("utf-8"))
    except FileNotFoundError:
        raise FolderError(
            f"{folder} has no {CARD}: it is no model of the de-identifier; clinsynth deid train makes one"
        ) from None
    except (OSError, ValueError):
        raise FolderError(f"{place} cannot be read as JSON: the folder is damaged") from None
    known = {f.name for f in fields(NerCard)}
    if not isinstance(raw, dict) or raw.keys() != known:
        wrong = sorted(known ^ raw.keys())[0] if isinstance(raw, dict) else "all"
        raise FolderError(f"{place}: {wrong} is missing or unknown: no card of the de-identifier's model")
    labels = raw["labels"]
    if not isinstance(labels, list) or not labels or not all(isinstance(x, str) for x in labels):
        raise FolderError(f"{place}: labels is no list of labels")
    if not isinstance(raw["capitals"], bool) or not isinstance(raw["max_pieces"], int):
        raise FolderError(f"{place}: capitals or max_pieces is of the wrong type")
    return NerCard(**{**raw, "labels": tuple(labels)})

"""Trains a model of the de-identifier and writes its folder, whole or not at all."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from typing import Any

from clinsynth.deid.ner.card import WEIGHTS, NerCard, write_card
from clinsynth.deid.ner.config import NerTraining
from clinsynth.deid.ner.data import (
    Examples,
    check_sources,
    described,
    examples,
    labels_in,
    marked,
    source_notes,
)
from clinsynth.deid.ner.model import NerModel
from clinsynth.deid.ner.scores import dev_scores
from clinsynth.errors import DataError
from clinsynth.folders import Manifest, file_sha256, input_sha256, new_folder, refuse_existing
from clinsynth.tagging import Labels, Tagger, encoder_folder, fine_tune, load_tokenizer
from clinsynth.tagging.encoders import ignores_case
from clinsynth.tagging.fine_tuning import has_types

THRESHOLD = 0.5


def look(config: NerTraining) -> tuple[Labels, Examples]:
    """Everything that can be wrong before the training: encoder and notes.

    Raises:
        UsageError: a folder or file is not there.
        FolderError: the encoder cannot be one.
        DataError: a source without identifiers.
    """
    encoder = encoder_folder(config.encoder)
    tokenizer = load_tokenizer(encoder)
    for key, sources in (("train", config.train), ("dev", config.dev)):
        check_sources(sources, key)
    labels = labels_in(config.train, config.seed, "train")
    labels_in(config.dev, config.seed, "dev")
    made = examples(config.train, labels, tokenizer, config.fine_tuning.max_pieces, config.seed)
    if not made.windows:
        raise DataError("train: no window of text is left to learn from")
    return labels, made


def train(config: NerTraining, out: Path, *, overwrite: bool = False) -> NerCard:
    """Trains, judges on the dev notes, writes the folder.

    Raises:
        FolderError: ``out`` is taken, or the encoder cannot be one.
        UsageError, DataError: as ``look``.
    """
    refuse_existing(out, overwrite=overwrite)
    labels, made = look(config)
    encoder = encoder_folder(config.encoder)
    tokenizer = load_tokenizer(encoder)
    capitals = config.capitals and ignores_case(tokenizer) and has_types(encoder)
    started = time.monotonic()
    tagger = fine_tune(
        encoder, labels, made.windows, made.classes, config.fine_tuning,
        seed=config.seed, pad=int(tokenizer.pad_token_id or 0), title="training", capitals=capitals,
    )  # fmt: skip
    seconds = time.monotonic() - started
    manifest = Manifest("ner", config=_public(config), seeds={"training": config.seed})
    with new_folder(out, manifest, overwrite=overwrite) as inside:
        _save(tagger, tokenizer, inside)
        card = NerCard(
            labels=labels.names,
            encoder={"name": encoder.name, "sha256": input_sha256(encoder)},
            weights_sha256=file_sha256(inside / WEIGHTS),
            capitals=capitals,
            max_pieces=config.fine_tuning.max_pieces,
            train=made.as_dict(),
            dev={},
            scores={},
            threshold=THRESHOLD,
            seeds={"training": config.seed},
            settings=config.fine_tuning.model_dump(mode="json"),
            seconds=round(seconds, 1),
        )
        write_card(inside, card)
        card = _judged(card, config, inside)
        write_card(inside, card)
        manifest.counts = {"train": dict(card.train), "dev": dict(card.dev)}
    return card


def _judged(card: NerCard, config: NerTraining, folder: Path) -> NerCard:
    """The card with the scores of what was saved, read as its users will."""
    model = NerModel.load(folder, threshold=THRESHOLD, professions=False)
    notes = [note for source in config.dev for note in source_notes(source, config.seed)]
    counted = Examples(notes=len(notes), sources=[described(source) for source in config.dev])
    counted.words = sum(len(note.text.split()) for note in notes)
    counted.identifiers.update(span.label for note in notes for span in marked(note))
    dev = {k: v for k, v in counted.as_dict().items() if not k.startswith("windows")}
    return dataclasses.replace(card, dev=dev, scores=dev_scores(model, notes))


def _save(tagger: Tagger, tokenizer: Any, folder: Path) -> None:
    from safetensors.torch import save_file

    # Not save_pretrained: it imports DeepSpeed, where that is installed, to ask whether weights are split.
    tagger.model.config.architectures = [type(tagger.model).__name__]
    tagger.model.config.save_pretrained(str(folder))
    weights = {name: tensor.cpu().contiguous() for name, tensor in tagger.model.state_dict().items()}
    save_file(weights, str(folder / WEIGHTS), metadata={"format": "pt"})
    tokenizer.save_pretrained(str(folder))
    for path in folder.iterdir():  # safetensors writes files that only their owner can read
        path.chmod(path.stat().st_mode | 0o444 & ~_umask())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _public(config: NerTraining) -> dict[str, Any]:
    """The configuration as a manifest records it: folders by name, since paths may name people."""
    data = config.model_dump(mode="json", exclude={"out", "encoder"})
    for source in (*data["train"], *data["dev"]):
        source["path"] = source["path"] and Path(source["path"]).name
    return data

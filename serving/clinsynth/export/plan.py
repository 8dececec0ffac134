"""What a run will do, fixed before it starts: the requests, their seeds, their shards, and its name."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clinsynth.checkpoint import CARD
from clinsynth.corpus import Attributes
from clinsynth.deid.detector import detector_version
from clinsynth.engine import Request
from clinsynth.errors import UsageError
from clinsynth.export.conditions import Cells, make_cells
from clinsynth.export.config import NOT_PART_OF_A_RUN, ExportConfig
from clinsynth.folders import file_sha256, input_sha256
from clinsynth.gate import VERSION as GATE_VERSION
from clinsynth.tokens.template import NOTE, prompt

ADAPTER: Final = "adapter"
"""What the engine calls the adapter of a run."""
_ID_DIGITS: Final = 7


@dataclass(frozen=True, slots=True)
class Plan:
    """A run.

    Args:
        card_sha256: of the card of the model, or of the adapter beside it; goes into the provenance of each
            note.
        fingerprint: equal for runs that write the same notes.
    """

    config: ExportConfig
    cells: Cells
    card_sha256: str
    fingerprint: str

    @property
    def shards(self) -> int:
        """How many shards there will be."""
        return -(-self.config.notes // self.config.shard_notes)

    def shard_of(self, note: int) -> int:
        """The shard in which a note stands."""
        return note // self.config.shard_notes

    def notes_of(self, shard: int) -> range:
        """The notes of a shard, in order."""
        start = shard * self.config.shard_notes
        return range(start, min(start + self.config.shard_notes, self.config.notes))

    def shard_name(self, shard: int) -> str:
        """``train-00000-of-00016.parquet``."""
        return f"train-{shard:05d}-of-{self.shards:05d}.parquet"

    def note_id(self, note: int) -> str:
        """The id of a note and of its request; sorts as the notes do."""
        width = max(_ID_DIGITS, len(str(self.config.notes - 1)))
        return f"{self.config.id_prefix}-{note:0{width}d}"

    def seed(self, note: int, attempt: int) -> int:
        """Of one draw, in [0, 2**31); attempts count from 1. Any note can be drawn again alone."""
        name = f"{self.config.seed}\0{self.note_id(note)}\0{attempt}".encode()
        return int.from_bytes(hashlib.blake2b(name, digest_size=4).digest(), "big") >> 1

    def asked(self, note: int) -> Attributes | None:
        """The attributes that a note is asked to have; None leaves them to the model."""
        return self.cells[note]

    def prompt(self, note: int) -> str:
        """What the model goes on from."""
        asked = self.asked(note)
        return NOTE if asked is None else prompt(asked)

    def request(self, note: int, attempt: int) -> Request:
        """One draw of one note."""
        sampling = self.config.sampling.model_copy(update={"seed": self.seed(note, attempt)})
        adapter = None if self.config.adapter is None else ADAPTER
        return Request(draw_id(note, attempt), self.prompt(note), sampling, adapter=adapter)

    def provenance(self, note: int, attempt: int) -> dict[str, str]:
        """How to draw this note again."""
        return {
            "generator": "clinsynth",
            "model": self.card_sha256,
            "request": self.note_id(note),
            "attempt": str(attempt),
            "seed": str(self.seed(note, attempt)),
            "gate": str(GATE_VERSION),
            "detector": detector_version(self.config.gate.deid),
        }


def make_plan(config: ExportConfig) -> Plan:
    """The plan of an export; reads the model's card and, where conditions come from one, a corpus.

    Raises:
        FolderError, DataError: the model or the corpus cannot be read.
    """
    cells = make_cells(config.conditions, config.notes, config.seed)
    card = file_sha256(config.writer / CARD)
    return Plan(config, cells, card, _fingerprint(config, cells, card))


def surrogate_key(config: ExportConfig, card_sha256: str) -> bytes:
    """The key of the surrogates.

    Raises:
        UsageError: the environment variable is not set.
    """
    if config.key_env is None:
        return hashlib.blake2b(f"{config.seed}\0{card_sha256}".encode(), digest_size=32).digest()
    value = os.environ.get(config.key_env, "")
    if not value:
        raise UsageError(f"key_env: the environment variable {config.key_env} is not set")
    return value.encode()


def draw_id(note: int, attempt: int) -> str:
    """The name of one draw inside the engine."""
    return f"{note}.{attempt}"


def read_draw_id(name: str) -> tuple[int, int]:
    """Note and attempt."""
    note, _, attempt = name.partition(".")
    return int(note), int(attempt)


def _fingerprint(config: ExportConfig, cells: Cells, card_sha256: str) -> str:
    data = {
        "config": config.model_dump(mode="json", exclude=set(NOT_PART_OF_A_RUN)),
        "cells": [[repr(kind), count] for kind, count in cells.counts()],
        "card": card_sha256,
        "model": input_sha256(config.writer),
        "gate": GATE_VERSION,
        "detector": detector_version(config.gate.deid),
    }
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def public_config(config: ExportConfig) -> dict[str, object]:
    """The configuration as the manifest records it: folders by name, since paths may name people."""

    def named(value: object) -> object:
        if isinstance(value, Path):
            return value.resolve().name
        if isinstance(value, dict):
            return {key: named(inner) for key, inner in value.items()}
        return value

    data = named(config.model_dump())
    assert isinstance(data, dict)
    return json.loads(json.dumps(data))  # type: ignore[no-any-return]

"""One export as a file: which model writes what, how it is drawn, what may leave, where it goes."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from clinsynth.config import Config
from clinsynth.corpus import AGE_BANDS, SEXES
from clinsynth.corpus.schema import ATTRIBUTE_NAMES
from clinsynth.engine import EngineConfig, Sampling
from clinsynth.gate import GateConfig, Mode


def _one_of(value: str | None, known: tuple[str, ...]) -> str | None:
    if value is not None and value not in known:
        raise ValueError(f"{value!r} is none of {', '.join(known)}")
    return value


class Cell(Config):
    """Attributes to ask for, and how often compared with the other cells."""

    note_type: str | None = None
    specialty: str | None = None
    sex: str | None = None
    age_band: str | None = None
    diagnoses: tuple[str, ...] = ()
    share: float = Field(default=1.0, gt=0)

    @field_validator("sex")
    @classmethod
    def _known_sex(cls, value: str | None) -> str | None:
        return _one_of(value, SEXES)

    @field_validator("age_band")
    @classmethod
    def _known_age_band(cls, value: str | None) -> str | None:
        return _one_of(value, AGE_BANDS)


class Conditions(Config):
    """Which attributes each note is asked to have.

    Args:
        source: ``model``: the model writes each header itself, as it learned them; nothing else is needed.
            ``none``: no header at all. ``corpus``: drawn from the attributes of a corpus folder's training
            notes. ``uniform``: every combination of ``values`` equally often. ``list``: ``cells``.
        corpus: the corpus folder.
        attributes: which of its attributes to use.
        min_count: only combinations that so many training notes share are asked for: a rare one could
            point at somebody. Rarer ones are asked for without diagnoses, or not at all.
        values: attribute -> its values.
        cells: what to ask for, with shares.
    """

    source: Literal["model", "none", "corpus", "uniform", "list"] = "model"
    corpus: Path | None = None
    attributes: tuple[str, ...] = ATTRIBUTE_NAMES
    min_count: int = Field(default=5, ge=1)
    values: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    cells: tuple[Cell, ...] = ()

    @model_validator(mode="after")
    def _source_has_what_it_needs(self) -> Self:
        needs = {"corpus": self.corpus, "uniform": self.values, "list": self.cells}
        needed = {"corpus": "corpus", "uniform": "values", "list": "cells"}
        for source, field in needed.items():
            if self.source == source and not needs[source]:
                raise ValueError(f"source {source} needs {field}")
            if self.source != source and needs[source]:
                raise ValueError(f"{field} is read only when source is {source}; it is {self.source}")
        for name in (*self.attributes, *self.values):
            _one_of(name, ATTRIBUTE_NAMES)
        for name, values in self.values.items():
            if not values:
                raise ValueError(f"values.{name} is empty")
        for known, name in ((SEXES, "sex"), (AGE_BANDS, "age_band")):
            for value in self.values.get(name, ()):
                _one_of(value, known)
        return self


class ExportConfig(Config):
    """An export.

    Args:
        model: a model folder.
        adapter: an adapter folder of that model, which then writes instead.
        out: the export folder to make.
        notes: how many.
        seed: each note's own seed derives from this one and the note's id.
        mode: ``surrogates`` fills invented values in for ``<|NAME|>`` and its like, ``tags`` leaves them.
        key_env: environment variable with the key of the surrogates. None derives it from seed and model:
            the surrogates of generated notes stand for nobody, so their key guards no secret.
        conditions: which attributes to ask for.
        sampling: how tokens are drawn; ``seed`` is not set here.
        engine: how vLLM holds the model.
        gate: what may leave.
        gate_workers: processes that run the gate beside the generation; 0 runs it in between.
        max_attempts: draws for one note before it counts as not to be had.
        on_short: what to do when notes are missing in the end: ``fail`` keeps the finished shards aside for
            another try, ``finish`` makes the export without them and says so.
        shard_notes: notes in one Parquet file.
        id_prefix: notes are called ``prefix-0000001``.
        pretty_name: title of the dataset card.
        language: its language, by the two letters of ISO 639-1.
        license: licence of the dataset, in the Hugging Face hub's words; ``other`` promises nothing.
    """

    model: Path
    adapter: Path | None = None
    out: Path
    notes: int = Field(default=1000, ge=1)
    seed: int = Field(default=0, ge=0)
    mode: Mode = "surrogates"
    key_env: str | None = None
    conditions: Conditions = Conditions()
    sampling: Sampling = Sampling(temperature=1.0, min_p=0.02)
    engine: EngineConfig = EngineConfig()
    gate: GateConfig = GateConfig()
    gate_workers: int = Field(default=1, ge=0)
    max_attempts: int = Field(default=8, ge=1)
    on_short: Literal["fail", "finish"] = "fail"
    shard_notes: int = Field(default=1000, ge=1)
    id_prefix: str = Field(default="synthetic", pattern=r"^[A-Za-z0-9_.-]{1,40}$")
    pretty_name: str = "Synthetic clinical notes"
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    license: str = Field(default="other", pattern=r"^[a-z0-9.-]+$")

    @field_validator("sampling")
    @classmethod
    def _no_seed(cls, value: Sampling) -> Sampling:
        if value.seed is not None:
            raise ValueError("sampling.seed is not set here: seed, above, gives each note its own")
        return value

    @property
    def writer(self) -> Path:
        """The folder of what writes: it has the card, the tokenizer, and the index for the gate."""
        return self.adapter or self.model

    @model_validator(mode="after")
    def _key_is_used(self) -> Self:
        if self.key_env is not None and self.mode == "tags":
            raise ValueError("key_env is the key of surrogates; mode is tags")
        return self


NOT_PART_OF_A_RUN: Final = frozenset(
    {"model", "adapter", "out", "gate_workers", "max_attempts", "on_short"}
)
"""Keys that may change between a run and its continuation: they decide no note. (Model and adapter count by
their hashes, not by their paths.)"""

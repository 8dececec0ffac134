"""What the model is trained on, and how: one YAML file; ``configs/deid`` has examples."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from clinsynth.config import Config, expanded
from clinsynth.corpus.readers import ReadOptions
from clinsynth.simulate.config import Simulate
from clinsynth.tagging import FineTuning


class Injection(Config):
    """Invented identifiers to put into the notes first, as ``clinsynth inject`` does.

    Args:
        split: whose names, formats and templates.
        seed: another seed, other identifiers.
    """

    split: Literal["train", "dev", "test"]
    seed: int = 0


class NerSource(ReadOptions):
    """Notes to train or test on, from a file or folder, or from the simulated hospital.

    Args:
        path: in any corpus format. ``~`` and ``$VARIABLE`` are replaced.
        inject: put identifiers into them (needs the extra ``inject``).
        identifiers: ``marked``: ``phi`` marks all that the notes hold. ``none``: text without any, which
            teaches what is no identifier; windows in which the rules find something are left out.
        empty_windows: share of the windows without identifiers that training sees, drawn by seed.
    """

    path: Path | None = None
    simulate: Simulate | None = None
    inject: Injection | None = None
    identifiers: Literal["marked", "none"] = "marked"
    empty_windows: float = Field(default=1.0, ge=0, le=1)

    @field_validator("path")
    @classmethod
    def _expand(cls, path: Path | None) -> Path | None:
        return expanded(path)

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.path is None) == (self.simulate is None):
            raise ValueError("give either path or simulate")
        return self

    @property
    def name(self) -> str:
        """What errors and cards call it."""
        return "simulated" if self.path is None else self.path.name


class NerTraining(Config):
    """A model of the de-identifier.

    Args:
        out: folder to write; None: ``runs/<name of the config>/ner``.
        encoder: Hugging Face folder of the encoder to fine-tune; None: the small one of the dev extra.
        seed: decides the order of training, the weights of the new layer, and which empty windows are seen.
        train: notes to learn from.
        dev: notes on which the model is judged when it is done; none of these may be trained on.
        capitals: tell an encoder whose tokenizer lowers its text how words are written, where it has type
            embeddings for it.
    """

    out: Path | None = None
    encoder: Path | None = None
    seed: int = Field(default=0, ge=0)
    train: list[NerSource] = Field(min_length=1)
    dev: list[NerSource] = Field(min_length=1)
    capitals: bool = True
    fine_tuning: FineTuning

    @field_validator("out", "encoder")
    @classmethod
    def _expand(cls, path: Path | None) -> Path | None:
        return expanded(path)

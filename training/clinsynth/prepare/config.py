"""What a corpus is made of, and how: one YAML file; ``configs/corpus`` has examples."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, field_validator, model_validator

from clinsynth.config import Config, expanded
from clinsynth.corpus import Attributes
from clinsynth.corpus.readers import ReadOptions
from clinsynth.deid import DeidConfig
from clinsynth.simulate.config import Simulate

SPLITS: Final = ("train", "valid", "test", "holdout")
Split = Literal["train", "valid", "test", "holdout"]
DeidMode = Literal["tags", "tagged", "none"]


_LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class SourceAttributes(Config):
    """What is true of every note of a source."""

    note_type: str | None = None
    specialty: str | None = None
    sex: Literal["female", "male"] | None = None

    def fill(self, attributes: Attributes) -> Attributes:
        """``attributes``, with these where there is none."""
        known = {name: value for name, value in self if value and getattr(attributes, name) is None}
        return dataclasses.replace(attributes, **known) if known else attributes


class Source(ReadOptions):
    """Where notes come from: ``path`` and how to read it (see ``ReadOptions``), or ``simulate``.

    Args:
        path: relative to the working directory; ``~`` and ``$VARIABLE`` are replaced.
        name: in counts and provenance, and a folder of its tokens, so of letters, digits, ``_`` and ``-``;
            None: the file's name without its suffix.
        split: ``auto`` deals the notes out by ``splits``; any other puts all of them there.
        role: ``notes`` are what the model shall write, with their entities; ``language`` is text that
            teaches it to write: entities are left out, and none of it becomes gold (``test``).
        renderings: how many training texts each note gives, another part of its header shown in every one;
            the files of notes hold it once. How often training sees a source is the choice of each run
            (``mixture``); without one it sees all texts equally often.
        deid: None: as the run's ``deid.mode``.
        attributes: attribute -> value for notes that do not have it, so that a header can ask for the kind
            of text that this source is.
    """

    path: Path | None = None
    simulate: Simulate | None = None
    name: str | None = Field(default=None, min_length=1)
    split: Literal["auto", "train", "valid", "test", "holdout"] = "auto"
    role: Literal["notes", "language"] = "notes"
    renderings: int = Field(default=1, ge=1, le=1000)
    deid: DeidMode | None = None
    attributes: SourceAttributes = SourceAttributes()

    @field_validator("path")
    @classmethod
    def _expand(cls, path: Path | None) -> Path | None:
        return expanded(path)

    @model_validator(mode="after")
    def _one_origin(self) -> Source:
        if (self.path is None) == (self.simulate is None):
            raise ValueError("give either path or simulate")
        if self.role == "language" and self.split == "test":
            raise ValueError("split is test, but role is language: test is gold, so it needs role: notes")
        return self

    @property
    def label(self) -> str:
        """What messages and counts call it."""
        if self.name is not None:
            return self.name
        return "simulated" if self.path is None else self.path.name.split(".")[0]

    @property
    def options(self) -> ReadOptions:
        """How to read ``path``."""
        return ReadOptions(**{name: getattr(self, name) for name in ReadOptions.model_fields})


class Splits(Config):
    """Share of the patients in each split, or of the groups of notes that belong together.

    Args:
        valid: tells when training stops helping.
        test: gold for evaluation.
        holdout: control for privacy measures: what a model looks like that never saw a note.
    """

    train: float = Field(default=0.8, ge=0, le=1)
    valid: float = Field(default=0.05, ge=0, le=1)
    test: float = Field(default=0.1, ge=0, le=1)
    holdout: float = Field(default=0.05, ge=0, le=1)

    @model_validator(mode="after")
    def _sum_to_one(self) -> Splits:
        total = self.train + self.valid + self.test + self.holdout
        if abs(total - 1) > 1e-6:
            raise ValueError(f"train, valid, test and holdout add up to {total:g}, not to 1")
        return self


class Dedup(Config):
    """Which notes count as the same; the first in the order of the sources stays.

    Args:
        exact: drop notes that differ in nothing but letter case and white space.
        near: drop near duplicates.
        threshold: Jaccard similarity of 5-word shingles from which two notes are near duplicates. Also
            keeps notes that have no ``patient_id`` in one split, whether near duplicates go or not.
    """

    exact: bool = True
    near: bool = True
    threshold: float = Field(default=0.8, ge=0.3, le=1)


class Passages(Config):
    """Which notes stay in one split besides those of a patient: those that share a long passage.

    Near duplicates are alike as a whole. A page pasted into another note, or a text that one hand dictates
    for many patients, is not, and would let what judges the model (``test``, ``holdout``) stand in
    ``train`` word for word. A note without ``patient_id`` goes where those notes go that it shares a
    passage with. Patients stay apart whatever they share: one hospital's patients have that in common.

    Args:
        words: length of a passage; None: passages tie nothing. Long enough that stock sentences do not
            count, short enough that nothing the privacy measures call a long copy is left.
        max_documents: a passage in the notes of more patients (or groups of notes) is boilerplate and ties
            nothing.
    """

    words: int | None = Field(default=30, ge=8, le=1000)
    max_documents: int = Field(default=10, ge=2)


class Deid(Config):
    """How identifiers are kept out of the corpus.

    Args:
        mode: ``tags``: look for identifiers and put a typed tag in place of each. ``tagged``: the text is
            tagged already, nothing is looked for. ``none``: nothing is looked for; identifiers stay.
        detector: what to look for, and with what.
        use_gold_phi: also replace identifiers that the source itself marks (``phi``). What the detector
            finds of them is counted either way.
        workers: processes.
    """

    mode: DeidMode = "tags"
    detector: DeidConfig = Field(default_factory=DeidConfig)
    use_gold_phi: bool = True
    workers: int = Field(default=2, ge=1, le=256)


class TokenizerConfig(Config):
    """The vocabulary: learned from the training text, or that of something that exists.

    Args:
        vocabulary: special tokens, bytes and learned pieces together; None: 4,096.
        base: ``from`` in YAML: a corpus folder whose vocabulary is used as it is, or the Hugging Face
            folder of a model to be continued: its vocabulary with our special tokens behind. ``~`` and
            ``$VARIABLE`` are replaced.
    """

    vocabulary: int | None = Field(default=None, ge=352, le=262_144)
    base: Path | None = Field(default=None, alias="from")

    @field_validator("base")
    @classmethod
    def _expand(cls, path: Path | None) -> Path | None:
        return expanded(path)

    @model_validator(mode="after")
    def _one_vocabulary(self) -> TokenizerConfig:
        if self.vocabulary is not None and self.base is not None:
            raise ValueError("give vocabulary (learn one) or from (use one that exists), not both")
        return self

    @property
    def size(self) -> int:
        """Tokens of a vocabulary to learn."""
        return 4096 if self.vocabulary is None else self.vocabulary


class Overlap(Config):
    """The index of the training text that the gate and the privacy measures ask.

    Args:
        n: words in an n-gram.
        max_documents: n-grams in the notes of more patients are boilerplate; null keeps all.
    """

    n: int = Field(default=13, ge=3, le=64)
    max_documents: int | None = Field(default=2, ge=1)


class PrepareConfig(Config):
    """A corpus.

    Args:
        out: folder to write; None: ``runs/<name of the config>/corpus``.
        seed: decides splits, headers and which notes are shown without marks.
        sources: read in this order; of duplicates the first stays.
        entities: mark entities inline in training text.
        header_dropout: show a random part of the header in training, so that any part can steer later.
        entity_plain_share: share of the labelled notes shown once more without marks.
        min_characters: shorter notes are dropped.
        max_characters: longer notes are cut at paragraphs or sentences; null leaves them whole.
    """

    out: Path | None = None
    seed: int = Field(default=0, ge=0)
    sources: list[Source] = Field(min_length=1)
    splits: Splits = Splits()
    dedup: Dedup = Dedup()
    passages: Passages = Passages()
    deid: Deid = Field(default_factory=Deid)
    tokenizer: TokenizerConfig = TokenizerConfig()
    entities: bool = True
    header_dropout: bool = True
    entity_plain_share: float = Field(default=0.1, ge=0, le=1)
    min_characters: int = Field(default=40, ge=1)
    max_characters: int | None = Field(default=None, ge=200)
    overlap: Overlap = Overlap()

    @field_validator("deid", mode="before")
    @classmethod
    def _never_silently_off(cls, deid: Any) -> Any:
        if deid is None or deid is False:
            raise ValueError("identifiers are left in by mode: none, spelled out")
        return deid

    @model_validator(mode="after")
    def _agree(self) -> PrepareConfig:
        labels = [source.label for source in self.sources]
        unfit = next((label for label in labels if not _LABEL.fullmatch(label)), None)
        if unfit is not None:
            raise ValueError(
                f"sources: {unfit!r} is no name for a folder: give the source a name of at most "
                "64 letters, digits, _ and -"
            )
        folded = [label.casefold() for label in labels]  # some file systems know no letter case
        twice = next((label for i, label in enumerate(labels) if folded[i] in folded[:i]), None)
        if twice is not None:
            raise ValueError(f"sources: two are called {twice}; give each a name")
        if self.max_characters is not None and self.max_characters <= 2 * self.min_characters:
            raise ValueError("max_characters must be more than twice min_characters")
        return self

    def deid_mode(self, source: Source) -> DeidMode:
        """What happens to the identifiers of a source."""
        return source.deid or self.deid.mode

"""What to look for."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import Field, field_validator

from clinsynth.config import Config, expanded
from clinsynth.corpus import PHI_LABELS

_ALL: Final = tuple(PHI_LABELS)


class DeidConfig(Config):
    """How identifiers are found. Manifests and cards record it by ``Detector.describe``.

    Args:
        labels: look for these. Leaving one out is for experiments: what it names stays in the text.
        score_threshold: findings less sure are dropped. Rules give 0.9 (a form that nothing else has), 0.7
            (a form with a word before it that says what it is) or 0.5 (a form alone).
        deny: label -> words that are always identifiers of it, in any case (staff lists, places nearby).
        allow: words that are never identifiers when a finding consists of one alone, in any case.
        ner: folder of a model that looks beside the rules (``clinsynth deid train``); None: rules alone.
            ``~`` and ``$VARIABLE`` are replaced.
        ner_threshold: the model's findings count from this probability; lower finds more and errs more.
        professions: the model's professions count as ``OTHER_ID``. Safe Harbor does not name them.
    """

    labels: tuple[str, ...] = _ALL
    score_threshold: float = Field(default=0.4, ge=0, le=1)
    deny: dict[str, tuple[str, ...]] = Field(default={})
    allow: tuple[str, ...] = ()
    ner: Path | None = None
    ner_threshold: float = Field(default=0.5, gt=0, lt=1)
    professions: bool = False

    @field_validator("ner")
    @classmethod
    def _expand(cls, path: Path | None) -> Path | None:
        return expanded(path)

    @field_validator("labels")
    @classmethod
    def _known_labels(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if not labels:
            raise ValueError("at least one label is needed")
        return tuple(label for label in _ALL if label in set(_known(labels)))

    @field_validator("deny")
    @classmethod
    def _known_deny(cls, deny: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        _known(tuple(deny))
        if any(not word.strip() for words in deny.values() for word in words):
            raise ValueError("a word of the list is empty")
        return deny


def _known(labels: tuple[str, ...]) -> tuple[str, ...]:
    for label in labels:
        if label not in _ALL:
            raise ValueError(f"{label} is no label of identifiers; labels: {', '.join(_ALL)}")
    return labels

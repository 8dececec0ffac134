"""How a corpus is to be read, and what became of its rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic import Field, field_validator

from clinsynth.config import Config
from clinsynth.corpus.schema import ATTRIBUTE_NAMES

Format = Literal["jsonl", "csv", "parquet", "conll", "text", "brat"]
Scalar = str | int | float | bool

NOTE_FIELDS: Final = ("id", "text", "entities", "phi", "patient_id", "provenance", *ATTRIBUTE_NAMES)


class ReadOptions(Config):
    """How to read a corpus.

    Args:
        format: None: told by the suffix, or by what a folder holds.
        fields: field of a note, or attribute -> column that holds it, where the names differ. A dot goes
            down into an object (``meta.gender``); ``id: "#"`` numbers the rows; null leaves a column out.
        labels: label of an entity in the source -> ours. With it, entities of other labels are dropped and
            counted; without it, all are kept as they are.
        where: column -> value, or list of values: other rows are left out, unread.
        limit: stop after so many notes.
        id_prefix: put before each id, so that two sources don't meet.
        encoding: of text files.
    """

    format: Format | None = None
    fields: dict[str, str | None] = Field(default={})
    labels: dict[str, str] | None = None
    where: dict[str, Scalar | list[Scalar]] = Field(default={})
    limit: int | None = Field(default=None, ge=0)
    id_prefix: str = ""
    encoding: str = "utf-8"

    @field_validator("fields")
    @classmethod
    def _known_fields(cls, fields: dict[str, str | None]) -> dict[str, str | None]:
        for name in fields:
            if name not in NOTE_FIELDS:
                raise ValueError(f"a note has no field {name}; fields: {', '.join(NOTE_FIELDS)}")
        return fields

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            "".encode(encoding)
        except LookupError:
            raise ValueError(f"{encoding!r} is no encoding that Python knows") from None
        return encoding


@dataclass(slots=True)
class ReadStats:
    """What became of the rows.

    Args:
        read: rows, files or documents seen.
        kept: notes made of them.
        dropped: rows that made no note, by reason: ``where``, ``empty_text``.
        spans_dropped: spans that made no entity, by reason: ``label_not_listed``, ``overlapping``,
            ``discontinuous``.
        repaired: ``bio_without_begin``: I-tags that follow no B-tag of their label and began an entity;
            ``phi_merged``: overlapping identifiers that became one.
    """

    read: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    spans_dropped: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, Any]:
        """For a manifest."""
        return {
            "read": self.read,
            "kept": self.kept,
            "dropped": _positive(self.dropped),
            "spans_dropped": _positive(self.spans_dropped),
            "repaired": _positive(self.repaired),
        }

    def why_empty(self) -> str:
        """What to tell when no note was kept."""
        if not self.read:
            return "holds no notes"
        reasons = ", ".join(f"{name} {count:,}" for name, count in sorted(self.dropped.items()))
        return f"none of its {self.read:,} rows makes a note (dropped: {reasons})"


def _positive(counts: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in sorted(counts.items()) if count}

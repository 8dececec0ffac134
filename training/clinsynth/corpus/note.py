"""The one record: a clinical note with what is known about it.

Offsets are in characters (Python ``str`` indices), end exclusive. A record is checked once, when it is
made; after that every part may rely on its spans lying inside the text, sorted, with no two of a kind
overlapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

PHI_LABELS: Final = (
    "NAME",
    "LOCATION",
    "DATE",
    "AGE",
    "PHONE",
    "FAX",
    "EMAIL",
    "SSN",
    "MRN",
    "HEALTH_PLAN",
    "ACCOUNT",
    "LICENSE",
    "VEHICLE",
    "DEVICE",
    "URL",
    "IP",
    "BIOMETRIC",
    "PHOTO",
    "OTHER_ID",
)
"""Labels of identifiers, in the order of the Safe Harbor letters A to R (45 CFR 164.514(b)(2)(i))."""

SAFE_HARBOR: Final[Mapping[str, str]] = {
    "NAME": "A",
    "LOCATION": "B",
    "DATE": "C",
    "AGE": "C",
    "PHONE": "D",
    "FAX": "E",
    "EMAIL": "F",
    "SSN": "G",
    "MRN": "H",
    "HEALTH_PLAN": "I",
    "ACCOUNT": "J",
    "LICENSE": "K",
    "VEHICLE": "L",
    "DEVICE": "M",
    "URL": "N",
    "IP": "O",
    "BIOMETRIC": "P",
    "PHOTO": "Q",
    "OTHER_ID": "R",
}
"""Label of identifier -> Safe Harbor letter."""

NOTE_TYPES: Final = (
    "discharge summary",
    "history and physical",
    "progress note",
    "consultation",
    "emergency department note",
    "radiology report",
    "operative report",
    "clinic letter",
)
"""The note types that the simulator writes. A corpus may use others."""

AGE_BANDS: Final = (
    "0-9",
    "10-19",
    "20-29",
    "30-39",
    "40-49",
    "50-59",
    "60-69",
    "70-79",
    "80-89",
    "90+",
)
SEXES: Final = ("female", "male")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A labelled stretch of a note: characters ``start`` to ``end`` (exclusive)."""

    start: int
    end: int
    label: str

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"span {self.start}-{self.end} ({self.label}): needs 0 <= start < end")
        if not self.label:
            raise ValueError(f"span {self.start}-{self.end}: label is empty")


@dataclass(frozen=True, slots=True)
class Attributes:
    """What steers generation and slices an evaluation. Every field may be unknown."""

    note_type: str | None = None
    specialty: str | None = None
    sex: str | None = None
    age_band: str | None = None
    diagnoses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.sex is not None and self.sex not in SEXES:
            raise ValueError(f"sex is {self.sex!r}: use one of {', '.join(SEXES)}, or leave it out")
        if self.age_band is not None and self.age_band not in AGE_BANDS:
            raise ValueError(f"age_band is {self.age_band!r}: use one of {', '.join(AGE_BANDS)}")


@dataclass(frozen=True, slots=True, repr=False)
class Note:
    """One note. ``entities`` are clinical mentions, ``phi`` identifiers; both sorted by start.

    Args:
        id: unique in its corpus; never derived from the text of a real note.
        patient_id: for splitting only; never exported.
        provenance: where it came from, as flat strings (file, seed, model card hash, ...).

    Raises:
        ValueError: a span lies outside the text, or two spans of one kind overlap.
    """

    id: str
    text: str
    attributes: Attributes = Attributes()
    entities: tuple[Span, ...] = ()
    phi: tuple[Span, ...] = ()
    patient_id: str | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError("id is empty")
        object.__setattr__(self, "entities", _checked(self.entities, "entities", len(self.text)))
        object.__setattr__(self, "phi", _checked(self.phi, "phi", len(self.text)))

    def __repr__(self) -> str:
        """Lengths, never text: notes end up in tracebacks and logs."""
        return (
            f"Note(id={self.id!r}, characters={len(self.text)}, "
            f"entities={len(self.entities)}, phi={len(self.phi)})"
        )


def age_band(age_years: float) -> str:
    """The band of an age: ``64`` -> ``60-69``; 90 and over is one band, as Safe Harbor asks."""
    if age_years < 0:
        raise ValueError(f"age is {age_years}: it must not be negative")
    return AGE_BANDS[min(int(age_years) // 10, 9)]


def _checked(spans: tuple[Span, ...], field_name: str, length: int) -> tuple[Span, ...]:
    ordered = tuple(sorted(spans))
    for i, span in enumerate(ordered):
        if span.end > length:
            raise ValueError(f"{field_name}[{i}].end is {span.end}, past the text ({length} characters)")
        if i and span.start < ordered[i - 1].end:
            before = ordered[i - 1]
            raise ValueError(
                f"{field_name}[{i}] {span.start}-{span.end} overlaps {before.start}-{before.end}"
            )
    return ordered

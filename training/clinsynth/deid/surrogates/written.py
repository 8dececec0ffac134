"""What comes in the place of an identifier that somebody wrote, by its label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from clinsynth.deid.surrogates import contacts, numbers
from clinsynth.deid.surrogates.ages import banded
from clinsynth.deid.surrogates.keyed import Keyed, normal
from clinsynth.deid.surrogates.names import renamed
from clinsynth.deid.surrogates.places import moved_place

_REPLACE: Final[Mapping[str, Callable[[str, Keyed], str | None]]] = {
    "NAME": renamed,
    "LOCATION": moved_place,
    "PHONE": contacts.phone,
    "FAX": contacts.phone,
    "EMAIL": contacts.email,
    "SSN": numbers.masked_ssn,
    "MRN": numbers.renumbered,
    "HEALTH_PLAN": numbers.renumbered,
    "ACCOUNT": numbers.renumbered,
    "LICENSE": numbers.renumbered,
    "VEHICLE": numbers.vehicle,
    "DEVICE": numbers.renumbered,
    "URL": contacts.url,
    "IP": contacts.ip,
    "BIOMETRIC": numbers.renumbered,
    "PHOTO": numbers.renumbered,
    "OTHER_ID": numbers.renumbered,
}
"""Every label but ``DATE``, which needs the note's calendar, and ``AGE``, whose band may stay."""


def replaced(label: str, written: str, keyed: Keyed) -> str | None:
    """The surrogate; None where there is none, or it reads as the original."""
    if label == "AGE":
        return banded(written)
    value = _REPLACE[label](written, keyed)
    return None if not value or normal(value) == normal(written) else value

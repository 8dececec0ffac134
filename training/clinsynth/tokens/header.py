"""The header of the template: the attributes of a note, one ``key: value`` a line."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Final, Protocol

from clinsynth.corpus import AGE_BANDS, SEXES, Attributes

ATTRIBUTE_NAMES: Final = tuple(field.name for field in dataclasses.fields(Attributes))
ALL: Final = frozenset(ATTRIBUTE_NAMES)
"""Every attribute that a header can carry."""

_KEYS: Final = {
    "note_type": "type",
    "specialty": "specialty",
    "sex": "sex",
    "age_band": "age",
    "diagnoses": "diagnoses",
}
_NAMES: Final = {key: name for name, key in _KEYS.items()}
_WHOLE, _NONE = 0.3, 0.1  # shares of notes that train with the whole header, and with none of it


class Rng(Protocol):
    """``random.Random`` and ``numpy.random.Generator`` both are."""

    def random(self) -> float:
        """Uniform in [0, 1)."""


def sample_header(rng: Rng) -> frozenset[str]:
    """The attributes that a note shows in one pass of training.

    The whole header in 30 % of notes, none in 10 %, else each attribute on the toss of a coin: so the
    model meets every subset, and can later be steered by any.
    """
    draw = rng.random()
    if draw < _WHOLE:
        return ALL
    if draw < _WHOLE + _NONE:
        return frozenset()
    return frozenset(name for name in ATTRIBUTE_NAMES if rng.random() < 0.5)


def write_header(attributes: Attributes, header: Collection[str] = ALL) -> str:
    """Lines, each ended by a newline, of the attributes that are known and named in ``header``."""
    unknown = set(header) - ALL
    assert not unknown, f"no such attributes: {sorted(unknown)}"
    values = {name: getattr(clean(attributes), name) for name in ATTRIBUTE_NAMES if name in header}
    return "".join(
        f"{_KEYS[name]}: {'; '.join(value) if name == 'diagnoses' else value}\n"
        for name, value in values.items()
        if value
    )


def clean(attributes: Attributes) -> Attributes:
    """The attributes as a header can hold them: one line each, no ``;`` in a diagnosis, no token.

    ``read_header(write_header(a))`` gives ``clean(a)``.
    """
    diagnoses = (_clean(diagnosis.replace(";", ",")) for diagnosis in attributes.diagnoses)
    return Attributes(
        note_type=_clean(attributes.note_type) or None,
        specialty=_clean(attributes.specialty) or None,
        sex=attributes.sex,
        age_band=attributes.age_band,
        diagnoses=tuple(diagnosis for diagnosis in diagnoses if diagnosis),
    )


def read_header(text: str) -> tuple[Attributes, list[str]]:
    """The attributes in header lines, and a repair for each line that was left out.

    Repairs are ``unknown_header`` (no such key, or no key), ``repeated_header`` (the first one holds) and
    ``header_value`` (a sex or an age that does not exist, an empty value, a token).
    """
    found: dict[str, str] = {}
    repairs = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        key, colon, value = line.partition(":")
        name, value = _NAMES.get(key.strip()), value.strip()
        if name is None or not colon:
            repairs.append("unknown_header")
        elif name in found:
            repairs.append("repeated_header")
        elif not _allowed(name, value):
            repairs.append("header_value")
        else:
            found[name] = value
    return _attributes(found), repairs


def is_header(text: str) -> bool:
    """Whether every line is one that ``read_header`` takes without repair."""
    return not read_header(text)[1]


def _clean(value: str | None) -> str:
    return " ".join((value or "").split()).replace("<|", "‹|")  # noqa: RUF001 - what deid writes too


def _allowed(name: str, value: str) -> bool:
    if name == "sex":
        return value in SEXES
    if name == "age_band":
        return value in AGE_BANDS
    return bool(value.strip("; ")) and "<|" not in value


def _attributes(found: dict[str, str]) -> Attributes:
    diagnoses = (part.strip() for part in found.get("diagnoses", "").split(";"))
    return Attributes(
        note_type=found.get("note_type"),
        specialty=found.get("specialty"),
        sex=found.get("sex"),
        age_band=found.get("age_band"),
        diagnoses=tuple(part for part in diagnoses if part),
    )

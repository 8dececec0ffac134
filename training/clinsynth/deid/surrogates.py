"""Invented values in the place of tags, always the same for the same key, patient and place.

A tag does not say who it stands for: the words around tell a patient from a doctor, a date of birth from a
day of the stay, a town from a hospital. Within a patient the name behind ``Mr.`` is always the patient's;
numbers and doctors go by their order in the note. Values of a raw note go by what was written, so a doctor
named twice keeps one surrogate; the original is never given back.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from clinsynth.corpus import Note, Span
from clinsynth.corpus.moves import Moves
from clinsynth.deid import invented
from clinsynth.deid.tags import merged, tag_spans
from clinsynth.errors import UsageError

_BEFORE, _AFTER = 48, 24  # characters around a place that are looked at
_TRIES: Final = 8
_DOCTORS: Final = 3  # how many a note has, when it has many names

_DOCTOR: Final = re.compile(
    r"\b(?:dr|drs|doctor|prof|signed by|dictated by|attending|surgeon|assistant|physician|"
    r"provider|seen by|reviewed by|cc|author|radiologist|pcp)[\s.:]*$",
    re.I,
)
_CREDENTIAL: Final = re.compile(r",? ?(?:M\.?D|D\.?O|R\.?N|N\.?P|P\.?A|Ph\.?D)\b")
_HONORIFIC: Final = re.compile(r"\b(mr|mrs|ms|miss)[.\s]*$", re.I)
_PATIENT: Final = re.compile(r"(?:\b(?:patient|name|pt|re|regarding)(?: name)?\s*:\s*|^\s*)$", re.I)
_SURNAME_ONLY: Final = re.compile(r"\b(?:dr|drs|mr|mrs|ms|miss|doctor|prof)[.\s]*$", re.I)
_BIRTH: Final = re.compile(r"\b(?:d\.?o\.?b\.?|birth|born)\b[^.\n]{0,12}$", re.I)
_MONTH: Final = re.compile(r"\b(?:in|since|of|last|until|early|late)\s$", re.I)
_TOWN: Final = re.compile(
    r"\b(?:liv(?:es|ed|ing)|resid\w+|born|moved|native|grew up|travel\w*|trip|visit\w*|"
    r"near|outside)\b[^.\n]{0,24}$",
    re.I,
)
_ADDRESS: Final = re.compile(r"\b(?:address|street|resides at|lives at)\b[^.\n]{0,12}$", re.I)
_ZIP: Final = re.compile(r"\b(?:(?i:zip|postal)|[A-Z]{2})\b(?: code)?[\s:]*$")
_PLACE_FOLLOWS: Final = re.compile(
    r" ?(?:hospital|medical|clinic|health|center|centre|nursing|university)", re.I
)
_STATE_FOLLOWS: Final = re.compile(r", [A-Z]{2}\b")
_PLATE: Final = re.compile(r"\b(?:plate|tag)s?\b[^.\n]{0,12}$", re.I)
_PERSON_FOLLOWS: Final = re.compile(r" (?:man|woman|male|female|gentleman|lady|patient|white|black)", re.I)


def to_surrogates(note: Note, key: bytes | str) -> Note:
    """The note with an invented value in the place of each tag, and of each span of ``phi`` that is no tag.

    Args:
        key: the only secret. The same key gives a note, and the notes of a patient, the same values again.

    ``phi`` of the result lies on the values. What no value can be found for becomes, or stays, a tag.
    Entities move along; those that a span of ``phi`` crosses are clipped.

    Raises:
        UsageError: the key is empty.
    """
    secret = key.encode() if isinstance(key, str) else bytes(key)
    if not secret:
        raise UsageError("the key of the surrogates is empty: give at least one character")
    tags = tag_spans(note.text)
    known = {(tag.start, tag.end) for tag in tags}
    pieces = merged([*tags, *(span for span in note.phi if (span.start, span.end) not in known)])
    cast = _Cast(secret, note)
    values = [cast.value(piece, is_tag=(piece.start, piece.end) in known) for piece in pieces]
    moves = Moves(pieces, values)
    entities = (moves.span(entity, note.text) for entity in note.entities)
    return replace(
        note,
        text=moves.text(note.text),
        entities=tuple(entity for entity in entities if entity is not None),
        phi=tuple(moves.values()),
    )


@dataclass(slots=True)
class _Place:
    """An identifier, what stands around it, and how to draw for it."""

    before: str
    after: str
    identity: str
    draw: Callable[[str, str], random.Random]


@dataclass(slots=True)
class _Cast:
    """The persons, places and days of a note."""

    key: bytes
    note: Note
    seen: Counter[str] = field(default_factory=Counter)

    def value(self, piece: Span, *, is_tag: bool) -> str:
        """What comes in the place of ``piece``; its tag, when only the original itself was drawn."""
        text, label = self.note.text, piece.label
        self.seen[label] += 1
        original = None if is_tag else " ".join(text[piece.start : piece.end].casefold().split())
        for attempt in range(_TRIES):
            place = _Place(
                before=text[max(0, piece.start - _BEFORE) : piece.start],
                after=text[piece.end : piece.end + _AFTER],
                identity=f"#{self.seen[label]}" if original is None else f"={original}",
                draw=lambda kind, identity, again=attempt: self._random(kind, identity, again),  # type: ignore[misc]
            )
            value = _INVENT[label](self, place)
            if value.casefold() != original:
                return value
        return f"<|{label}|>"

    def _random(self, kind: str, identity: str, again: int = 0) -> random.Random:
        owner = self.note.patient_id or self.note.id
        message = "\0".join((owner, kind, identity, str(again))).encode()
        return random.Random(hmac.digest(self.key, message, hashlib.sha256))

    def name(self, place: _Place) -> str:
        """The patient's, a doctor's or somebody's."""
        honorific = _HONORIFIC.search(place.before)
        if honorific or _PATIENT.search(place.before):
            sex = self.note.attributes.sex
            if honorific:
                sex = sex or ("male" if honorific[1].lower() == "mr" else "female")
            given, family = invented.person(self._person(place, "patient", ""), sex)
        elif _DOCTOR.search(place.before) or _CREDENTIAL.match(place.after):
            ordinal = place.draw("NAME", place.identity).randrange(_DOCTORS)
            given, family = invented.person(self._person(place, "doctor", str(ordinal)))
        else:
            given, family = invented.person(self._person(place, "NAME", place.identity))
        return family if _SURNAME_ONLY.search(place.before) else f"{given} {family}"

    def _person(self, place: _Place, role: str, number: str) -> random.Random:
        """A tag's person goes by role and number; a written name's by its family name."""
        if place.identity.startswith("#"):
            return place.draw(role, number)
        return place.draw("NAME", place.identity.partition(",")[0].split()[-1])

    def place(self, place: _Place) -> str:
        """A town, an address, a ZIP code or a facility, as the words around ask."""
        rng = place.draw("LOCATION", place.identity)
        if _ADDRESS.search(place.before):
            return invented.address(rng)
        if _ZIP.search(place.before):
            return invented.zip_code(rng)
        if _PLACE_FOLLOWS.match(place.after) or _STATE_FOLLOWS.match(place.after):
            return invented.town(rng)
        if _TOWN.search(place.before):
            return invented.town_with_state(rng)
        return invented.facility(rng)

    def date(self, place: _Place) -> str:
        """Days of one stay, in order, in one form; a date of birth lies decades before."""
        stay = self._random("stay", "")
        first = datetime.date(2012, 1, 1) + datetime.timedelta(days=stay.randrange(4000))
        form = stay.choice(invented.DATE_FORMS)
        if _BIRTH.search(place.before):
            years = _years(self.note.attributes.age_band, self._random("birth", ""))
            return invented.date(first - datetime.timedelta(days=round(365.25 * years)), form)
        if _MONTH.search(place.before):
            first -= datetime.timedelta(days=30 * place.draw("DATE", place.identity).randint(2, 60))
            return f"{first:%B} {first.year}"
        if place.identity.startswith("#"):
            step = min(int(place.identity[1:]) - 1, 60)
            days = sum(self._random("step", str(i)).randrange(3) for i in range(step))
        else:
            days = place.draw("DATE", place.identity).randrange(-400, 30)
        return invented.date(first + datetime.timedelta(days=days), form)

    def age(self, place: _Place) -> str:
        """90 or over."""
        age = invented.high_age(self._random("age", ""))
        return f"{age}-year-old" if _PERSON_FOLLOWS.match(place.after) else age

    def vehicle(self, place: _Place) -> str:
        """A vehicle identification number, or a plate."""
        rng = place.draw("VEHICLE", place.identity)
        return invented.plate(rng) if _PLATE.search(place.before) else invented.vehicle(rng)


def _years(age_band: str | None, rng: random.Random) -> float:
    """An age in the band, in years."""
    if age_band is None:
        return rng.uniform(25, 89)
    low = int(age_band.removesuffix("+").split("-")[0])
    return rng.uniform(low, low + 9.9)


def _number(label: str, invent: Callable[[random.Random], str]) -> Callable[[_Cast, _Place], str]:
    return lambda _, place: invent(place.draw(label, place.identity))


def _of_the_patient(label: str, invent: Callable[[random.Random], str]) -> Callable[[_Cast, _Place], str]:
    """One for each patient, however often it stands in a note."""
    return lambda _, place: invent(place.draw(label, "" if place.identity[0] == "#" else place.identity))


_INVENT: Final[Mapping[str, Callable[[_Cast, _Place], str]]] = {
    "NAME": _Cast.name,
    "LOCATION": _Cast.place,
    "DATE": _Cast.date,
    "AGE": _Cast.age,
    "PHONE": _number("PHONE", invented.phone),
    "FAX": _number("FAX", invented.phone),
    "EMAIL": _number("EMAIL", invented.email),
    "SSN": _of_the_patient("SSN", invented.ssn),
    "MRN": _of_the_patient("MRN", invented.mrn),
    "HEALTH_PLAN": _of_the_patient("HEALTH_PLAN", invented.health_plan),
    "ACCOUNT": _number("ACCOUNT", invented.account),
    "LICENSE": _number("LICENSE", invented.license_number),
    "VEHICLE": _Cast.vehicle,
    "DEVICE": _number("DEVICE", invented.device),
    "URL": _number("URL", invented.url),
    "IP": _number("IP", invented.ip),
    "BIOMETRIC": _number("BIOMETRIC", invented.biometric),
    "PHOTO": _number("PHOTO", invented.photo),
    "OTHER_ID": _number("OTHER_ID", invented.other_id),
}

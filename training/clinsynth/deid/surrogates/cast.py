"""Values for tags in generated text, always the same for the same key, patient and place.

A tag does not say who it stands for: the words around tell a patient from a doctor, a date of birth from a
day of the stay, a town from a hospital. Within a patient the name behind ``Mr.`` is always the patient's;
numbers and doctors go by their order in the note.
"""

from __future__ import annotations

import datetime
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from clinsynth.corpus import Note, Span
from clinsynth.deid.surrogates import invented
from clinsynth.deid.surrogates.keyed import Keyed

_BEFORE, _AFTER = 48, 24  # characters around a place that are looked at
_MOST_STEPS: Final = 60
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


@dataclass(frozen=True, slots=True)
class _Place:
    """A tag: what stands around it, and its number among those of its label."""

    before: str
    after: str
    number: int

    @property
    def identity(self) -> str:
        """By which values are drawn."""
        return f"#{self.number}"


@dataclass(slots=True)
class Cast:
    """The persons, places and days of a note.

    Args:
        keyed: draws for its patient.
    """

    keyed: Keyed
    note: Note
    seen: Counter[str] = field(default_factory=Counter)

    def value(self, tag: Span) -> str:
        """What comes in the place of ``tag``. To be asked for the tags of a note in their order."""
        text = self.note.text
        self.seen[tag.label] += 1
        before = text[max(0, tag.start - _BEFORE) : tag.start]
        place = _Place(before, text[tag.end : tag.end + _AFTER], self.seen[tag.label])
        return _INVENT[tag.label](self, place)

    def draw(self, kind: str, identity: str) -> random.Random:
        """Random numbers for an identity."""
        return self.keyed.random(kind, identity)

    def name(self, place: _Place) -> str:
        """The patient's, a doctor's or somebody's."""
        honorific = _HONORIFIC.search(place.before)
        if honorific or _PATIENT.search(place.before):
            sex = self.note.attributes.sex
            if honorific:
                sex = sex or ("male" if honorific[1].lower() == "mr" else "female")
            given, family = invented.person(self.draw("patient", ""), sex)
        elif _DOCTOR.search(place.before) or _CREDENTIAL.match(place.after):
            ordinal = self.draw("NAME", place.identity).randrange(_DOCTORS)
            given, family = invented.person(self.draw("doctor", str(ordinal)))
        else:
            given, family = invented.person(self.draw("NAME", place.identity))
        return family if _SURNAME_ONLY.search(place.before) else f"{given} {family}"

    def place(self, place: _Place) -> str:
        """A town, an address, a ZIP code or a facility, as the words around ask."""
        rng = self.draw("LOCATION", place.identity)
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
        stay = self.draw("stay", "")
        first = datetime.date(2012, 1, 1) + datetime.timedelta(days=stay.randrange(4000))
        form = stay.choice(invented.DATE_FORMS)
        if _BIRTH.search(place.before):
            years = _years(self.note.attributes.age_band, self.draw("birth", ""))
            return invented.date(first - datetime.timedelta(days=round(365.25 * years)), form)
        if _MONTH.search(place.before):
            first -= datetime.timedelta(days=30 * self.draw("DATE", place.identity).randint(2, 60))
            return f"{first:%B} {first.year}"
        steps = range(min(place.number - 1, _MOST_STEPS))
        days = sum(self.draw("step", str(i)).randrange(3) for i in steps)
        return invented.date(first + datetime.timedelta(days=days), form)

    def age(self, place: _Place) -> str:
        """90 or over."""
        age = invented.high_age(self.draw("age", ""))
        return f"{age}-year-old" if _PERSON_FOLLOWS.match(place.after) else age

    def vehicle(self, place: _Place) -> str:
        """A vehicle identification number, or a plate."""
        rng = self.draw("VEHICLE", place.identity)
        return invented.plate(rng) if _PLATE.search(place.before) else invented.vehicle(rng)


def _years(age_band: str | None, rng: random.Random) -> float:
    """An age in the band, in years."""
    if age_band is None:
        return rng.uniform(25, 89)
    low = int(age_band.removesuffix("+").split("-")[0])
    return rng.uniform(low, low + 9.9)


def _number(label: str, invent: Callable[[random.Random], str]) -> Callable[[Cast, _Place], str]:
    return lambda cast, place: invent(cast.draw(label, place.identity))


def _of_the_patient(label: str, invent: Callable[[random.Random], str]) -> Callable[[Cast, _Place], str]:
    """One for each patient, however often it stands in a note."""
    return lambda cast, _: invent(cast.draw(label, ""))


_INVENT: Final[Mapping[str, Callable[[Cast, _Place], str]]] = {
    "NAME": Cast.name,
    "LOCATION": Cast.place,
    "DATE": Cast.date,
    "AGE": Cast.age,
    "PHONE": _number("PHONE", invented.phone),
    "FAX": _number("FAX", invented.phone),
    "EMAIL": _number("EMAIL", invented.email),
    "SSN": _of_the_patient("SSN", invented.ssn),
    "MRN": _of_the_patient("MRN", invented.mrn),
    "HEALTH_PLAN": _of_the_patient("HEALTH_PLAN", invented.health_plan),
    "ACCOUNT": _number("ACCOUNT", invented.account),
    "LICENSE": _number("LICENSE", invented.license_number),
    "VEHICLE": Cast.vehicle,
    "DEVICE": _number("DEVICE", invented.device),
    "URL": _number("URL", invented.url),
    "IP": _number("IP", invented.ip),
    "BIOMETRIC": _number("BIOMETRIC", invented.biometric),
    "PHOTO": _number("PHOTO", invented.photo),
    "OTHER_ID": _number("OTHER_ID", invented.other_id),
}

"""People whom a note names, by placeholders or by real names, and who they are in the scene.

Each keeps one name throughout the note. Who stands behind "Dr." is a doctor; the first "Mr." or "Ms." of
the patient's sex is the patient.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from clinsynth.corpus.note import Span
from clinsynth.inject.changes import Change, Segment
from clinsynth.inject.people import Person
from clinsynth.inject.scene import Scene

_CAPITAL: Final = r"(?:[A-Z]['’])?[A-Z][A-Za-z-]*"  # noqa: RUF001
_DOCTORS: Final = re.compile(rf"\b(?P<title>Dr|DR)\b\.?[ \n]{{1,2}}({_CAPITAL})(?:[ ]({_CAPITAL}))?")
_OTHERS: Final = re.compile(
    rf"\b(?P<title>Mr|Mrs|Ms|Miss|Mister|MR|MRS|MS)\b\.?[ \n]{{1,2}}({_CAPITAL})(?:[ ]({_CAPITAL}))?"
)
_PAIRS: Final = re.compile(
    rf"\b(?:Drs|Doctors)\b\.?[ ]({_CAPITAL})(?:,[ ]({_CAPITAL}))?,?[ ]and[ ]({_CAPITAL})"
)
_CREDENTIALS: Final = re.compile(
    rf"((?:{_CAPITAL}\.?[ ]){{0,2}}{_CAPITAL}),[ ]?(?:M\.?D\.?|D\.?O\.?|R\.?N\.?|Ph\.?D\.?|PA(?:-C)?"
    r"|N\.?P\.?|CNP|D\.?C\.?|D\.?P\.?M\.?|D\.?D\.?S\.?)(?!\w)"
)
_DOE: Final = re.compile(
    r"\b(?:(?:John|Jane|JOHN|JANE)[ ](?:Doe|DOE|Q\.?[ ](?:Public|Doe))|Sample[ ]Patient|SAMPLE[ ]PATIENT)\b"
)
_SAMPLE_DOCTOR: Final = re.compile(r"\bSample[ ](?:Doctor|Physician)\b")
_OPENING: Final = re.compile(
    r"^(?:Mr\. |Mrs\. |Ms\. )?([A-Z][a-z]+[ ][A-Z][a-z]+)"
    r"(?=,?[ ]is[ ]an?[ ](?:\d|very|pleasant|known|[a-z]+-year))",
    re.MULTILINE,
)
_KIN: Final = re.compile(
    r"\b(?:wife|husband|son|daughter|mother|father|sister|brother|partner),?[ ]([A-Z][a-z]{2,})"
    r"(?=[,.]|\swho\b|\sis\b)"
)
_NO_NAME: Final = frozenset(
    (
        *("The", "It", "He", "She", "This", "That", "In", "On", "At", "We", "I", "They", "There", "His"),
        *("Her", "A", "An", "Patient", "And", "Or", "No", "Was", "Is", "With", "Of", "To"),
        *("Dr", "Mr", "Mrs", "Ms"),
    )
)
_INITIAL: Final = re.compile(r"[A-Z](?![\w'])")  # "Dr. A": a name cut down to its letter
_DOCTOR_BEFORE: Final = re.compile(r"\bDrs?\.?\s$")
_TITLE_BEFORE: Final = re.compile(r"\b(?:Mr|Mrs|Ms|Miss)\.?\s$")
_PATIENT_BEHIND: Final = re.compile(r",?\sis\san?\s")
_TITLE_OF_MEN: Final = ("Mr", "MR", "Mister")


class People:
    """Who of the note's people is who of the scene."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._known: dict[str, Person] = {}
        self._doctors = 0
        self._others = 0

    def change(
        self, place: tuple[int, int], words: tuple[str, ...], title: str, full: bool = False
    ) -> Change:
        """A name of one word or more, in the form that it has."""
        doctor = title in ("Dr", "DR")
        key = f"{doctor} {words[-1].lower()}"
        person = self._known.get(key) or (self._doctor() if doctor else self._other(title))
        self._known[key] = person
        text = self.scene.name(person, "full" if len(words) > 1 or full else "family")
        return Change(*place, (Segment(text, "NAME"),))

    def known(self, text: str, span: Span) -> Change:
        """A name that the note comes with, told by what stands around it."""
        name, before = text[span.start : span.end], text[max(0, span.start - 12) : span.start]
        doctor, titled = _DOCTOR_BEFORE.search(before), _TITLE_BEFORE.search(before)
        patient = titled or text.count(name) > 1 or _PATIENT_BEHIND.match(text[span.end : span.end + 12])
        person = self.scene.cast["doctor" if doctor else "patient" if patient else "nurse"]
        value = person.family if doctor or titled else person.given
        if len(name.split()) > 1:
            value = f"{person.given} {person.family}"
        return Change(span.start, span.end, (Segment(value, "NAME"),))

    def _doctor(self) -> Person:
        self._doctors += 1
        return self.scene.cast[f"doctor{self._doctors}" if self._doctors > 1 else "doctor"]

    def _other(self, title: str) -> Person:
        cast = self.scene.cast
        sex = "male" if title in _TITLE_OF_MEN else "female"
        if sex == cast.patient.sex and cast.patient not in self._known.values():
            return cast.patient
        self._others += 1
        return cast.of_sex(f"other{self._others}", sex)


def named(text: str, people: People) -> Iterator[Change]:
    """Names in a text, in the order of precedence."""
    scene = people.scene
    for match in _DOE.finditer(text):
        yield Change(*match.span(), (Segment(scene.name(scene.cast.patient, "full"), "NAME"),))
    for match in _SAMPLE_DOCTOR.finditer(text):
        yield Change(*match.span(), (Segment(scene.name(scene.cast["doctor"], "full"), "NAME"),))
    for match in _OPENING.finditer(text):
        if not _NO_NAME & set(match.group(1).split()):
            yield Change(*match.span(1), (Segment(scene.name(scene.cast.patient, "full"), "NAME"),))
    yield from _titled(text, people)
    for match in _CREDENTIALS.finditer(text):
        words = tuple(match.group(1).split())
        if not _NO_NAME & set(words):
            yield people.change(match.span(1), words, "Dr", full=True)
    for match in _KIN.finditer(text):
        if match.group(1) not in _NO_NAME:
            yield Change(*match.span(1), (Segment(scene.cast["relative"].given, "NAME"),))


def _titled(text: str, people: People) -> Iterator[Change]:
    for match in _PAIRS.finditer(text):
        for group in (1, 2, 3):
            if match.group(group):
                yield people.change(match.span(group), (match.group(group),), "Dr")
    for pattern in (_DOCTORS, _OTHERS):
        for match in pattern.finditer(text):
            first, second = match.group(2), match.group(3)
            if first in _NO_NAME and not _INITIAL.match(text, match.start(2)):
                continue
            two = second is not None and second not in _NO_NAME
            end = match.end(3 if two else 2)
            yield people.change(
                (match.start(2), end), (first, second) if two else (first,), match.group("title")
            )

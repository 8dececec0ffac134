"""Which notes an illness leaves behind, when, and by whom; and the writing of one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Final

from clinsynth.corpus.note import Attributes, Note
from clinsynth.simulate.builder import NoteBuilder
from clinsynth.simulate.case import Case
from clinsynth.simulate.context import Context
from clinsynth.simulate.hospital_notes import (
    write_consultation,
    write_discharge_summary,
    write_emergency_note,
    write_history_and_physical,
    write_progress_note,
)
from clinsynth.simulate.people import Name, draw_facility, draw_staff
from clinsynth.simulate.plants import HEADER, PLAN, SIGN_OFF, SOCIAL, draw_plants
from clinsynth.simulate.reports import (
    write_clinic_letter,
    write_operative_report,
    write_radiology_report,
)
from clinsynth.simulate.style import draw_style
from clinsynth.simulate.table import Table

_MOST_DIAGNOSES: Final = 4
_REPEATED: Final = ("progress note", "clinic letter")
"""Written again on other days."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A type of note.

    Args:
        weight: how common it is among the notes that an illness may leave.
        order: place in the course of an illness.
        places: where identifiers may be planted in it.
        formal, dictated: see ``draw_style``.
    """

    write: Callable[[Context], None]
    weight: float
    order: int
    places: tuple[str, ...]
    formal: bool = False
    dictated: bool = False


_EVERYWHERE: Final = (HEADER, SOCIAL, PLAN, SIGN_OFF)
KINDS: Final[Mapping[str, _Kind]] = {
    "emergency department note": _Kind(write_emergency_note, 1.0, 0, _EVERYWHERE),
    "history and physical": _Kind(write_history_and_physical, 1.0, 1, _EVERYWHERE),
    "radiology report": _Kind(
        write_radiology_report, 1.2, 2, (HEADER, SIGN_OFF), formal=True, dictated=True
    ),
    "consultation": _Kind(write_consultation, 1.0, 3, _EVERYWHERE),
    "operative report": _Kind(
        write_operative_report, 2.0, 4, (HEADER, PLAN, SIGN_OFF), formal=True, dictated=True
    ),
    "progress note": _Kind(write_progress_note, 1.2, 5, (HEADER, PLAN, SIGN_OFF)),
    "discharge summary": _Kind(write_discharge_summary, 1.2, 6, _EVERYWHERE),
    "clinic letter": _Kind(write_clinic_letter, 1.0, 7, (HEADER, PLAN, SIGN_OFF), formal=True),
}


def possible_kinds(case: Case, table: Table) -> list[str]:
    """Types of note that make sense for the case."""
    settings = case.principal.settings
    kinds = []
    if "emergency" in settings:
        kinds.append("emergency department note")
    if "inpatient" in settings:
        kinds += ["history and physical", "consultation", "progress note", "discharge summary"]
    if "clinic" in settings:
        kinds.append("clinic letter")
        if "inpatient" not in settings:
            kinds.append("consultation")
    if any(table.studies[name].department == "radiology" for name, _ in case.studies):
        kinds.append("radiology report")
    if case.operation is not None:
        kinds.append("operative report")
    return kinds


def choose_kinds(rng: Random, case: Case, table: Table, count: int) -> list[str]:
    """``count`` types of note in the order in which they are written; some may repeat."""
    possible = possible_kinds(case, table)
    chosen: list[str] = []
    while len(chosen) < count:
        left = [k for k in possible if k not in chosen or k in _REPEATED] or possible
        chosen.append(rng.choices(left, [KINDS[k].weight for k in left])[0])
    return sorted(chosen, key=lambda kind: KINDS[kind].order)


@dataclass(frozen=True, slots=True, repr=False)
class Staff:
    """Who looks after a patient, and where."""

    facility: str
    attending: Name
    colleague: Name
    family_doctor: Name


def draw_staff_of(rng: Random) -> Staff:
    """A facility and three clinicians."""
    return Staff(draw_facility(rng), draw_staff(rng), draw_staff(rng), draw_staff(rng))


def write_note(
    rng: Random, table: Table, case: Case, staff: Staff, kind: str, wanted: frozenset[str]
) -> tuple[Attributes, NoteBuilder]:
    """One note of the case.

    Args:
        kind: one of ``corpus.NOTE_TYPES`` that is possible for the case.
        wanted: labels of identifiers that it must hold.
    """
    facts = KINDS[kind]
    style = draw_style(rng, formal=facts.formal, dictated=facts.dictated)
    admitted = case.patient.seen
    day = _day(case, kind, rng)
    own_author = kind in ("radiology report", "consultation")
    people = (case.patient.name, staff.attending)
    specialty = _specialty(case, kind)
    builder = NoteBuilder(rng, style, protected=(case.principal.name, specialty))
    context = Context(
        rng=rng,
        table=table,
        case=case,
        style=style,
        note_type=kind,
        specialty=specialty,
        facility=staff.facility,
        attending=staff.colleague if own_author else staff.attending,
        colleague=staff.attending if own_author else staff.colleague,
        family_doctor=staff.family_doctor,
        admitted=admitted,
        day=admitted + timedelta(days=day),
        day_number=day + 1,
        operated=admitted + timedelta(days=min(1, case.days_in)),
        plants=draw_plants(rng, wanted, facts.places, people),
        note=builder,
    )
    facts.write(context)
    assert not context.plants, f"{kind}: identifiers planted at {sorted(context.plants)} were not written"
    mentioned = [
        disease.name
        for disease in case.comorbidities
        if any(name.lower() in builder.named for name in disease.names)
    ]
    attributes = Attributes(
        note_type=kind,
        specialty=context.specialty,
        sex=case.patient.sex,
        age_band=case.patient.age_band,
        diagnoses=(case.principal.name, *mentioned)[:_MOST_DIAGNOSES],
    )
    return attributes, builder


def _day(case: Case, kind: str, rng: Random) -> int:
    """Days from the first encounter to the note."""
    if kind == "progress note":
        return rng.randint(1, max(1, case.days_in - 1))
    if kind == "discharge summary":
        return case.days_in
    if kind == "operative report":
        return min(1, case.days_in)
    if kind == "clinic letter":
        return rng.choice((14, 14, 21, 30, 42) if case.principal.acuity == "acute" else (0, 0, 30, 60, 90))
    return 0


def _specialty(case: Case, kind: str) -> str:
    if kind == "radiology report":
        return "radiology"
    if kind == "emergency department note":
        return "emergency medicine"
    if kind == "operative report" and case.operation is not None:
        return case.operation.specialty
    return case.principal.specialty


def to_note(
    attributes: Attributes, builder: NoteBuilder, *, note_id: str, patient_id: str, seed: int
) -> Note:
    """The finished record."""
    text, entities, phi = builder.build()
    return Note(
        id=note_id,
        text=text,
        attributes=attributes,
        entities=entities,
        phi=phi,
        patient_id=patient_id,
        provenance={"source": "simulator", "seed": str(seed)},
    )

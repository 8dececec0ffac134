"""Drugs and other treatments for a case: allowed for this person, at a dose in range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from clinsynth.simulate.patient import Patient
from clinsynth.simulate.table import Disease, Drug, Procedure, Table


@dataclass(frozen=True, slots=True)
class Allergy:
    """A substance, what it does to the patient, and the flag or drug class that it rules out."""

    substance: str
    reaction: str
    rules_out: str


_ALLERGIES: Final = (
    Allergy("penicillin", "rash", "penicillin antibiotic"),
    Allergy("penicillin", "hives", "penicillin antibiotic"),
    Allergy("amoxicillin", "rash", "penicillin antibiotic"),
    Allergy("sulfa drugs", "rash", "sulfa"),
    Allergy("trimethoprim-sulfamethoxazole", "hives", "sulfa"),
    Allergy("codeine", "nausea", ""),
    Allergy("morphine", "pruritus", "morphine"),
    Allergy("lisinopril", "cough", "ACE inhibitor"),
    Allergy("ibuprofen", "facial swelling", "NSAID"),
    Allergy("naproxen", "hives", "NSAID"),
    Allergy("ciprofloxacin", "tendon pain", "fluoroquinolone"),
    Allergy("iodinated contrast", "hives", ""),
    Allergy("latex", "contact dermatitis", ""),
    Allergy("clindamycin", "diarrhea", "lincosamide"),
    Allergy("azithromycin", "QT prolongation", "macrolide"),
    Allergy("atorvastatin", "myalgias", "statin"),
    Allergy("doxycycline", "photosensitivity", "tetracycline"),
    Allergy("metoclopramide", "dystonia", "metoclopramide"),
)
_ALLERGIC_SHARE: Final = 0.32


@dataclass(frozen=True, slots=True)
class Treatment:
    """A drug at a dose, or other care (``drug`` is None).

    Args:
        kind: class of the drug, or the name of other care: one of a kind is enough for a patient.
        dose: with its unit: ``20 mg``.
        disease: name of what it is for.
    """

    name: str
    kind: str
    drug: Drug | None
    care: Procedure | None
    dose: str
    route: str
    frequency: str
    disease: str


def draw_allergies(rng: Random, patient: Patient) -> tuple[Allergy, ...]:
    """Usually none; sometimes one or two."""
    if rng.random() > (_ALLERGIC_SHARE if patient.age_years > 12 else _ALLERGIC_SHARE / 3):
        return ()
    first = rng.choice(_ALLERGIES)
    second = rng.choice(_ALLERGIES)
    return (first,) if rng.random() < 0.75 or second.substance == first.substance else (first, second)


def draw_therapy(
    rng: Random,
    table: Table,
    patient: Patient,
    disease: Disease,
    phase: str,
    conditions: Sequence[Disease],
    allergies: Sequence[Allergy],
) -> tuple[Treatment, ...]:
    """What ``disease`` is treated with in ``phase``, nothing that the patient may not have."""
    barred = _barred(patient, conditions, allergies)
    chosen: dict[str, Treatment] = {}
    for therapy in table.therapies.get(disease.name, ()):
        if therapy.phase != phase or rng.random() >= therapy.probability:
            continue
        allowed = [o for o in therapy.options if all(_allowed(table, name, patient, barred) for name in o)]
        if not allowed:
            continue
        for name in rng.choice(allowed):
            treatment = _treatment(rng, table, name, patient, disease.name, acute=phase == "acute")
            chosen.setdefault(treatment.kind if treatment.drug else name, treatment)
    return tuple(chosen.values())


def _barred(
    patient: Patient, conditions: Sequence[Disease], allergies: Sequence[Allergy]
) -> frozenset[str]:
    flags = {flag for disease in conditions for flag in disease.flags}
    flags |= {allergy.rules_out for allergy in allergies} - {""}
    flags |= {allergy.substance for allergy in allergies}
    flags.add(patient.sex)
    if patient.sex == "female" and patient.age_years < 50:
        flags.add("female-childbearing")
    return frozenset(flags)


def _allowed(table: Table, name: str, patient: Patient, barred: frozenset[str]) -> bool:
    drug = table.drugs.get(name)
    if drug is None:
        return True
    if drug.avoid & barred or drug.drug_class in barred or drug.name in barred:
        return False
    return patient.age_years >= drug.adult_from_age or drug.child_mg_per_kg is not None


def _treatment(
    rng: Random, table: Table, name: str, patient: Patient, disease: str, *, acute: bool
) -> Treatment:
    drug = table.drugs.get(name)
    if drug is None:
        care = table.procedures[name]
        return Treatment(name, name, None, care, "", "", "", disease)
    routes = drug.routes
    # In hospital by vein where the drug can be, at home by mouth.
    route = "intravenously" if acute and "intravenously" in routes else routes[0]
    return Treatment(
        name=name,
        kind=drug.drug_class,
        drug=drug,
        care=None,
        dose=f"{_dose(rng, drug, patient)} {drug.unit}",
        route=route,
        frequency=rng.choice(drug.frequencies),
        disease=disease,
    )


def _dose(rng: Random, drug: Drug, patient: Patient) -> str:
    if patient.age_years >= drug.adult_from_age or drug.child_mg_per_kg is None:
        return f"{rng.choice(drug.doses):g}"
    low, high = drug.child_mg_per_kg
    dose = min(drug.child_max_mg, rng.uniform(low, high) * patient.weight_kg)
    if dose >= 100:
        return f"{min(drug.child_max_mg, round(dose / 10) * 10):g}"
    return f"{round(dose):g}" if dose >= 10 else f"{dose:.2g}"

"""What a patient brings along: operations, work, habits, family. The same in all their notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from clinsynth.simulate.patient import Patient
from clinsynth.simulate.table import Disease, Finding

_SURGERIES: Final = (
    # name, youngest age at the operation, sex
    ("appendectomy", 8, ""),
    ("tonsillectomy", 4, ""),
    ("cholecystectomy", 25, ""),
    ("inguinal hernia repair", 20, "male"),
    ("cesarean section", 22, "female"),
    ("hysterectomy", 42, "female"),
    ("vasectomy", 30, "male"),
    ("cataract extraction", 62, ""),
    ("right total knee replacement", 58, ""),
    ("carpal tunnel release", 35, ""),
    ("rotator cuff repair", 40, ""),
    ("wisdom tooth extraction", 18, ""),
)
_ORGAN_GONE: Final = {
    "acute appendicitis": "appendectomy",
    "acute cholecystitis": "cholecystectomy",
    "inguinal hernia": "inguinal hernia repair",
    "knee osteoarthritis": "right total knee replacement",
    "peritonsillar abscess": "tonsillectomy",
    "streptococcal pharyngitis": "tonsillectomy",
    "uterine fibroids": "hysterectomy",
    "endometriosis": "hysterectomy",
    "pelvic inflammatory disease": "hysterectomy",
    "ovarian cancer": "hysterectomy",
}
"""Disease -> the operation after which nobody has it."""
_NEED_UTERUS_UNTIL: Final = 50
_SMOKERS: Final = frozenset(
    {"chronic obstructive pulmonary disease", "COPD exacerbation", "lung cancer", "bladder cancer"}
    | {"peripheral artery disease"}
)
_FAMILY: Final = (
    "coronary artery disease",
    "hypertension",
    "type 2 diabetes",
    "stroke",
    "colon cancer",
    "asthma",
    "dementia",
    "kidney stones",
    "lung cancer",
)
_YOUNG_FAMILY: Final = ("asthma", "hypertension", "migraine")
_RELATIVES: Final = (
    "mother",
    "father",
    "sister",
    "brother",
    "maternal grandmother",
    "paternal grandfather",
)
_JOBS: Final = (
    "teacher",
    "truck driver",
    "accountant",
    "cook",
    "nurse",
    "electrician",
    "warehouse worker",
    "bus driver",
    "office manager",
    "carpenter",
    "cashier",
    "farmer",
    "software tester",
    "mechanic",
)


@dataclass(frozen=True, slots=True)
class Relative:
    """A relative's illness; ``died_at`` is 0 for the living."""

    relation: str
    disease: str
    died_at: int


@dataclass(frozen=True, slots=True)
class Past:
    """Operations with their years, work, habits, family.

    Args:
        tobacco: ``never``, ``former`` or ``current``; ``tobacco_years`` since quitting, or of smoking.
        alcohol, drugs: empty where the present illness speaks of them.
    """

    surgeries: tuple[tuple[str, int], ...]
    job: str
    tobacco: str
    tobacco_years: int
    alcohol: str
    drugs: str
    family: tuple[Relative, ...]


def draw_past(
    rng: Random, patient: Patient, conditions: Sequence[Disease], history: Iterable[Finding]
) -> Past:
    """A past that fits age, sex and illnesses."""
    risks = {finding.name for finding in history}
    tobacco = rng.choices(("never", "former", "current"), (6, 3, 1))[0]
    if any(d.name in _SMOKERS for d in conditions):
        tobacco = rng.choice(("former", "current"))
    if patient.age < 18:
        tobacco = "never"
    return Past(
        surgeries=_surgeries(rng, patient, conditions),
        job=rng.choice(_JOBS),
        tobacco=tobacco,
        tobacco_years=rng.randint(2, max(3, min(40, patient.age - 18))),
        alcohol="" if "heavy alcohol use" in risks else rng.choice(("none", "none", "some")),
        drugs="" if "injection drug use" in risks else "none",
        family=_family(rng, patient),
    )


def _surgeries(rng: Random, patient: Patient, conditions: Sequence[Disease]) -> tuple[tuple[str, int], ...]:
    if patient.age < 12:
        return ()
    gone = {_ORGAN_GONE.get(disease.name) for disease in conditions}
    if patient.age < _NEED_UTERUS_UNTIL:
        gone.add("hysterectomy")
    possible = [
        (name, age)
        for name, age, sex in _SURGERIES
        if patient.age > age + 2 and sex in ("", patient.sex) and name not in gone
    ]
    chosen = rng.sample(possible, min(len(possible), rng.choice((0, 0, 1, 1, 2))))
    return tuple((name, patient.birth.year + rng.randint(age, patient.age - 1)) for name, age in chosen)


def _family(rng: Random, patient: Patient) -> tuple[Relative, ...]:
    young = patient.age < 25
    relatives = []
    for relation in rng.sample(_RELATIVES, rng.choice((0, 1, 1, 2))):
        old = "grand" in relation or not young
        disease = rng.choice(_FAMILY if old else _YOUNG_FAMILY)
        died = not young and rng.random() < 0.25
        # A mother's age at death is the usual place of an age over 89.
        age = rng.randint(90, 99) if relation == "mother" else rng.randint(58, 89)
        relatives.append(Relative(relation, disease, age if died else 0))
    return tuple(relatives)

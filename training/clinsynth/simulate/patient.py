"""People who come to the simulated hospital: age, sex, body size, and what identifies them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final

from clinsynth.corpus.note import AGE_BANDS, SEXES, age_band
from clinsynth.simulate import identifiers
from clinsynth.simulate.people import (
    Name,
    draw_city,
    draw_employer,
    draw_name,
    draw_state,
    draw_street,
    draw_zip,
)
from clinsynth.simulate.table import Disease, Table

_AGE_WEIGHTS: Final = (7, 5, 8, 9, 10, 14, 18, 17, 9, 3)
"""Encounters by age band: few children, many of sixty and over."""

_CHILD_AGES: Final = {"newborn": (0.06, 0.2), "infant": (0.12, 0.95), "toddler": (0.6, 4.8)}
"""Flag of a disease -> ages in years at which it strikes."""

ADULT_AGE: Final = 18.0
_FIRST_DAY: Final = date(2012, 1, 9)
_DAYS: Final = 365 * 12


@dataclass(frozen=True, slots=True, repr=False)
class Patient:
    """A person. No ``repr``: it would print who they are.

    Args:
        age_years: exact, so that infants have weeks and months.
        seen: day of the first encounter.
        weight_kg: body weight.
    """

    name: Name
    sex: str
    age_years: float
    birth: date
    seen: date
    weight_kg: float
    street: str
    city: str
    state: str
    zip_code: str
    mrn: str
    phone: str
    employer: str
    relative: Name
    relation: str

    @property
    def age(self) -> int:
        """Age in whole years."""
        return int(self.age_years)

    @property
    def child(self) -> bool:
        """Younger than 18."""
        return self.age_years < ADULT_AGE

    @property
    def age_band(self) -> str:
        """Band of the age, as in the attributes of a note."""
        return age_band(self.age_years)


def draw_patient(rng: Random, table: Table, *, over_89: bool = False) -> tuple[Patient, Disease]:
    """A patient and the disease they come for, which is drawn by its prior given age and sex."""
    sex = rng.choice(SEXES)
    band = len(AGE_BANDS) - 1 if over_89 else rng.choices(range(len(AGE_BANDS)), _AGE_WEIGHTS)[0]
    diseases = tuple(table.diseases.values())
    disease = rng.choices(diseases, [d.prior(band, sex) for d in diseases])[0]
    age_years = _age(rng, band, disease)
    seen = _FIRST_DAY + timedelta(days=rng.randrange(_DAYS))
    relation_sex = rng.choice(SEXES)
    relations = _relations(age_years, relation_sex)
    name = draw_name(rng, sex)
    relative = draw_name(rng, relation_sex)
    if rng.random() < 0.6:
        relative = Name(relative.first, name.last, relative.initial)
    return (
        Patient(
            name=name,
            sex=sex,
            age_years=age_years,
            birth=seen - timedelta(days=int(age_years * 365.25) + 3),
            seen=seen,
            weight_kg=_weight(rng, age_years, sex),
            street=draw_street(rng),
            city=draw_city(rng),
            state=draw_state(rng),
            zip_code=draw_zip(rng),
            mrn=identifiers.mrn(rng),
            phone=identifiers.phone(rng),
            employer=draw_employer(rng),
            relative=relative,
            relation=rng.choice(relations),
        ),
        disease,
    )


def _age(rng: Random, band: int, disease: Disease) -> float:
    for flag, (low, high) in _CHILD_AGES.items():
        if flag in disease.flags:
            return rng.uniform(low, high)
    if "pregnancy" in disease.flags:
        return rng.uniform(max(16.0, band * 10), min(44.9, band * 10 + 9.99))
    if band == len(AGE_BANDS) - 1:
        return 90 + min(rng.expovariate(0.3), 14.0)
    low = max(band * 10, 0.25)
    return rng.uniform(low, band * 10 + 9.99)


def _weight(rng: Random, age_years: float, sex: str) -> float:
    if age_years < 1:
        return round(3.4 + 6.2 * age_years + rng.uniform(-0.4, 0.5), 1)
    if age_years < 13:
        return round((2.3 * age_years + 8.5) * rng.uniform(0.9, 1.15), 1)
    middle = 62 if sex == "female" else 72
    if age_years >= ADULT_AGE:
        middle += 10
    return round(max(40.0, rng.gauss(middle, 13)), 1)


def _relations(age_years: float, sex: str) -> tuple[str, ...]:
    if age_years < ADULT_AGE:
        return ("mother",) if sex == "female" else ("father",)
    if age_years < 45:
        return ("wife", "sister", "mother") if sex == "female" else ("husband", "brother", "father")
    if age_years < 70:
        return ("wife", "daughter", "sister") if sex == "female" else ("husband", "son", "brother")
    return ("daughter", "wife", "niece") if sex == "female" else ("son", "husband", "nephew")

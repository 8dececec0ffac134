"""Vital signs and laboratory values that agree with the findings of a case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from clinsynth.simulate.patient import ADULT_AGE, Patient
from clinsynth.simulate.table import Analyte, Disease, Finding, Table

_CHILD_VITALS: Final = (
    # under this age: heart rate, breaths a minute, systolic pressure
    (1.0, (112, 152), (30, 44), (76, 94)),
    (4.0, (96, 132), (23, 32), (86, 104)),
    (8.0, (82, 112), (19, 26), (92, 110)),
    (13.0, (74, 102), (16, 22), (98, 116)),
    (ADULT_AGE, (66, 96), (13, 19), (104, 124)),
)
_ADULT_VITALS: Final = ((62, 92), (12, 18), (106, 134))
_FEVER: Final = 38.2
"""Degrees from which the heart beats faster."""

BASIC: Final = (
    "WBC",
    "hemoglobin",
    "platelets",
    "sodium",
    "potassium",
    "bicarbonate",
    "BUN",
    "creatinine",
    "glucose",
)
"""Measured in every patient who is ill enough for blood to be drawn."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """Vital signs: degrees Celsius, beats and breaths a minute, mmHg, percent."""

    temperature: float
    heart_rate: int
    respiratory_rate: int
    systolic: int
    diastolic: int
    saturation: int


def draw_vitals(rng: Random, patient: Patient, present: Iterable[Finding], *, hypertensive: bool) -> Vitals:
    """Normal for the age except where a finding says otherwise."""
    heart, breaths, pressure = _normal_vitals(patient.age_years)
    values = {
        "temperature": rng.uniform(36.4, 37.2),
        "heart rate": rng.uniform(*heart),
        "respiratory rate": rng.uniform(*breaths),
        "systolic pressure": rng.uniform(*pressure) + (rng.uniform(6, 18) if hypertensive else 0),
        "oxygen saturation": rng.uniform(96, 99.5),
    }
    for finding in present:
        if finding.test in values and finding.values is not None:
            values[finding.test] = _abnormal_vital(rng, patient, finding)
    if values["temperature"] > _FEVER and values["heart rate"] < heart[1]:
        values["heart rate"] += rng.uniform(8, 20)
    systolic = round(values["systolic pressure"])
    return Vitals(
        temperature=round(values["temperature"], 1),
        heart_rate=round(values["heart rate"]),
        respiratory_rate=round(values["respiratory rate"]),
        systolic=systolic,
        diastolic=round(systolic * rng.uniform(0.54, 0.64)),
        saturation=min(100, round(values["oxygen saturation"])),
    )


def settled_vitals(rng: Random, patient: Patient, *, hypertensive: bool) -> Vitals:
    """Vital signs when the illness has been treated."""
    return draw_vitals(rng, patient, (), hypertensive=hypertensive)


def _normal_vitals(age_years: float) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    for limit, heart, breaths, pressure in _CHILD_VITALS:
        if age_years < limit:
            return heart, breaths, pressure
    return _ADULT_VITALS


def _abnormal_vital(rng: Random, patient: Patient, finding: Finding) -> float:
    assert finding.values is not None
    value = rng.uniform(*finding.values)
    if patient.age_years >= 13 or finding.test in ("temperature", "oxygen saturation"):
        return value
    # The ranges are those of adults: in a child the same finding lies as far outside the child's own range.
    heart, breaths, pressure = _normal_vitals(patient.age_years)
    low, high = {"heart rate": heart, "respiratory rate": breaths, "systolic pressure": pressure}[
        finding.test
    ]
    adult_low, adult_high = dict(
        zip(("heart rate", "respiratory rate", "systolic pressure"), _ADULT_VITALS, strict=True)
    )[finding.test]
    if value > adult_high:
        return high + (value - adult_high) * 0.7 + 5
    return max(low * 0.75, low - (adult_low - value) * 0.6)


def draw_labs(
    rng: Random, table: Table, patient: Patient, principal: Disease, findings: Sequence[Finding]
) -> dict[str, str]:
    """Analyte -> value: those of the findings, and the basic ones in patients who are acutely ill.

    Insertion order is that of the analytes' table, so that panels stay together.
    """
    abnormal = {f.test: f for f in findings if f.kind == "lab"}
    wanted = set(abnormal)
    if principal.acuity == "acute" or len(abnormal) > 1:
        wanted.update(BASIC)
    for link in table.profiles[principal.name]:
        if link.finding.kind == "lab" and link.frequency >= 3 and rng.random() < 0.6:
            wanted.add(link.finding.test)
    values = {}
    for analyte in table.analytes.values():
        if analyte.name not in wanted or analyte.panel == "vital":
            continue
        finding = abnormal.get(analyte.name)
        values[analyte.name] = _value(rng, analyte, finding, patient)
    return values


def normal_value(rng: Random, analyte: Analyte, patient: Patient) -> str:
    """A value in the middle of the person's normal range."""
    return _value(rng, analyte, None, patient)


def _value(rng: Random, analyte: Analyte, finding: Finding | None, patient: Patient) -> str:
    if finding is not None and finding.result:
        return finding.result
    if finding is not None and finding.values is not None:
        low, high = finding.values
        value = rng.uniform(low, high)
        if high >= 8 * low > 0:
            # Over a wide range most values lie low.
            value = low * (high / low) ** rng.random()
    else:
        limits = analyte.normal_range(patient.age_years, patient.sex)
        if limits is None:
            return analyte.normal_text
        low, high = limits
        margin = (high - low) * 0.08
        value = rng.uniform(low + margin, high - margin)
    if value >= 10_000:
        return f"{round(value, -2):,.0f}"
    return f"{value:.{analyte.decimals}f}"


def is_abnormal(analyte: Analyte, value: str, patient: Patient) -> str:
    """``H``, ``L``, ``A`` (not a number, not normal), or nothing."""
    limits = analyte.normal_range(patient.age_years, patient.sex)
    if limits is None:
        return "" if value == analyte.normal_text else "A"
    number = float(value.replace(",", ""))
    if number > limits[1]:
        return "H"
    return "L" if number < limits[0] else ""

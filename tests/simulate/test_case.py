"""Cases make sense: sex, age, doses, vital signs, no contradiction, nothing given that is ruled out."""

from __future__ import annotations

from random import Random

import pytest

from clinsynth.simulate.case import Case, draw_case
from clinsynth.simulate.measures import is_abnormal
from clinsynth.simulate.patient import draw_patient
from clinsynth.simulate.table import Table, load_table

_CASES = 600


@pytest.fixture(scope="module")
def table() -> Table:
    return load_table()


@pytest.fixture(scope="module")
def cases(table: Table) -> list[Case]:
    drawn = []
    for i in range(_CASES):
        rng = Random(f"case {i}")
        patient, principal = draw_patient(rng, table, over_89=i % 40 == 0)
        drawn.append(draw_case(rng, table, patient, principal))
    return drawn


def test_every_condition_fits_the_sex(cases: list[Case]) -> None:
    for case in cases:
        for disease in (case.principal, *case.comorbidities):
            assert disease.sex in ("any", case.patient.sex), disease.name


def test_every_finding_fits_the_person(cases: list[Case]) -> None:
    for case in cases:
        studied = [f for _, found in case.studies for f in found]
        for finding in (*case.symptoms, *case.signs, *case.absent_symptoms, *case.absent_signs, *studied):
            assert finding.fits(case.patient.age_years, case.patient.sex), finding.name


def test_nothing_is_both_there_and_not(cases: list[Case]) -> None:
    for case in cases:
        absent = {f.name for f in (*case.absent_symptoms, *case.absent_signs)}
        assert not absent & case.present


def test_each_analyte_tells_one_story(cases: list[Case]) -> None:
    for case in cases:
        measured = [f.test for f in case.lab_findings]
        assert len(measured) == len(set(measured))


def test_abnormal_results_are_out_of_range_and_others_within(table: Table, cases: list[Case]) -> None:
    for case in cases:
        abnormal = {f.test for f in case.lab_findings}
        for name, value in case.labs.items():
            mark = is_abnormal(table.analytes[name], value, case.patient)
            if name in abnormal and case.patient.age_years >= 13:
                assert mark, (name, value)


def test_vital_signs_agree_with_the_findings(cases: list[Case]) -> None:
    fevers = 0
    for case in cases:
        signs = {f.name for f in (*case.signs, *case.symptoms)}
        if "fever" in signs:
            fevers += 1
            assert case.vitals.temperature >= 38.2
        elif "low-grade fever" not in signs:
            assert case.vitals.temperature <= 37.3
        assert ("hypoxia" in signs) == (case.vitals.saturation < 92)
        assert case.vitals.diastolic < case.vitals.systolic
    assert fevers > 30


def test_doses_are_in_range(cases: list[Case]) -> None:
    checked = 0
    for case in cases:
        for treatment in (*case.home, *case.acute, *case.discharge):
            drug = treatment.drug
            if drug is None:
                continue
            amount = float(treatment.dose.split()[0])
            checked += 1
            if case.patient.age_years >= drug.adult_from_age:
                assert min(drug.doses) <= amount <= max(drug.doses), drug.name
            else:
                assert drug.child_mg_per_kg is not None, drug.name
                assert 0 < amount <= drug.child_max_mg, drug.name
                assert amount <= drug.child_mg_per_kg[1] * case.patient.weight_kg * 1.1 + 0.5, drug.name
    assert checked > 1000


def test_nothing_is_given_that_is_ruled_out(cases: list[Case]) -> None:
    allergic = 0
    for case in cases:
        flags = {flag for d in (case.principal, *case.comorbidities) for flag in d.flags}
        flags |= {a.rules_out for a in case.allergies if a.rules_out} | {case.patient.sex}
        allergic += bool(case.allergies)
        for treatment in (*case.home, *case.acute, *case.discharge):
            if treatment.drug is not None:
                assert not treatment.drug.avoid & flags, treatment.name
                assert treatment.drug.drug_class not in flags, treatment.name
    assert allergic > 50


def test_operations_fit_the_disease(cases: list[Case]) -> None:
    operations = [case for case in cases if case.operation is not None]
    assert len(operations) > 50
    for case in operations:
        assert case.operation is not None
        assert case.principal.name in case.operation.diseases


def test_exacerbations_have_what_they_exacerbate(cases: list[Case]) -> None:
    with_asthma = [
        "asthma" in {d.name for d in case.comorbidities}
        for case in cases
        if case.principal.name == "asthma exacerbation"
    ]
    assert with_asthma
    assert sum(with_asthma) > 0.8 * len(with_asthma)


def test_the_old_come_with_other_diseases_than_the_young(cases: list[Case]) -> None:
    old = {case.principal.name for case in cases if case.patient.age >= 70}
    young = {case.principal.name for case in cases if case.patient.age < 10}
    assert "croup" not in old
    assert "bronchiolitis" not in old
    assert not young & {"hip fracture", "Alzheimer disease", "aortic stenosis", "knee osteoarthritis"}

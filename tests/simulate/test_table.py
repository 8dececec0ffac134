"""The expert table is sound, large enough, and its checker finds what is broken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clinsynth.simulate.check import problems
from clinsynth.simulate.table import Table, load_table


@pytest.fixture(scope="module")
def table() -> Table:
    return load_table()


def test_nothing_is_wrong(table: Table) -> None:
    assert problems(table) == []


def test_it_is_large_enough(table: Table) -> None:
    assert len(table.diseases) >= 60
    assert len(table.findings) >= 400
    assert len({d.specialty for d in table.diseases.values()}) >= 15
    assert sum(p.kind == "operation" for p in table.procedures.values()) >= 20


def test_priors_are_positive_for_the_right_people_only(table: Table) -> None:
    for disease in table.diseases.values():
        for sex in ("female", "male"):
            total = sum(disease.prior(band, sex) for band in range(10))
            assert (total > 0) == (disease.sex in ("any", sex)), disease.name
    for band in range(10):
        for sex in ("female", "male"):
            assert sum(d.prior(band, sex) for d in table.diseases.values()) > 0


@pytest.mark.parametrize(
    ("disease", "sex"),
    [
        ("prostate cancer", "male"),
        ("testicular torsion", "male"),
        ("benign prostatic hyperplasia", "male"),
        ("ovarian cancer", "female"),
        ("ectopic pregnancy", "female"),
        ("endometriosis", "female"),
    ],
)
def test_organs_have_a_sex(table: Table, disease: str, sex: str) -> None:
    assert table.diseases[disease].sex == sex


def test_what_is_implied_is_closed(table: Table) -> None:
    for finding in table.findings.values():
        for implied in finding.implies:
            assert table.findings[implied].implies <= finding.implies


def _with_finding(table: Table, name: str, **changes: object) -> Table:
    return replace(table, findings={**table.findings, name: replace(table.findings[name], **changes)})


def _with_disease(table: Table, name: str, **changes: object) -> Table:
    return replace(table, diseases={**table.diseases, name: replace(table.diseases[name], **changes)})


@pytest.mark.parametrize(
    ("finding", "changes", "expected"),
    [
        ("leukocytosis", {"test": "nonesuch"}, "analyte nonesuch is unknown"),
        ("leukocytosis", {"values": (8.0, 22.0)}, "overlaps the normal range"),
        ("leukocytosis", {"values": (22.0, 12.0)}, "is empty"),
        ("cough", {"phrases": ()}, "has no phrase"),
        ("cough", {"kind": "rumour"}, "kind rumour is unknown"),
        ("cough", {"min_age": 300.0}, "nobody is of an age"),
        ("gallstones", {"group": "spleen of a fish"}, "organ spleen of a fish"),
        ("pallor", {"group": "aura"}, "region aura is unknown"),
    ],
)
def test_a_broken_finding_is_found(
    table: Table, finding: str, changes: dict[str, object], expected: str
) -> None:
    found = problems(_with_finding(table, finding, **changes))
    assert any(finding in line and expected in line for line in found)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"by_age": (1.0,)}, "need ten numbers"),
        ({"incidence": 0.0}, "nowhere positive"),
        ({"sex": "male"}, "contradicts sex"),
        ({"settings": ("castle",)}, "settings are not among"),
        ({"aliases": ("gout",)}, "also names"),
    ],
)
def test_a_broken_disease_is_found(table: Table, changes: dict[str, object], expected: str) -> None:
    found = problems(_with_disease(table, "asthma", **changes))
    assert any(expected in line for line in found)


def test_what_nobody_defines_is_found(table: Table) -> None:
    without_drug = {name: drug for name, drug in table.drugs.items() if name != "lisinopril"}
    assert any("lisinopril is unknown" in line for line in problems(replace(table, drugs=without_drug)))
    without_disease = {name: d for name, d in table.diseases.items() if name != "gout"}
    assert any("gout" in line for line in problems(replace(table, diseases=without_disease)))
    without_profile = {name: p for name, p in table.profiles.items() if name != "gout"}
    assert any(
        "gout: has no profile" in line for line in problems(replace(table, profiles=without_profile))
    )

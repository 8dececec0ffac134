"""What must hold in the expert table. A test asks; so may whoever edits the data."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from clinsynth.corpus.note import SEXES
from clinsynth.simulate.table import AGE_BAND_COUNT, Disease, Finding, Table

_KINDS: Final = ("symptom", "sign", "history", "lab", "imaging")
_PHASES: Final = ("home", "acute", "discharge")
_SETTINGS: Final = ("emergency", "inpatient", "clinic")


def problems(table: Table) -> list[str]:
    """Everything wrong with the table, one line each; empty when it is sound."""
    return [
        *_in_diseases(table),
        *_in_findings(table),
        *_in_profiles(table),
        *_in_measures(table),
        *_in_treatment(table),
    ]


def _in_diseases(table: Table) -> Iterator[str]:
    seen: dict[str, str] = {}
    for disease in table.diseases.values():
        yield from (f"disease {disease.name}: {problem}" for problem in _in_disease(disease))
        if not table.profiles.get(disease.name):
            yield f"disease {disease.name}: has no profile"
        if disease.name not in table.therapies:
            yield f"disease {disease.name}: has no therapy"
        for name in disease.names:
            if seen.setdefault(name.lower(), disease.name) != disease.name:
                yield f"disease {disease.name}: {name} also names {seen[name.lower()]}"
    for pair, factor in table.comorbidity.items():
        yield from (f"comorbidity {pair}: {name} is unknown" for name in pair if name not in table.diseases)
        if factor < 0:
            yield f"comorbidity {pair}: factor {factor} is negative"


def _in_disease(disease: Disease) -> Iterator[str]:
    if len(disease.by_age) != AGE_BAND_COUNT or len(disease.prevalence) not in (0, AGE_BAND_COUNT):
        yield "by_age and prevalence need ten numbers"
        return
    priors = [disease.prior(band, sex) for band in range(AGE_BAND_COUNT) for sex in SEXES]
    if min(priors) < 0 or max(priors) <= 0:
        yield "its prior is nowhere positive, or somewhere negative"
    if disease.sex not in ("any", *SEXES) or not 0 <= disease.female_share <= 1:
        yield "sex or female_share is out of range"
    if {"female": 1.0, "male": 0.0}.get(disease.sex, disease.female_share) != disease.female_share:
        yield "female_share contradicts sex"
    if not disease.settings or set(disease.settings) - set(_SETTINGS):
        yield f"settings are not among {_SETTINGS}"


def _in_findings(table: Table) -> Iterator[str]:
    for finding in table.findings.values():
        yield from (f"finding {finding.name}: {problem}" for problem in _in_finding(finding, table))


def _in_finding(finding: Finding, table: Table) -> Iterator[str]:
    if finding.kind not in _KINDS:
        yield f"kind {finding.kind} is unknown"
    if not finding.phrases:
        yield "has no phrase"
    if finding.min_age >= finding.max_age:
        yield "nobody is of an age to have it"
    if finding.name in finding.implies:
        yield "implies itself"
    if finding.kind == "lab" and finding.test not in table.analytes:
        yield f"analyte {finding.test} is unknown"
    if finding.kind == "imaging":
        study = table.studies.get(finding.test)
        if study is None:
            yield f"study {finding.test} is unknown"
        elif study.department == "radiology" and finding.group not in table.organs.get(study.body, {}):
            yield f"organ {finding.group} of {study.body} is unknown"
    if finding.kind == "sign" and finding.group not in {*table.regions, "vital"}:
        yield f"region {finding.group} is unknown"
    if finding.values is not None:
        yield from _in_values(finding, table)


def _in_values(finding: Finding, table: Table) -> Iterator[str]:
    assert finding.values is not None
    analyte = table.analytes.get(finding.test)
    if analyte is None or analyte.normal is None:
        yield f"has values, but {finding.test} is not measured in numbers"
        return
    low, high = finding.values
    if low > high:
        yield f"its range {low}-{high} is empty"
    elif not (low >= analyte.normal[1] or high <= analyte.normal[0]):
        yield f"its range {low}-{high} overlaps the normal range of {analyte.name}"


def _in_profiles(table: Table) -> Iterator[str]:
    used = set()
    for name, links in table.profiles.items():
        if name not in table.diseases:
            yield f"profile {name}: disease is unknown"
            continue
        names = [link.finding.name for link in links]
        used.update(names)
        if len(names) != len(set(names)):
            yield f"profile {name}: a finding stands twice"
        if not any(link.frequency >= 4 for link in links):
            yield f"profile {name}: no finding is common"
        for link in links:
            if not (1 <= link.frequency <= 5 and 0 <= link.evoking <= 5):
                yield f"profile {name}: {link.finding.name} has a class out of range"
            sex = table.diseases[name].sex
            if link.finding.sex and sex not in ("any", link.finding.sex):
                yield f"profile {name}: {link.finding.name} is for the other sex"
    for implied in table.findings.values():
        used |= implied.implies
    yield from (f"finding {name}: stands in no profile" for name in table.findings if name not in used)


def _in_measures(table: Table) -> Iterator[str]:
    for analyte in table.analytes.values():
        for limits in (analyte.normal, analyte.female, analyte.child):
            if limits is not None and not limits[0] < limits[1]:
                yield f"analyte {analyte.name}: range {limits} is empty"
        if (analyte.normal is None) == (not analyte.normal_text):
            yield f"analyte {analyte.name}: needs a normal range or a normal text, not both"
    for study in table.studies.values():
        if not study.names or not study.techniques:
            yield f"study {study.name}: needs a name and a technique"
        if study.department == "radiology" and study.body not in table.organs:
            yield f"study {study.name}: no organs are known for {study.body}"


def _in_treatment(table: Table) -> Iterator[str]:
    used: set[str] = set()
    for therapies in table.therapies.values():
        for therapy in therapies:
            place = f"therapy of {therapy.disease}"
            if therapy.disease not in table.diseases or therapy.phase not in _PHASES:
                yield f"{place}: disease or phase {therapy.phase} is unknown"
            if not 0 < therapy.probability <= 1 or not therapy.options:
                yield f"{place}: needs options and a probability in (0, 1]"
            names = [name for option in therapy.options for name in option]
            used.update(names)
            known = (*table.drugs, *table.procedures)
            yield from (f"{place}: {name} is unknown" for name in names if name not in known)
    for drug in table.drugs.values():
        if drug.name not in used:
            yield f"drug {drug.name}: has no indication"
        if not drug.doses or min(drug.doses) <= 0 or any(a >= b for a, b in pairwise(drug.doses)):
            yield f"drug {drug.name}: doses must be positive and rise"
        if drug.child_mg_per_kg is not None and drug.child_max_mg <= 0:
            yield f"drug {drug.name}: a child's dose needs a ceiling"
        if not drug.routes or not drug.frequencies:
            yield f"drug {drug.name}: needs a route and a frequency"
    for procedure in table.procedures.values():
        for name, probability in procedure.diseases.items():
            if name not in table.diseases or not 0 < probability <= 1:
                yield f"procedure {procedure.name}: disease {name} or its probability is wrong"
        if procedure.kind == "operation" and not (procedure.steps and procedure.findings):
            yield f"procedure {procedure.name}: an operation needs steps and findings"

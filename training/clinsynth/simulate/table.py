"""The expert table: diseases, findings, and how often and how strongly one speaks for the other.

In the manner of INTERNIST-I and QMR: a disease profile lists findings with a *frequency* (how often
patients with the disease have it, 1 rare to 5 nearly always) and an *evoking strength* (how strongly the
finding brings the disease to mind, 0 not at all to 5 pathognomonic). Around it stand analytes with normal
ranges, imaging studies, drugs with doses, therapies, procedures and links between comorbidities. The data
lie as tab-separated files in ``data/``: edit them in a spreadsheet, then run the tests, which call
``check.problems``.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final

from clinsynth.errors import DataError

FREQUENCY: Final[Mapping[int, float]] = {1: 0.05, 2: 0.2, 3: 0.5, 4: 0.8, 5: 0.98}
"""Frequency class of a profile -> probability that a patient with the disease has the finding."""

AGE_BAND_COUNT: Final = 10


@dataclass(frozen=True, slots=True)
class Disease:
    """A disease as a reason for care, and how common it is.

    Args:
        settings: ``emergency``, ``inpatient``, ``clinic``: where such patients are seen. chapter:
            ICD-10-like chapter. sex: ``any``, ``female`` or ``male``. incidence: relative weight as the
            reason for an encounter. by_age: relative weight for each of the ten age bands. female_share:
            share of women among patients, 0 to 1. prevalence: percent of people in each age band who live
            with it, empty when it is no chronic background.
        flags: what treatment must respect (``pregnancy``, ``bleeding``, ``kidney``, ...), and ``newborn``,
            ``infant`` or ``toddler`` for diseases of one age.
    """

    name: str
    specialty: str
    acuity: str
    settings: tuple[str, ...]
    chapter: str
    sex: str
    incidence: float
    by_age: tuple[float, ...]
    female_share: float
    prevalence: tuple[float, ...]
    aliases: tuple[str, ...]
    abbreviations: tuple[str, ...]
    flags: frozenset[str]

    @property
    def names(self) -> tuple[str, ...]:
        """Every way a note may write it, the canonical name first."""
        return (self.name, *self.aliases, *self.abbreviations)

    def prior(self, band: int, sex: str) -> float:
        """Relative probability that a patient of this age band (0 to 9) and sex comes for this disease."""
        share = self.female_share if sex == "female" else 1 - self.female_share
        return self.incidence * self.by_age[band] * share

    def background(self, band: int, sex: str) -> float:
        """Probability that a person of this age band and sex lives with it."""
        if not self.prevalence or self.sex not in ("any", sex):
            return 0.0
        share = self.female_share if sex == "female" else 1 - self.female_share
        factor = 1.0 if self.sex != "any" else 2 * share
        return min(0.9, self.prevalence[band] / 100 * factor)


@dataclass(frozen=True, slots=True)
class Finding:
    """A symptom, sign, part of the history, laboratory result or result of a study.

    Args:
        kind: ``symptom``, ``sign``, ``history``, ``lab`` or ``imaging``.
        group: organ system, region of the examination, or organ of the report.
        phrases: noun phrases that name it; ``{side}`` and the like are filled in by the writer.
        test: analyte (labs, vital signs) or study (imaging) that shows it.
        values: range of the measured value, when it is a number.
        result: text of the result, when it is not.
        implies: findings that are present whenever this one is, closed under implication.
    """

    name: str
    kind: str
    group: str
    phrases: tuple[str, ...]
    abbreviations: tuple[str, ...]
    test: str
    values: tuple[float, float] | None
    result: str
    implies: frozenset[str]
    min_age: float
    max_age: float
    sex: str

    def fits(self, age_years: float, sex: str) -> bool:
        """Whether a person of this age and sex can have it, and say so."""
        return self.min_age <= age_years <= self.max_age and self.sex in ("", sex)


@dataclass(frozen=True, slots=True)
class Link:
    """A line of a disease profile."""

    finding: Finding
    frequency: int
    evoking: int


@dataclass(frozen=True, slots=True)
class Analyte:
    """Something measured, with its unit and normal range; ``normal_text`` where the result is words."""

    name: str
    names: tuple[str, ...]
    abbreviations: tuple[str, ...]
    unit: str
    normal: tuple[float, float] | None
    decimals: int
    panel: str
    female: tuple[float, float] | None
    child: tuple[float, float] | None
    normal_text: str

    def normal_range(self, age_years: float, sex: str) -> tuple[float, float] | None:
        """Limits for a person; None where the result is words."""
        if age_years < 13 and self.child is not None:
            return self.child
        return self.female if sex == "female" and self.female is not None else self.normal


@dataclass(frozen=True, slots=True)
class Study:
    """An imaging or other study; radiology reports exist for those of the department of radiology."""

    name: str
    names: tuple[str, ...]
    abbreviations: tuple[str, ...]
    department: str
    techniques: tuple[str, ...]
    body: str


@dataclass(frozen=True, slots=True)
class Drug:
    """A drug with the adult doses in use.

    Args:
        doses: amounts in ``unit``; the smallest and largest bound the range.
        child_mg_per_kg: single dose by weight, None where children are not given it.
        child_max_mg: ceiling of a child's dose.
        adult_from_age: youngest age in years that takes an adult dose.
        avoid: flags, drug classes of allergies and sexes that rule it out.
    """

    name: str
    drug_class: str
    doses: tuple[float, ...]
    unit: str
    routes: tuple[str, ...]
    frequencies: tuple[str, ...]
    form: str
    brands: tuple[str, ...]
    child_mg_per_kg: tuple[float, float] | None
    child_max_mg: float
    adult_from_age: float
    avoid: frozenset[str]


@dataclass(frozen=True, slots=True)
class Therapy:
    """What is given for a disease in a phase (``home``, ``acute``, ``discharge``): one of the options."""

    disease: str
    phase: str
    probability: float
    options: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Procedure:
    """An ``operation`` (steps and findings in markup), a ``bedside`` procedure or ``supportive`` care."""

    name: str
    kind: str
    aliases: tuple[str, ...]
    abbreviations: tuple[str, ...]
    specialty: str
    diseases: Mapping[str, float]
    anesthesia: tuple[str, ...]
    steps: tuple[str, ...]
    findings: tuple[str, ...]
    specimens: tuple[str, ...]
    blood_loss_ml: tuple[int, int]
    complications: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """The whole table, keyed by name, and the indexes that sampling asks."""

    diseases: Mapping[str, Disease]
    findings: Mapping[str, Finding]
    profiles: Mapping[str, tuple[Link, ...]]
    analytes: Mapping[str, Analyte]
    studies: Mapping[str, Study]
    drugs: Mapping[str, Drug]
    therapies: Mapping[str, tuple[Therapy, ...]]
    procedures: Mapping[str, Procedure]
    comorbidity: Mapping[tuple[str, str], float]
    regions: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]]
    organs: Mapping[str, Mapping[str, tuple[str, ...]]]
    evoked: Mapping[str, tuple[tuple[str, int], ...]]


@functools.cache
def load_table() -> Table:
    """The table that ships with the package; read once a process.

    Raises:
        DataError: a row that cannot be read; the message names file and line.
    """
    findings = _closed({row["finding"]: _finding(row) for row in _rows("findings.tsv")})
    profiles: dict[str, list[Link]] = {}
    for row in _rows("profiles.tsv"):
        link = Link(findings[row["finding"]], int(row["frequency"]), int(row["evoking"]))
        profiles.setdefault(row["disease"], []).append(link)
    evoked: dict[str, list[tuple[str, int]]] = {}
    for disease, links in profiles.items():
        for link in links:
            if link.evoking:
                evoked.setdefault(link.finding.name, []).append((disease, link.evoking))
    therapies: dict[str, list[Therapy]] = {}
    for row in _rows("therapies.tsv"):
        therapies.setdefault(row["disease"], []).append(_therapy(row))
    organs: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in _rows("organs.tsv"):
        organs.setdefault(row["body"], {})[row["organ"]] = _several(row["normal"])
    return Table(
        diseases={row["disease"]: _disease(row) for row in _rows("diseases.tsv")},
        findings=findings,
        profiles={name: tuple(links) for name, links in profiles.items()},
        analytes={row["analyte"]: _analyte(row) for row in _rows("analytes.tsv")},
        studies={row["study"]: _study(row) for row in _rows("studies.tsv")},
        drugs={row["drug"]: _drug(row) for row in _rows("drugs.tsv")},
        therapies={name: tuple(rows) for name, rows in therapies.items()},
        procedures={row["procedure"]: _procedure(row) for row in _rows("procedures.tsv")},
        comorbidity={
            (row["disease"], row["comorbidity"]): float(row["factor"]) for row in _rows("comorbidities.tsv")
        },
        regions={
            row["region"]: (_several(row["headings"]), _several(row["normal"]), _several(row["brief"]))
            for row in _rows("regions.tsv")
        },
        organs=organs,
        evoked={name: tuple(pairs) for name, pairs in evoked.items()},
    )


def _rows(name: str) -> Iterator[dict[str, str]]:
    source = resources.files("clinsynth.simulate") / "data" / name
    with source.open(encoding="utf-8") as stream:
        for number, row in enumerate(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE), 2):
            if None in row or None in row.values():
                raise DataError.at(name, number, "the row has another number of columns than the heading")
            yield row


def _several(cell: str, separator: str = ";") -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(separator) if part.strip())


def _numbers(cell: str) -> tuple[float, ...]:
    return tuple(float(part) for part in cell.replace(";", " ").split())


def _range(cell: str) -> tuple[float, float] | None:
    if not cell:
        return None
    low, _, high = cell.partition("-")
    return float(low), float(high)


def _disease(row: Mapping[str, str]) -> Disease:
    return Disease(
        name=row["disease"],
        specialty=row["specialty"],
        acuity=row["acuity"],
        settings=tuple(row["settings"].split()),
        chapter=row["chapter"],
        sex=row["sex"],
        incidence=float(row["incidence"]),
        by_age=_numbers(row["by_age"]),
        female_share=float(row["female_share"]),
        prevalence=_numbers(row["prevalence"]),
        aliases=_several(row["aliases"]),
        abbreviations=_several(row["abbreviations"]),
        flags=frozenset(row["flags"].split()),
    )


def _finding(row: Mapping[str, str]) -> Finding:
    value = row["value"]
    return Finding(
        name=row["finding"],
        kind=row["kind"],
        group=row["group"],
        phrases=_several(row["phrases"]),
        abbreviations=_several(row["abbreviations"]),
        test=row["test"],
        values=None if value.startswith("=") else _range(value),
        result=value[1:] if value.startswith("=") else "",
        implies=frozenset(_several(row["implies"])),
        min_age=float(row["min_age"] or 0),
        max_age=float(row["max_age"] or 200),
        sex=row["sex"],
    )


def _closed(findings: dict[str, Finding]) -> dict[str, Finding]:
    """Adds what is implied by what is implied."""

    def reach(name: str) -> frozenset[str]:
        direct = findings[name].implies
        return direct.union(*(reach(other) for other in direct))

    fields = Finding.__slots__
    closed = {}
    for name, finding in findings.items():
        values = {field: getattr(finding, field) for field in fields}
        closed[name] = Finding(**{**values, "implies": reach(name)})
    return closed


def _analyte(row: Mapping[str, str]) -> Analyte:
    return Analyte(
        name=row["analyte"],
        names=_several(row["names"]),
        abbreviations=_several(row["abbreviations"]),
        unit=row["unit"],
        normal=(float(row["low"]), float(row["high"])) if row["low"] else None,
        decimals=int(row["decimals"]),
        panel=row["panel"],
        female=_range(row["female_range"]),
        child=_range(row["child_range"]),
        normal_text=row["normal_text"],
    )


def _study(row: Mapping[str, str]) -> Study:
    return Study(
        name=row["study"],
        names=_several(row["names"]),
        abbreviations=_several(row["abbreviations"]),
        department=row["department"],
        techniques=_several(row["techniques"]),
        body=row["body"],
    )


def _drug(row: Mapping[str, str]) -> Drug:
    return Drug(
        name=row["drug"],
        drug_class=row["class"],
        doses=_numbers(row["doses"]),
        unit=row["unit"],
        routes=_several(row["routes"]),
        frequencies=_several(row["frequencies"]),
        form=row["form"],
        brands=_several(row["brands"]),
        child_mg_per_kg=_range(row["children_mg_per_kg"]),
        child_max_mg=float(row["children_max_mg"] or 0),
        adult_from_age=float(row["adult_from_age"]),
        avoid=frozenset(row["avoid"].split()),
    )


def _therapy(row: Mapping[str, str]) -> Therapy:
    options = tuple(_several(option, "+") for option in _several(row["options"]))
    return Therapy(row["disease"], row["phase"], float(row["probability"]), options)


def _procedure(row: Mapping[str, str]) -> Procedure:
    diseases = {}
    for pair in _several(row["diseases"]):
        name, _, probability = pair.rpartition(" ")
        diseases[name] = float(probability)
    low, _, high = (row["blood_loss_ml"] or "0-0").partition("-")
    return Procedure(
        name=row["procedure"],
        kind=row["kind"],
        aliases=_several(row["aliases"]),
        abbreviations=_several(row["abbreviations"]),
        specialty=row["specialty"],
        diseases=diseases,
        anesthesia=_several(row["anesthesia"]),
        steps=_several(row["steps"]),
        findings=_several(row["findings"]),
        specimens=_several(row["specimens"]),
        blood_loss_ml=(int(low), int(high)),
        complications=_several(row["complications"]),
    )

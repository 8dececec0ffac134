"""A case: what a patient has, what was found and what was not, and what was done about it.

Findings are drawn by their frequency in the profile of the principal disease; what would contradict a
present finding is never reported absent. Pertinent negatives come from the profile and from the rivals that
the present findings evoke, scored by evoking strength as INTERNIST-I did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from clinsynth.corpus.note import AGE_BANDS
from clinsynth.simulate.measures import Vitals, draw_labs, draw_vitals
from clinsynth.simulate.past import Past, draw_past
from clinsynth.simulate.patient import Patient
from clinsynth.simulate.table import FREQUENCY, Disease, Finding, Link, Procedure, Table
from clinsynth.simulate.treatment import Allergy, Treatment, draw_allergies, draw_therapy

_MOST_COMORBIDITIES: Final = 4
_MOST_STUDIES: Final = 3
_SPECIFIC: Final = ("imaging", "sign", "history")
"""Kinds of findings whose phrases differ in substance: where a fracture lies, what was eaten."""
_RIVALS: Final = 3
_STAYS: Final = (1, 2, 2, 3, 3, 4, 5, 6, 8)
_SHORT_STAYS: Final = (1, 1, 2)
_QUICK: Final = ("emergency medicine", "pediatrics", "otolaryngology", "ophthalmology", "urology")
_TELLING: Final = 2
"""Evoking strength from which a finding speaks for a disease at all."""
_LEAST_SCORE: Final = 4
_UNCONTROLLED: Final = {"CBC": 0.7, "BMP": 0.9, "lipids": 0.4, "endocrine": 0.5}
"""Panel -> chance that a comorbidity shows in it."""
_SAME_ILLNESS: Final = 20.0
"""A comorbidity factor from which two names mean one illness (an exacerbation and what is exacerbated)."""


@dataclass(frozen=True, slots=True, repr=False)
class Case:
    """One illness of one patient.

    Args:
        symptoms, history, signs: present, most frequent of the disease first.
        absent_symptoms, absent_signs: asked or looked for and not there.
        lab_findings, studies: abnormal results; studies by study, in the order they were done.
        labs: analyte -> measured value, as text, on the first day.
        rivals: other diseases that the findings bring to mind.
        home, acute, discharge: treatments by phase; ``home`` also carries whom each is for.
        side: the side of the body that has it; ``size`` of a mass, of a ``stone``.
        wording: finding -> the one phrase for it, where another would say something else.
        gestation_weeks: 0 outside pregnancy.
        days_ill: days of symptoms before the first encounter.
        days_in: days in hospital.
    """

    patient: Patient
    principal: Disease
    comorbidities: tuple[Disease, ...]
    past: Past
    symptoms: tuple[Finding, ...]
    history: tuple[Finding, ...]
    signs: tuple[Finding, ...]
    lab_findings: tuple[Finding, ...]
    studies: tuple[tuple[str, tuple[Finding, ...]], ...]
    absent_symptoms: tuple[Finding, ...]
    absent_signs: tuple[Finding, ...]
    rivals: tuple[Disease, ...]
    vitals: Vitals
    labs: dict[str, str]
    allergies: tuple[Allergy, ...]
    home: tuple[Treatment, ...]
    acute: tuple[Treatment, ...]
    discharge: tuple[Treatment, ...]
    operation: Procedure | None
    bedside: Procedure | None
    side: str
    size: str
    stone: str
    wording: Mapping[str, str]
    gestation_weeks: int
    days_ill: int
    days_in: int

    @property
    def present(self) -> frozenset[str]:
        """Names of everything present, with what it implies."""
        findings = (*self.symptoms, *self.history, *self.signs, *self.lab_findings)
        return _with_implied([*findings, *(f for _, group in self.studies for f in group)])


def draw_case(rng: Random, table: Table, patient: Patient, principal: Disease) -> Case:
    """A case of ``principal`` in ``patient``."""
    comorbidities = _draw_comorbidities(rng, table, patient, principal)
    if "obesity" in {principal.name, *(d.name for d in comorbidities)}:
        patient = replace(patient, weight_kg=round(patient.weight_kg * rng.uniform(1.3, 1.65), 1))
    present, absent = _draw_findings(rng, table.profiles[principal.name], patient)
    rivals = _rivals(table, patient, principal, comorbidities, present)
    seen = _with_implied(present)
    # What a comorbidity commonly brings is not denied either: it may well be there.
    usual = {
        link.finding.name for d in comorbidities for link in table.profiles[d.name] if link.frequency >= 3
    }
    absent_symptoms, absent_signs = _negatives(rng, table, patient, rivals, absent, seen | usual)
    labs_of_others = _background_labs(rng, table, patient, comorbidities, present)
    lab_findings = tuple(f for f in present if f.kind == "lab")
    conditions = (principal, *comorbidities)
    allergies = draw_allergies(rng, patient)
    home: dict[str, Treatment] = {}
    for disease in conditions:
        for treatment in draw_therapy(rng, table, patient, disease, "home", conditions, allergies):
            home.setdefault(treatment.kind, treatment)
    acute = draw_therapy(rng, table, patient, principal, "acute", conditions, allergies)
    discharge = draw_therapy(rng, table, patient, principal, "discharge", conditions, allergies)
    known = {t.name: t for t in home.values()}
    return Case(
        patient=patient,
        principal=principal,
        comorbidities=comorbidities,
        past=draw_past(rng, patient, conditions, (f for f in present if f.kind == "history")),
        symptoms=tuple(f for f in present if f.kind == "symptom"),
        history=tuple(f for f in present if f.kind == "history"),
        signs=tuple(f for f in present if f.kind == "sign"),
        lab_findings=lab_findings,
        studies=_studies(present),
        absent_symptoms=absent_symptoms,
        absent_signs=absent_signs,
        rivals=rivals,
        vitals=draw_vitals(
            rng, patient, present, hypertensive="hypertension" in {d.name for d in conditions}
        ),
        labs=draw_labs(rng, table, patient, principal, (*lab_findings, *labs_of_others)),
        allergies=allergies,
        home=tuple(home.values()),
        acute=acute,
        # What the patient takes already goes on at the dose they take.
        discharge=tuple(known.get(t.name, t) for t in discharge),
        operation=_draw_procedure(rng, table, principal, "operation", patient),
        bedside=_draw_procedure(rng, table, principal, "bedside", patient),
        side=rng.choice(("left", "right")),
        size=f"{rng.randint(14, 58) / 10:.1f} cm",
        stone=f"{rng.randint(3, 9)} mm",
        wording={f.name: rng.choice(f.phrases) for f in present if f.kind in _SPECIFIC},
        gestation_weeks=_gestation(rng, principal),
        days_ill=_days_ill(rng, principal),
        days_in=rng.choice(_SHORT_STAYS if principal.specialty in _QUICK else _STAYS),
    )


def _draw_comorbidities(
    rng: Random, table: Table, patient: Patient, principal: Disease
) -> tuple[Disease, ...]:
    band = AGE_BANDS.index(patient.age_band)
    chosen: list[Disease] = []
    candidates = [d for d in table.diseases.values() if d.prevalence and d.name != principal.name]
    rng.shuffle(candidates)
    # Strongly linked ones first: an exacerbation needs the disease that it is an exacerbation of.
    candidates.sort(key=lambda d: -table.comorbidity.get((principal.name, d.name), 1.0))
    for disease in candidates:
        others = (principal, *chosen)
        factor = table.comorbidity.get((principal.name, disease.name), 1.0)
        probability = min(0.97, disease.background(band, patient.sex) * factor)
        if rng.random() < probability and all(_compatible(table, disease, other) for other in others):
            chosen.append(disease)
        if len(chosen) == _MOST_COMORBIDITIES:
            break
    return tuple(chosen)


def _compatible(table: Table, one: Disease, other: Disease) -> bool:
    pairs = ((one.name, other.name), (other.name, one.name))
    return all(table.comorbidity.get(pair, 1.0) > 0 for pair in pairs)


def _draw_findings(
    rng: Random, profile: Sequence[Link], patient: Patient
) -> tuple[list[Finding], list[Finding]]:
    """Present findings and those of the profile that are absent."""
    present: list[Finding] = []
    absent: list[Finding] = []
    measured: set[str] = set()
    for link in sorted(profile, key=lambda link: -link.frequency):
        finding = link.finding
        if not finding.fits(patient.age_years, patient.sex):
            continue
        is_measure = finding.values is not None or bool(finding.result)
        if rng.random() < FREQUENCY[link.frequency] and not (is_measure and finding.test in measured):
            present.append(finding)
            if is_measure:
                measured.add(finding.test)
        elif finding.kind in ("symptom", "sign"):
            absent.append(finding)
    if not any(f.kind == "symptom" for f in present):
        present.extend(
            link.finding
            for link in profile
            if link.finding.kind == "symptom" and link.finding.fits(patient.age_years, patient.sex)
        )
        absent = [f for f in absent if f.kind != "symptom"]
    return present, absent


def _with_implied(findings: Iterable[Finding]) -> frozenset[str]:
    names: set[str] = set()
    for finding in findings:
        names.add(finding.name)
        names |= finding.implies
    return frozenset(names)


def _rivals(
    table: Table,
    patient: Patient,
    principal: Disease,
    comorbidities: Sequence[Disease],
    present: list[Finding],
) -> tuple[Disease, ...]:
    scores: dict[str, int] = {}
    for finding in present:
        if finding.kind in ("symptom", "sign"):
            for name, evoking in table.evoked.get(finding.name, ()):
                if evoking >= _TELLING:
                    scores[name] = scores.get(name, 0) + evoking
    band = AGE_BANDS.index(patient.age_band)
    taken = {principal.name, *(d.name for d in comorbidities)}
    rivals = []
    for name, score in sorted(scores.items(), key=lambda pair: (-pair[1], pair[0])):
        disease = table.diseases[name]
        if score < _LEAST_SCORE:
            break
        linked = table.comorbidity.get((principal.name, name), 1.0) >= _SAME_ILLNESS
        reverse = table.comorbidity.get((name, principal.name), 1.0) >= _SAME_ILLNESS
        if name in taken or linked or reverse or disease.prior(band, patient.sex) <= 0.5:
            continue
        if disease.acuity != principal.acuity or _shares_words(disease, principal):
            continue
        if disease.flags & {"newborn", "infant", "toddler"} and patient.age_years > 5:
            continue
        rivals.append(disease)
        if len(rivals) == _RIVALS:
            break
    return tuple(rivals)


def _shares_words(one: Disease, other: Disease) -> bool:
    """Whether two names speak of one thing: pneumonia is no alternative to COVID-19 pneumonia."""
    short = {"acute", "disease", "due", "to", "of", "syndrome", "chronic", "primary", "infection"}
    return bool((set(one.name.lower().split()) & set(other.name.lower().split())) - short)


def _negatives(
    rng: Random,
    table: Table,
    patient: Patient,
    rivals: Sequence[Disease],
    absent: list[Finding],
    seen: frozenset[str],
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Symptoms and signs that are absent: of the disease itself, and common ones of its rivals."""
    candidates = list(absent)
    for rival in rivals:
        for link in table.profiles[rival.name]:
            if (
                link.frequency >= 3
                and link.evoking >= _TELLING
                and link.finding.kind in ("symptom", "sign")
            ):
                candidates.append(link.finding)  # noqa: PERF401 - reads better than three nested clauses
    chosen: dict[str, Finding] = {}
    for finding in candidates:
        ruled_out = finding.name in seen or finding.name in chosen
        # Denying chest pain denies every kind of it; so what is denied may not be implied by what is
        # present, and one denial is enough for a family.
        family = finding.implies | {finding.name}
        overlaps = any(family & (other.implies | {other.name}) for other in chosen.values())
        if not ruled_out and not overlaps and finding.fits(patient.age_years, patient.sex):
            chosen[finding.name] = finding
    kept = list(chosen.values())
    rng.shuffle(kept)
    return (
        tuple(f for f in kept if f.kind == "symptom")[:8],
        tuple(f for f in kept if f.kind == "sign" and f.group != "vital")[:8],
    )


def _background_labs(
    rng: Random, table: Table, patient: Patient, comorbidities: Sequence[Disease], present: list[Finding]
) -> tuple[Finding, ...]:
    """Lab findings that comorbidities often bring, where the illness has none of that analyte."""
    measured = {f.test for f in present if f.kind == "lab"}
    found = []
    for disease in comorbidities:
        for link in table.profiles[disease.name]:
            finding = link.finding
            if finding.kind != "lab" or link.frequency < 4 or finding.test in measured:
                continue
            # Many are treated, and so under control; failing kidneys and anemia mostly show.
            chance = _UNCONTROLLED.get(table.analytes[finding.test].panel, 0.0)
            if rng.random() < chance and finding.fits(patient.age_years, patient.sex):
                found.append(finding)
                measured.add(finding.test)
    return tuple(found)


def _studies(present: Sequence[Finding]) -> tuple[tuple[str, tuple[Finding, ...]], ...]:
    by_study: dict[str, list[Finding]] = {}
    for finding in present:
        if finding.kind == "imaging":
            by_study.setdefault(finding.test, []).append(finding)
    return tuple((study, tuple(found)) for study, found in list(by_study.items())[:_MOST_STUDIES])


def _draw_procedure(
    rng: Random, table: Table, principal: Disease, kind: str, patient: Patient
) -> Procedure | None:
    candidates = [p for p in table.procedures.values() if p.kind == kind and principal.name in p.diseases]
    rng.shuffle(candidates)
    # A hernia or fibroid operation in a toddler or a patient of ninety is left to the specialists.
    for procedure in candidates:
        frail = patient.age_years >= 90 and procedure.diseases[principal.name] < 0.6
        if not frail and rng.random() < procedure.diseases[principal.name]:
            return procedure
    return None


def _gestation(rng: Random, principal: Disease) -> int:
    if "third-trimester" in principal.flags:
        return rng.randint(29, 38)
    return rng.randint(6, 10) if "pregnancy" in principal.flags else 0


def _days_ill(rng: Random, principal: Disease) -> int:
    if "sudden" in principal.flags:
        return 0
    if principal.acuity == "acute":
        return rng.choice((0, 1, 1, 1, 2, 2, 3, 3, 4, 5, 7))
    if principal.acuity == "subacute":
        return rng.choice((7, 10, 14, 14, 21, 28, 42, 60, 90))
    return rng.choice((30, 60, 90, 120, 180, 365, 730))

"""What the author thinks and plans: assessment, plan, course, instructions, follow-up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from clinsynth.simulate.context import Context
from clinsynth.simulate.people import Name
from clinsynth.simulate.phrase import TREATMENT, Phrase, capitalised, chained, joined, plain
from clinsynth.simulate.plants import PLAN
from clinsynth.simulate.results import all_studies, lab_sentence
from clinsynth.simulate.table import Disease, Finding
from clinsynth.simulate.treatment import Treatment

_SUMMARIES: Final = (
    "{age} {person}{history} with {findings}, most consistent with {disease}",
    "presentation is most consistent with {disease} given {findings}",
    "{findings} in this {age} {person} point to {disease}",
    "in summary, this is {aged} {person}{history} admitted for {disease}",
    "{disease}, supported by {findings}",
    "the picture of {findings} fits {disease}",
    "{name} has {disease} with {findings}",
    "overall impression is {disease}",
)
_SUMMARIES_BARE: Final = (
    "overall impression is {disease}",
    "{age} {person}{history} with {disease}",
    "assessment: {disease}",
)
_STARTED: Final = (
    "started on {x}",
    "will treat with {x}",
    "{x} started",
    "plan {x}",
    "continue {x}",
    "begin {x}",
    "treat with {x}",
    "given {x}",
)
_DIFFERENTIAL: Final = (
    "differential includes {x}",
    "less likely {x}",
    "{x} considered but felt to be less likely",
    "also on the differential: {x}",
    "{x} is less likely given the findings",
    "alternative considerations include {x}",
)
_MONITORING: Final = (
    "trend {tests}",
    "repeat {tests} in the morning",
    "follow up {tests}",
    "check {tests} daily",
    "monitor {tests}",
    "recheck {tests} on {day}",
)
_GENERAL: Final = (
    "regular diet as tolerated",
    "pain control as needed",
    "out of bed with assistance",
    "{P:DVT} prophylaxis with {prophylaxis}",
    "full code, discussed with {relative}",
    "code status: full",
    "discussed with {relative}, who agrees with the plan",
    "case management to assist with disposition",
    "plan reviewed with {doctor}",
    "monitor intake and output",
    "fall precautions",
    "disposition pending clinical improvement",
)


def write_assessment(context: Context, *, treatments: Sequence[Treatment]) -> None:
    """Assessment and plan: a summary, then a numbered or running list of problems."""
    context.heading("assessment")
    note = context.note
    note.sentence(summary(context))
    if context.case.rivals and context.chance(0.6):
        note.sentence(_differential(context))
    blocks = [_principal_plan(context, treatments), *_comorbid_plans(context)]
    if context.chance(0.65):
        note.end_line()
        bullet = context.style.bullet or "# "
        for number, (disease, sentences) in enumerate(blocks, 1):
            note.text(bullet.replace("1", str(number)))
            joint = context.pick(": ", " - ", ": ", ". ")
            note.add(chained(capitalised(disease), joint))
            for phrase in sentences:
                note.sentence(phrase)
            note.end_line()
    else:
        for disease, sentences in blocks[1:]:
            note.sentence(
                context.say_one(
                    ("regarding {d}, {x}", "{d}: {x}", "for {d}, {x}"),
                    d=disease,
                    x=sentences[0] if sentences else "no change",
                )
            )
        for phrase in blocks[0][1]:
            note.sentence(phrase)
    write_plan_extras(context)
    context.close()


def write_plan_extras(context: Context, *, at_most: int = 2) -> None:
    """General measures, and the identifiers planted in the plan."""
    for phrase in _general(context)[: context.rng.randint(0, at_most)]:
        context.note.sentence(phrase)
    for phrase in context.take_plants(PLAN):
        context.note.sentence(phrase)


def summary(context: Context) -> Phrase:
    """The case in one sentence, with the diagnosis under its canonical name."""
    case = context.case
    support = _support(context)
    disease = context.disease(case.principal, canonical=True)
    options: tuple[str, ...] = _SUMMARIES if support else _SUMMARIES_BARE
    if not context.in_hospital:
        options = tuple(template for template in options if "admitted" not in template)
    history = joined([context.disease(d) for d in case.comorbidities[:2]])
    return context.say_one(
        options,
        age=context.age(),
        aged=context.aged(),
        person=context.person(),
        history=chained(" with ", history) if history and context.chance(0.5) else "",
        findings=context.findings(support),
        disease=disease,
        name=context.called(),
    )


def _support(context: Context) -> Sequence[Finding]:
    """The findings that speak loudest: strong ones of the profile that are present."""
    case = context.case
    evoking = {link.finding.name: link.evoking for link in context.table.profiles[case.principal.name]}
    present = [*case.symptoms, *case.signs, *case.lab_findings]
    present += [f for _, found in case.studies for f in found]
    strong = sorted(present, key=lambda f: -evoking.get(f.name, 0))[:5]
    count = min(len(strong), context.rng.choice((2, 2, 3)))
    return context.rng.sample(strong, count)


def _differential(context: Context) -> Phrase:
    # Diseases thought of and set aside are problems of the text, no diagnoses of the patient.
    names: list[Phrase] = [
        ((d.name, "PROBLEM"),) for d in context.case.rivals[: context.rng.choice((1, 2, 2))]
    ]
    return context.say_one(_DIFFERENTIAL, x=joined(names, " and "))


def _principal_plan(context: Context, treatments: Sequence[Treatment]) -> tuple[Phrase, list[Phrase]]:
    sentences = []
    given = treatments[: context.rng.choice((2, 3, 4))]
    if given:
        dosed = context.chance(0.5)
        drugs = joined([context.treatment(t, dosed=dosed and t.drug is not None) for t in given])
        sentences.append(context.say_one(_STARTED, x=drugs))
    procedure = procedure_sentence(context)
    if procedure:
        sentences.append(procedure)
    monitor = _monitoring(context)
    if monitor and context.chance(0.7):
        sentences.append(monitor)
    if not sentences:
        sentences.append(plain("supportive care"))
    return context.disease(context.case.principal), sentences


def procedure_sentence(context: Context) -> Phrase:
    """The operation or bedside procedure, planned or done according to the day."""
    case = context.case
    procedure = case.operation or case.bedside
    if procedure is None:
        return ()
    done = context.day >= context.operated and context.note_type not in (
        "emergency department note",
        "history and physical",
    )
    templates = (
        (
            "status post {p} on {day}",
            "underwent {p} on {day}",
            "{p} was performed on {day} without complication",
        )
        if done
        else (
            "plan for {p}",
            "scheduled for {p} on {day}",
            "consented for {p}",
            "will need {p}",
            "{p} is planned",
        )
    )
    return context.say_one(
        templates, p=context.procedure(procedure), day=context.on(context.operated, full=False)
    )


def _monitoring(context: Context) -> Phrase:
    names = [f.test for f in context.case.lab_findings if f.values is not None][:2]
    if not names:
        return ()
    tests = joined([context.analyte(n) for n in names])
    return context.say_one(_MONITORING, tests=tests, day=context.on(context.later(1, 3), full=False))


def _comorbid_plans(context: Context) -> list[tuple[Phrase, list[Phrase]]]:
    planned = context.case.comorbidities[: context.rng.choice((1, 2, 3))]
    return [(context.disease(disease), [_comorbid_plan(context, disease)]) for disease in planned]


def _comorbid_plan(context: Context, disease: Disease) -> Phrase:
    drugs = [t for t in context.case.home if t.disease == disease.name]
    if not drugs:
        return plain(
            context.pick(
                "stable",
                "at baseline",
                "no change in management",
                "will be followed as an outpatient",
                "not active at present",
            )
        )
    names = joined(
        [context.treatment(t, dosed=context.chance(0.35) and t.drug is not None) for t in drugs[:2]]
    )
    return context.say_one(
        (
            "continue {x}",
            "continue home {x}",
            "on {x}, no change",
            "hold {x} for now",
            "resume {x}",
            "controlled on {x}",
        ),
        x=names,
    )


def _general(context: Context) -> list[Phrase]:
    case = context.case
    child = case.patient.child
    bleeding = "bleeding" in case.principal.flags
    chosen = context.rng.sample(_GENERAL, 4)
    phrases = []
    for template in chosen:
        if "DVT" in template and (
            child or bleeding or any(t.kind == "anticoagulant" for t in (*case.acute, *case.home))
        ):
            continue
        if child and ("code" in template or "fall" in template):
            continue
        prophylaxis = context.pick("enoxaparin", "subcutaneous heparin", "sequential compression devices")
        phrases.append(
            context.say(
                template,
                relative=((case.patient.relative.full, "NAME"),),
                doctor=context.doctor(context.colleague),
                prophylaxis=((prophylaxis, TREATMENT),),
            )
        )
    return phrases


_ADMITTED: Final = (
    "{who} was admitted on {day} with {disease}",
    "{name} was admitted to {service} for {disease}",
    "on {day} {he} was admitted from the emergency department for management of {disease}",
    "{he} was brought in on {day} and found to have {disease}",
    "admitted {day} for {disease}",
)
_TREATED: Final = (
    "{he} was treated with {x}",
    "{who} received {x}",
    "{x} was started with good effect",
    "management consisted of {x}",
    "{he} was given {x} and improved steadily",
)
_IMPROVED: Final = (
    "{his} {symptom} resolved by hospital day {n}",
    "{symptom} improved over the next {n} days",
    "by {day} {he} was free of {symptom}",
    "{he} no longer had {symptom} after {n} days",
    "{symptom} gradually subsided",
)
_IMPROVING: Final = (
    "{symptom} had begun to improve by discharge",
    "there was some improvement in {symptom}",
    "{symptom} was less marked by {day}",
    "{he} reported less {symptom} over the stay",
)
_UNEVENTFUL: Final = (
    "the remainder of the stay was uneventful",
    "{he} tolerated a regular diet and was ambulating independently",
    "{he} remained hemodynamically stable throughout",
    "there were no complications",
    "{doctor} of the consulting team saw {him} and agreed with the plan",
    "{his} {relation} {relative} was updated daily",
)


def write_course(context: Context) -> None:
    """The hospital course: why admitted, what was found, what was done, how it went."""
    case, note = context.case, context.note
    context.heading("course")
    note.sentence(
        context.say_one(
            _ADMITTED,
            who=context.who(),
            name=context.called(),
            he=context.he,
            day=context.on(context.admitted, full=context.chance(0.4)),
            service=context.pick("our service", "the ward", "the inpatient unit"),
            disease=context.disease(case.principal, canonical=True),
        )
    )
    sentences = [lab_sentence(context), *all_studies(context)[:2]]
    if case.acute:
        dosed = context.chance(0.3)
        drugs = joined([context.treatment(t, dosed=dosed and t.drug is not None) for t in case.acute[:4]])
        sentences.append(context.say_one(_TREATED, he=context.he, who=context.who(), x=drugs))
    sentences.append(procedure_sentence(context))
    sentences.append(improvement(context))
    if case.operation is not None and context.chance(0.15):
        complication: Phrase = ((context.rng.choice(case.operation.complications), "PROBLEM"),)
        sentences.append(
            context.say_one(
                (
                    "the postoperative course was complicated by {x}, which was managed conservatively",
                    "there was no evidence of {x}",
                ),
                x=complication,
            )
        )
    sentences.append(_uneventful(context))
    for phrase in sentences:
        note.sentence(phrase)
    context.close()


def improvement(context: Context) -> Phrase:
    """How the leading symptom went away."""
    if not context.case.symptoms:
        return ()
    symptom = context.finding(context.case.symptoms[0], present=False)
    return context.say_one(
        _IMPROVED if context.case.principal.acuity == "acute" else _IMPROVING,
        his=context.his,
        he=context.he,
        symptom=symptom,
        n=str(min(context.case.days_in + 1, context.rng.choice((2, 2, 3, 4)))),
        day=context.on(context.day, full=False),
    )


def _uneventful(context: Context) -> Phrase:
    patient = context.case.patient
    return context.say_one(
        _UNEVENTFUL,
        he=context.he,
        his=context.his,
        him="her" if context.female else "him",
        doctor=context.doctor(context.colleague),
        relation=patient.relation,
        relative=((patient.relative.full, "NAME"),),
    )


_RETURN: Final = (
    "return to the emergency department for {x}",
    "seek care at once for {x}",
    "call or come back if you have {x}",
    "please return for worsening {x}",
    "{who} was told to return for {x}",
)
_FOLLOW_UP: Final = (
    "follow up with {doctor} on {day}",
    "appointment with {doctor} on {day}",
    "see {doctor} within {n} weeks",
    "follow-up in {clinic} clinic on {day}",
    "{doctor} in {n} weeks",
    "return to {place} on {day}",
)


def write_instructions(context: Context) -> None:
    """What to do at home and when to come back."""
    context.heading("instructions")
    case = context.case
    if context.chance(0.6):
        context.note.sentence(
            plain(
                context.pick(
                    "resume normal activity as tolerated",
                    "take all medicines as prescribed",
                    "drink plenty of fluids",
                    "no heavy lifting for two weeks"
                    if case.operation
                    else "rest and gradually increase activity",
                    "keep a list of your medicines with you",
                )
            )
        )
    context.note.sentence(return_precautions(context))
    context.close()


def return_precautions(context: Context) -> Phrase:
    """Symptoms to come back for."""
    case = context.case
    findings = [*case.symptoms[:2], *case.absent_symptoms[:1]] or list(case.absent_symptoms[:2])
    if not findings:
        return plain("return for any new symptoms")
    return context.say_one(_RETURN, who=context.who(), x=context.findings(findings, " or ", present=False))


def write_follow_up(context: Context) -> None:
    """Appointments, and what is planted in the plan."""
    context.heading("follow up")
    context.note.sentence(follow_up(context, context.family_doctor))
    if context.chance(0.4):
        context.note.sentence(follow_up(context, context.attending))
    for phrase in context.take_plants(PLAN):
        context.note.sentence(phrase)
    context.close()


def follow_up(context: Context, doctor: Name) -> Phrase:
    """One appointment."""
    return context.say_one(
        _FOLLOW_UP,
        doctor=context.doctor(doctor),
        day=context.on(context.later(5, 45), full=context.chance(0.6)),
        n=context.pick("1", "2", "2", "3", "4"),
        clinic=context.case.principal.specialty,
        place=context.place(),
    )


def write_discharge_diagnoses(context: Context) -> None:
    """Principal and other diagnoses."""
    case = context.case
    context.heading("discharge diagnoses")
    diseases = [
        context.disease(case.principal, canonical=True),
        *(context.disease(d) for d in case.comorbidities),
    ]
    context.items([capitalised(d) for d in diseases])
    context.close()


def write_discharge_medications(context: Context) -> None:
    """New and continued drugs and other care, with doses."""
    case = context.case
    context.heading("discharge medications")
    names = {t.name for t in case.discharge}
    kept = [t for t in case.home if t.name not in names and t.kind not in {d.kind for d in case.discharge}]
    items = [_medication(context, t, new=True) for t in case.discharge if t.drug is not None]
    items += [_medication(context, t, new=False) for t in kept if t.drug is not None]
    if items:
        context.items(items)
    else:
        context.note.sentence(plain(context.pick("none", "no new medications", "unchanged from admission")))
    context.close()


def _medication(context: Context, treatment: Treatment, *, new: bool) -> Phrase:
    phrase = capitalised(context.treatment(treatment, dosed=True))
    if new and context.chance(0.25):
        return chained(phrase, context.pick(" (new)", " - NEW", ", new"))
    return phrase

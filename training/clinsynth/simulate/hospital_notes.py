"""Notes of the wards and the emergency department."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from clinsynth.simulate.assessment import (
    return_precautions,
    summary,
    write_assessment,
    write_course,
    write_discharge_diagnoses,
    write_discharge_medications,
    write_follow_up,
    write_instructions,
    write_plan_extras,
)
from clinsynth.simulate.background import (
    write_allergies,
    write_family,
    write_history,
    write_medications,
    write_social,
)
from clinsynth.simulate.context import Context
from clinsynth.simulate.examination import exam_sentence, write_exam, write_vitals, write_vitals_line
from clinsynth.simulate.measures import is_abnormal, normal_value, settled_vitals
from clinsynth.simulate.opening import write_header, write_sign_off
from clinsynth.simulate.phrase import Phrase, capitalised, chained, joined, plain
from clinsynth.simulate.plants import SOCIAL
from clinsynth.simulate.results import lab_sentence, write_labs, write_studies
from clinsynth.simulate.story import opening, write_chief_complaint, write_hpi, write_ros
from clinsynth.simulate.table import Finding

Section = Callable[[Context], None]


def write_history_and_physical(context: Context) -> None:
    """Admission note: everything, once."""
    write_header(context)
    background: list[Section] = [write_history, write_medications, write_allergies]
    context.rng.shuffle(background)
    sections: list[Section] = [write_chief_complaint, write_hpi, *background]
    if context.chance(0.75) or SOCIAL in context.plants:
        sections.append(write_social)
    if context.chance(0.3):
        sections.append(write_family)
    if context.chance(0.3):
        sections.append(write_ros)
    for section in sections:
        section(context)
    write_vitals(context, context.case.vitals)
    write_exam(context, context.case.signs, context.case.absent_signs)
    write_labs(context, context.case.labs)
    write_studies(context)
    write_assessment(context, treatments=context.case.acute)
    write_sign_off(context)


def write_emergency_note(context: Context) -> None:
    """Emergency department note: shorter background, course, diagnosis, disposition."""
    write_header(context)
    if context.chance(0.8):
        write_chief_complaint(context)
    write_hpi(context, short=context.chance(0.5))
    for section, probability in ((write_history, 0.8), (write_medications, 0.45), (write_allergies, 0.7)):
        if context.chance(probability):
            section(context)
    if context.chance(0.35) or SOCIAL in context.plants:
        write_social(context)
    write_vitals(context, context.case.vitals)
    write_exam(context, context.case.signs, context.case.absent_signs, brief=True)
    if context.chance(0.8):
        write_labs(context, context.case.labs)
    write_studies(context)
    _write_ed_course(context)
    context.heading("diagnosis")
    context.note.sentence(context.disease(context.case.principal, canonical=True), end="")
    context.close()
    _write_disposition(context)
    write_sign_off(context)


def _write_ed_course(context: Context) -> None:
    case = context.case
    context.heading("ed course")
    context.note.sentence(summary(context))
    if case.acute:
        drugs = joined(
            [context.treatment(t, dosed=context.chance(0.4) and t.drug is not None) for t in case.acute[:4]]
        )
        context.note.sentence(
            context.say_one(
                (
                    "{who} was given {x}",
                    "{x} given in the emergency department",
                    "received {x} with improvement",
                    "treated with {x}",
                ),
                who=context.who(),
                x=drugs,
            )
        )
    if case.rivals and context.chance(0.5):
        names: list[Phrase] = [((d.name, "PROBLEM"),) for d in case.rivals[:2]]
        context.note.sentence(
            context.say_one(
                ("no evidence of {x}", "{x} felt to be unlikely", "low suspicion for {x}"),
                x=joined(names, " or "),
            )
        )
    write_plan_extras(context, at_most=0)
    context.close()


def _write_disposition(context: Context) -> None:
    context.heading("disposition")
    admitted = "inpatient" in context.case.principal.settings
    if admitted:
        context.note.sentence(
            context.say_one(
                (
                    "admitted to {service} under {doctor}",
                    "case discussed with {doctor} of {service}, who accepts the patient",
                    "admit to {service}, condition stable",
                ),
                service=context.case.principal.specialty,
                doctor=context.doctor(context.colleague),
            )
        )
    else:
        context.note.sentence(
            plain(
                context.pick("discharged home in stable condition", "home", "discharged home with family")
            )
        )
        context.note.sentence(return_precautions(context))
        given = [t for t in context.case.discharge if t.drug is not None][:2]
        if given:
            context.note.sentence(
                chained("prescribed ", joined([context.treatment(t, dosed=True) for t in given]))
            )
    context.close()


def write_progress_note(context: Context) -> None:
    """A day on the ward: how the night went, what is found today, the plan."""
    write_header(context)
    case = context.case
    context.heading("subjective")
    if context.chance(0.6):
        first, _ = opening(context)
        context.note.sentence(first)
    for phrase in _interval(context):
        context.note.sentence(phrase)
    context.close()
    vitals = settled_vitals(
        context.rng, case.patient, hypertensive="hypertension" in {d.name for d in case.comorbidities}
    )
    if context.chance(0.5):
        context.heading("objective")
        write_vitals_line(context, vitals)
        context.close()
    else:
        write_vitals(context, vitals)
    signs = tuple(f for f in case.signs if f.group != "vital" and context.chance(0.6))
    write_exam(context, signs, case.absent_signs[:3], brief=True)
    write_labs(context, _improved_labs(context))
    if context.chance(0.6):
        write_studies(context)
    write_assessment(context, treatments=case.acute)
    write_sign_off(context)


_NIGHT: Final = (
    "no acute events overnight",
    "slept well",
    "comfortable this morning",
    "tolerating diet",
    "ambulated in the hallway",
    "afebrile overnight",
    "ate half of breakfast",
    "reports feeling better",
)


_BETTER: Final = (
    "{x} is improving",
    "{x} better than yesterday",
    "less {x} today",
    "{x} now resolved",
    "{who} reports less {x}",
    "{x} unchanged since admission",
)


def _interval(context: Context) -> list[Phrase]:
    case = context.case
    sentences: list[Phrase] = [
        plain(
            context.pick(
                f"hospital day {context.day_number}",
                f"HD #{context.day_number}",
                f"day {context.day_number} of admission",
            )
        )
    ]
    sentences.append(plain(context.pick(*_NIGHT)))
    if case.symptoms:
        symptom = context.finding(case.symptoms[0], present=False)
        sentences.append(context.say_one(_BETTER, x=symptom, who=context.who()))
    remaining = case.symptoms[1:3]
    if remaining and context.chance(0.5):
        sentences.append(
            context.say_one(
                ("still has some {x}", "{who} continues to have {x}", "ongoing {x}"),
                who=context.who(),
                x=context.findings(remaining, present=False),
            )
        )
    denied = case.absent_symptoms[:3]
    if denied:
        sentences.append(
            context.say_one(
                ("denies {x}", "no {x}", "{who} denies {x}"),
                who=context.who(),
                x=context.findings(denied, " or ", present=False),
            )
        )
    if context.chance(0.4):
        sentences.append(
            context.say("seen with {doctor} on rounds", doctor=context.doctor(context.colleague))
        )
    return sentences


def _improved_labs(context: Context) -> dict[str, str]:
    """Later values: about half of the abnormal numbers are back to normal."""
    labs = dict(context.case.labs)
    for name, value in labs.items():
        analyte = context.table.analytes[name]
        if (
            analyte.normal is not None
            and is_abnormal(analyte, value, context.case.patient)
            and context.chance(0.5)
        ):
            labs[name] = normal_value(context.rng, analyte, context.case.patient)
    return labs


def write_discharge_summary(context: Context) -> None:
    """The stay in hospital, from diagnoses to appointments."""
    write_header(context)
    case = context.case
    write_discharge_diagnoses(context)
    done = [p for p in (case.operation, case.bedside) if p is not None]
    if done:
        context.heading("procedures")
        phrases = [
            chained(
                capitalised(context.procedure(p)),
                ", ",
                context.on(context.operated, full=context.chance(0.5)),
            )
            for p in done
        ]
        context.items(phrases)
        context.close()
    if context.chance(0.75):
        write_hpi(context, short=True)
    if context.chance(0.4):
        write_history(context)
    if context.chance(0.4):
        write_allergies(context)
    if context.chance(0.2) or SOCIAL in context.plants:
        write_social(context)
    write_course(context)
    if context.chance(0.3):
        write_labs(context, _improved_labs(context))
    if context.chance(0.45):
        _write_discharge_condition(context)
    write_discharge_medications(context)
    if context.chance(0.7):
        write_instructions(context)
    write_follow_up(context)
    write_sign_off(context)


def _write_discharge_condition(context: Context) -> None:
    context.heading("discharge condition")
    context.note.sentence(
        plain(context.pick("stable", "good", "improved", "stable, ambulating independently", "fair"))
    )
    context.close()


def write_consultation(context: Context) -> None:
    """A specialist's answer to a question of the ward."""
    write_header(context)
    case = context.case
    context.heading("question")
    lead: tuple[Finding, ...] = (*case.symptoms[:1], *case.lab_findings[:1])
    question = context.findings(lead, " and ", spoken=True) if lead else context.disease(case.principal)
    context.note.sentence(
        context.say_one(
            (
                "asked by {doctor} to see the patient for {x}",
                "evaluation of {x}, requested by {doctor}",
                "thank you, {doctor}, for asking us to see {name} for {x}",
                "{specialty} input requested for {x}",
            ),
            doctor=context.doctor(context.colleague),
            x=question,
            name=context.called(),
            specialty=context.specialty,
        )
    )
    context.close()
    write_hpi(context, short=context.chance(0.6))
    for section, probability in (
        (write_history, 0.8),
        (write_medications, 0.6),
        (write_allergies, 0.4),
    ):
        if context.chance(probability):
            section(context)
    if context.chance(0.25) or SOCIAL in context.plants:
        write_social(context)
    if context.chance(0.7):
        write_vitals(context, case.vitals)
        write_exam(context, case.signs, case.absent_signs, brief=True)
    else:
        context.heading("exam")
        context.note.sentence(exam_sentence(context))
        context.close()
    if context.chance(0.5):
        write_labs(context, case.labs)
    else:
        sentence = lab_sentence(context)
        if sentence:
            context.heading("labs")
            context.note.sentence(sentence)
            context.close()
    write_studies(context)
    write_assessment(context, treatments=case.acute or case.discharge)
    if context.chance(0.5):
        context.note.sentence(
            plain(
                context.pick(
                    "thank you for this consult",
                    "we will follow along",
                    "please call with questions",
                    "will sign off; call if needed",
                )
            )
        )
        context.close()
    write_sign_off(context)

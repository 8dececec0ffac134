"""Reports of radiology and the operating room, and letters from the clinic."""

from __future__ import annotations

from typing import Final

from clinsynth.simulate.assessment import follow_up, summary
from clinsynth.simulate.context import Context
from clinsynth.simulate.examination import exam_sentence
from clinsynth.simulate.measures import Vitals, settled_vitals
from clinsynth.simulate.opening import write_header, write_sign_off
from clinsynth.simulate.phrase import Phrase, capitalised, chained, joined, plain
from clinsynth.simulate.plants import HEADER, PLAN, SIGN_OFF
from clinsynth.simulate.results import all_studies, lab_sentence
from clinsynth.simulate.story import opening

_NO_PRIOR: Final = ("None", "None available", "No prior studies", "None for comparison")


def radiology_study(context: Context) -> int:
    """Index of the study to report: the first of the department of radiology."""
    for i, (name, _) in enumerate(context.case.studies):
        if context.table.studies[name].department == "radiology":
            return i
    raise AssertionError("a radiology report needs a radiology study")


def write_radiology_report(context: Context) -> None:
    """One study: indication, technique, findings organ by organ, impression."""
    write_header(context)
    case, note = context.case, context.note
    name, findings = case.studies[radiology_study(context)]
    study = context.table.studies[name]
    note.blank()
    note.line(
        chained(
            context.pick("EXAM: ", "Examination: ", "STUDY: ", "Exam: "),
            capitalised(((context.rng.choice(study.names), "TEST"),)),
        )
    )
    context.heading("indication", break_line=False)
    lead = case.symptoms[:2] or case.signs[:1]
    indication = context.findings(lead) if lead else context.disease(case.principal)
    note.sentence(
        context.say_one(
            (
                "{x}",
                "{age} {person} with {x}",
                "{x}, evaluate for {disease}",
                "{age} {person}, {x}",
                "rule out {disease}. {x}",
            ),
            x=indication,
            age=context.age(),
            aged=context.aged(),
            person=context.person(),
            disease=context.disease(case.principal),
        )
    )
    context.heading("comparison", break_line=False)
    if context.chance(0.4):
        earlier = context.day.fromordinal(context.day.toordinal() - context.rng.randint(20, 700))
        note.sentence(
            context.say_one(
                ("{study} of {day}", "{study}, {day}", "{study} dated {day}"),
                study=context.study(name),
                day=context.on(earlier),
            )
        )
    else:
        note.sentence(plain(context.pick(*_NO_PRIOR)))
    if context.chance(0.75):
        context.heading("technique", break_line=False)
        note.sentence(plain(context.rng.choice(study.techniques)))
    _write_findings(context, name)
    context.heading("impression")
    disease = context.disease(case.principal, canonical=True)
    conclusions = [context.findings(findings[:2], spoken=False)]
    conclusions.append(
        context.say_one(
            (
                "findings are consistent with {d}",
                "in the clinical setting this favors {d}",
                "appearance most compatible with {d}",
                "correlate clinically for {d}",
                "suspicious for {d}",
            ),
            d=disease,
        )
    )
    if context.chance(0.35):
        conclusions.append(
            context.say_one(
                (
                    "discussed with {doctor} by telephone on {day}",
                    "{doctor} was notified of these results",
                    "results called to {doctor} on {day}",
                ),
                doctor=context.doctor(context.colleague),
                day=context.on(context.day, full=False),
            )
        )
    if context.chance(0.6):
        note.end_line()
        for number, phrase in enumerate(conclusions, 1):
            note.text(f"{number}. ")
            note.line(chained(capitalised(phrase), "."))
    else:
        for phrase in conclusions:
            note.sentence(phrase)
    context.close()
    write_sign_off(context)


def _write_findings(context: Context, name: str) -> None:
    """Organ by organ: what is abnormal, and the normal words for the rest."""
    case, note = context.case, context.note
    _, findings = next(pair for pair in case.studies if pair[0] == name)
    organs = context.table.organs[context.table.studies[name].body]
    context.heading("findings")
    by_line = context.chance(0.4)
    affected = {f.group for f in findings}
    organ_names = [o for o in organs if o in affected or context.chance(0.65)]
    male_only = {"scrotum", "prostate"}
    for organ in organ_names:
        if organ == "adnexa" and case.patient.sex == "male" and organ not in affected:
            continue
        found = [f for f in findings if f.group == organ]
        if found:
            phrase = context.say_one(
                (
                    "there is {x}",
                    "{x} is seen",
                    "{x} is present",
                    "again noted is {x}",
                    "there is evidence of {x}",
                    "{x}",
                ),
                x=context.findings(found, spoken=True),
            )
        elif organ == "appendix" and case.principal.name == "acute appendicitis":
            continue
        else:
            phrase = plain(context.rng.choice(organs[organ]))
        if by_line:
            note.end_line()
            note.text(f"{organ.title()}: ")
            note.line(chained(capitalised(phrase), "."))
        else:
            note.sentence(phrase)
    assert context.table.studies[name].body not in male_only or case.patient.sex == "male"
    context.close()


def write_operative_report(context: Context) -> None:
    """Diagnoses, people, findings, the steps one by one, losses, complications."""
    case, note = context.case, context.note
    operation = case.operation
    assert operation is not None, "an operative report needs an operation"
    write_header(context)
    disease = context.disease(case.principal, canonical=True)
    _short(context, "preoperative diagnosis", capitalised(disease))
    same = context.chance(0.35)
    _short(
        context,
        "postoperative diagnosis",
        plain(context.pick("same", "Same as preoperative"))
        if same
        else capitalised(context.disease(case.principal)),
    )
    _short(context, "operation", capitalised(_on_side(context, context.procedure(operation))))
    _short(context, "surgeon", context.doctor(context.attending, signed=True))
    if context.chance(0.6):
        _short(context, "assistant", context.doctor(context.colleague, signed=context.chance(0.5)))
    _short(
        context,
        "anesthesia",
        capitalised(context.say(context.located(context.rng.choice(operation.anesthesia)))),
    )
    context.heading("operative indications")
    first, _ = opening(context)
    note.sentence(first)
    studies = all_studies(context)
    if studies and context.chance(0.7):
        note.sentence(studies[0])
    note.sentence(
        context.say_one(
            (
                "risks and benefits were discussed and {he} agreed to proceed",
                "informed consent was obtained from {relative}"
                if case.patient.child
                else "informed consent was obtained",
                "after discussion with {relative}, consent was signed",
                "alternatives were reviewed and the operation was elected",
            ),
            he=f"{context.his} parents" if case.patient.child else context.he,
            relative=((case.patient.relative.full, "NAME"),),
        )
    )
    context.close()
    context.heading("operative findings")
    note.sentence(context.say(context.located(context.rng.choice(operation.findings))))
    context.close()
    context.heading("operative steps")
    note.sentence(
        context.say_one(
            (
                "{name} was taken to the operating room and placed on the table",
                "after a time-out the patient was prepped and draped in the usual fashion",
                "the patient was brought to the procedure suite, and identity and site were confirmed",
                "under {anesthesia} the field was prepared and draped",
            ),
            name=context.called(),
            anesthesia=context.say(context.located(operation.anesthesia[0])),
        )
    )
    for step in operation.steps:
        if context.chance(0.9):
            note.sentence(context.say(context.located(step)))
    if context.chance(0.5):
        antibiotics = [t for t in case.acute if "antibiotic" in t.kind or t.kind == "cephalosporin"]
        if antibiotics:
            note.sentence(
                context.say("{x} had been given before incision", x=context.treatment(antibiotics[0]))
            )
    note.sentence(
        plain(
            context.pick(
                "counts were correct",
                "all counts were reported correct",
                "the patient was taken to recovery in stable condition",
                "the patient tolerated the procedure well",
            )
        )
    )
    for phrase in context.take_plants(PLAN):
        note.sentence(phrase)
    context.close()
    low, high = operation.blood_loss_ml
    amount = context.rng.randint(low, high)
    amount = round(amount / 10) * 10 if amount >= 40 else amount
    _short(context, "blood loss", plain(f"{amount} mL" if amount > 1 else "minimal"))
    if operation.specimens and context.chance(0.8):
        _short(context, "specimens", plain(context.located(operation.specimens[0])))
    _short(
        context,
        "complications",
        plain(context.pick("None", "none", "None apparent", "No immediate complications")),
    )
    write_sign_off(context)


def _on_side(context: Context, operation: Phrase) -> Phrase:
    """Operations on one of two things name the side."""
    assert context.case.operation is not None
    sided = any("{side}" in step for step in context.case.operation.steps)
    return (
        chained(((f"{context.case.side} {operation[0][0]}", operation[0][1]),), operation[1:])
        if sided
        else operation
    )


def _short(context: Context, section: str, phrase: Phrase) -> None:
    context.heading(section, break_line=False)
    context.note.sentence(phrase, end=context.pick("", "", "."))
    context.close()


_SALUTATIONS: Final = ("Dear {doctor},", "Dear {doctor}:", "Dear Colleague,", "Dear {doctor},")
_THANKS: Final = (
    "thank you for referring {name}, {aged} {person}, to our {clinic} clinic",
    "I had the pleasure of seeing {name} in the {clinic} clinic on {day}",
    "I reviewed {name} in clinic on {day}",
    "{name} attended the {clinic} clinic at {place} on {day} for follow-up",
    "this letter is to update you on {name}, whom I saw on {day}",
)
_VALEDICTIONS: Final = (
    "Sincerely,",
    "With kind regards,",
    "Yours sincerely,",
    "Best regards,",
    "With best wishes,",
)


def write_clinic_letter(context: Context) -> None:
    """A specialist to the family doctor: findings, opinion, plan."""
    case, note = context.case, context.note
    write_header(context)
    note.blank()
    note.line(context.say_one(_SALUTATIONS, doctor=context.doctor(context.family_doctor)))
    if context.chance(0.5):
        note.line(
            chained(
                context.pick("Re: ", "RE: ", "Regarding: "),
                context.patient_name(),
                context.pick(", DOB ", ", born "),
                context.on(case.patient.birth),
            )
        )
    note.blank()
    note.sentence(
        context.say_one(
            _THANKS,
            name=context.called() if context.chance(0.5) else ((case.patient.name.full, "NAME"),),
            age=context.age(),
            aged=context.aged(),
            person=context.person(),
            clinic=context.specialty,
            day=context.on(context.day),
            place=context.place(),
        )
    )
    first, told = opening(context)
    note.sentence(first)
    rest = [f for f in case.symptoms if f not in told][:3]
    if context.later_visit:
        note.sentence(_since(context))
    elif rest:
        note.sentence(
            context.say_one(
                ("{he} also mentions {x}", "there is also {x}", "further complaints are {x}"),
                he=context.he,
                x=context.findings(rest, spoken=True),
            )
        )
    if case.absent_symptoms:
        note.sentence(
            context.say(
                "{he} denies {x}",
                he=context.he,
                x=context.findings(case.absent_symptoms[:3], " or ", present=False),
            )
        )
    drugs_taken = [t for t in case.home if t.drug is not None][:5]
    if drugs_taken:
        drugs = joined([context.treatment(t, dosed=context.chance(0.6)) for t in drugs_taken])
        note.sentence(
            context.say_one(
                ("current medications are {x}", "{he} takes {x}", "regular treatment consists of {x}"),
                he=context.he,
                x=drugs,
            )
        )
    context.close()
    note.blank()
    vitals = case.vitals
    if context.back_home:
        vitals = _write_recovery(context)
    else:
        note.sentence(exam_sentence(context))
    if context.chance(0.6):
        note.sentence(
            context.say(
                "{T:blood pressure} was {bp} and {T:pulse} {hr}",
                bp=f"{vitals.systolic}/{vitals.diastolic}",
                hr=str(vitals.heart_rate),
            )
        )
    labs = lab_sentence(context)
    for phrase in (labs, *all_studies(context)):
        note.sentence(phrase)
    context.close()
    note.blank()
    note.sentence(_recovered(context) if context.back_home else summary(context))
    _write_letter_plan(context)
    context.close()
    note.blank()
    note.line(plain(context.pick(*_VALEDICTIONS)))
    write_sign_off(context)


def _write_recovery(context: Context) -> Vitals:
    """What was found in hospital, and that it is gone; today's vital signs."""
    case = context.case
    signs = [f for f in case.signs if f.group != "vital"][:3]
    if signs:
        context.note.sentence(
            context.say_one(
                ("in hospital {he} had {x}", "on admission there was {x}", "at presentation {x} was found"),
                he=context.he,
                x=context.findings(signs),
            )
        )
    context.note.sentence(
        context.say_one(
            (
                "examination today is unremarkable",
                "today {he} looks well",
                "on examination today there are no abnormal findings",
            ),
            he=context.he,
        )
    )
    hypertensive = "hypertension" in {disease.name for disease in case.comorbidities}
    return settled_vitals(context.rng, case.patient, hypertensive=hypertensive)


def _recovered(context: Context) -> Phrase:
    """The diagnosis, behind the patient."""
    return context.say_one(
        (
            "{name} is recovering well after {disease}",
            "{name} has made a good recovery from {disease}",
            "in summary, {aged} {person} recovering from {disease}",
            "overall, steady recovery after {disease}",
        ),
        name=context.called(),
        aged=context.aged(),
        person=context.person(),
        disease=context.disease(context.case.principal, canonical=True),
    )


def _since(context: Context) -> Phrase:
    """How the patient has been since the hospital, or the visit before."""
    if not context.back_home:
        return _since_last_visit(context)
    left = context.admitted.fromordinal(context.admitted.toordinal() + context.case.days_in)
    symptom = context.finding(context.case.symptoms[0], present=False) if context.case.symptoms else ()
    return context.say_one(
        (
            "{he} was discharged on {day} and has been well since",
            "since discharge on {day} {he} has recovered steadily",
            "since leaving hospital on {day} there has been no further {x}",
            "{he} went home on {day}; {x} has largely resolved",
        )
        if symptom
        else ("{he} was discharged on {day} and has been well since",),
        he=context.he,
        day=context.on(left, full=context.chance(0.5)),
        x=symptom,
    )


def _since_last_visit(context: Context) -> Phrase:
    if not context.case.symptoms:
        return context.say("{he} has been well since the last visit", he=context.he)
    return context.say_one(
        (
            "since then {x} has improved somewhat",
            "since the last visit {x} has been unchanged",
            "{x} has become less troublesome",
            "{he} still has {x} on most days",
        ),
        x=context.finding(context.case.symptoms[0], present=False),
        he=context.he,
    )


def _write_letter_plan(context: Context) -> None:
    case, note = context.case, context.note
    given = case.discharge[:3]
    if given:
        drugs = joined(
            [context.treatment(t, dosed=context.chance(0.7) and t.drug is not None) for t in given]
        )
        note.sentence(
            context.say_one(
                (
                    "I have recommended {x}",
                    "we agreed to start {x}",
                    "the plan is {x}",
                    "I suggest {x}",
                    "treatment with {x} was begun",
                ),
                x=drugs,
            )
        )
    if case.operation is not None and context.chance(0.8):
        note.sentence(
            context.say_one(
                (
                    "we discussed {p} and have listed {him} for it",
                    "{he} is a candidate for {p}",
                    "I have offered {p}",
                ),
                p=context.procedure(case.operation),
                he=context.he,
                him="her" if context.female else "him",
            )
        )
    if context.chance(0.5):
        names = [f.test for f in case.lab_findings if f.values is not None][:2]
        if names:
            note.sentence(
                context.say(
                    "please repeat {x} before the next visit", x=joined([context.analyte(n) for n in names])
                )
            )
    note.sentence(follow_up(context, context.attending))
    for place in (PLAN, HEADER, SIGN_OFF):
        if place == PLAN:
            for phrase in context.take_plants(place):
                note.sentence(phrase)

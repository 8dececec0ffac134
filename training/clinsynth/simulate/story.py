"""Chief complaint, history of the present illness, review of systems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from clinsynth.simulate.context import Context
from clinsynth.simulate.phrase import Phrase, capitalised, chained, joined, plain
from clinsynth.simulate.table import Finding

_OPENINGS: Final = (
    "{name} is {aged} {person}{history} who presents with {complaint} for {time}",
    "{name} is {aged} {person}{history} presenting with {time} of {complaint}",
    "this is {aged} {person}{history} who comes in complaining of {complaint} for {time}",
    "the patient is {aged} {person}{history} admitted with {complaint} over the last {time}",
    "{age} {person}{history} with {time} of {complaint}",
    "{aged} {person}{history} was brought in by {his} {relation} for {complaint} of {time} duration",
    "{name}, {aged} {person}{history}, was in {his} usual state"
    " of health until {time} ago, when {he} developed {complaint}",
    "{age} {person} presents with {complaint}. Symptoms began {time} ago{history_after}",
    "{name} is a pleasant {age} {person}{history} seen today for {complaint} that started {time} ago",
)
_OPENINGS_LATER: Final = (
    "{name} is {aged} {person}{history} who was admitted on {day} with {complaint}",
    "as you know, {name} came to us on {day} with {time} of {complaint}{history_after}",
    "{he} is {aged} {person}{history} who had {complaint} for {time} when first seen on {day}",
    "on {day} {he} had presented with {complaint} of {time} duration",
)
_TELEGRAPHIC_OPENINGS: Final = (
    "{age} {person}{history} presents with {complaint} x {time}",
    "{age} {person}{history} complaining of {complaint} for {time}",
    "{age} {person}{history} here with {time} of {complaint}",
    "{age} {person} with {complaint} x {time}{history_after}",
)
_ASSOCIATED: Final = (
    "{who} also reports {findings}",
    "associated symptoms include {findings}",
    "there has been {findings} as well",
    "this is accompanied by {findings}",
    "in addition, {who} describes {findings}",
    "{who} endorses {findings}",
    "{who} notes {findings} since onset",
)
_TELEGRAPHIC_ASSOCIATED: Final = (
    "also {findings}",
    "reports {findings}",
    "endorses {findings}",
    "with associated {findings}",
)
_DENIED: Final = (
    "{who} denies {findings}",
    "there is no {findings_or}",
    "{who} has had no {findings_or}",
    "negative for {findings_or}",
    "{he} denies any {findings_or}",
    "no {findings_or} reported",
)
_TELEGRAPHIC_DENIED: Final = (
    "denies {findings}",
    "no {findings_or}",
    "neg for {findings_or}",
    "without {findings_or}",
)
_RISKS: Final = (
    "{who} acknowledges {findings}",
    "history is notable for {findings}",
    "of note, there was {findings}",
    "{he} mentions {findings}",
    "relevant history includes {findings}",
)
_BEFORE: Final = (
    "symptoms have been getting worse since {day}",
    "{who} was seen by {doctor} on {day} for the same complaint",
    "{he} first noticed this on {day}",
    "on {day} {he} called {doctor}, who advised coming in",
    "{his} {relation}, {relative}, confirms the history",
    "{who} tried rest at home with little relief",
    "nothing in particular makes it better",
    "similar but milder episodes have occurred in the past",
    "{who} was last seen at {place} on {day}",
    "the onset was {onset} and the course has been {course}",
)
_BEFORE_SUDDEN: Final = (
    "{his} {relation}, {relative}, confirms the history",
    "onset was sudden, on {day}",
    "{who} had been well until then",
    "{who} was last seen at {place} on {earlier}",
    "emergency services were called by {his} {relation}, {relative}",
    "{he} had last seen {doctor} on {earlier} for a routine visit",
)
_BEFORE_CHILD: Final = (
    "symptoms have been getting worse since {day}",
    "{who} was seen by {doctor} on {day}",
    "{his} {relation}, {relative}, gives the history",
    "on {day} {his} {relation} called {doctor}, who advised coming in",
    "{his} {relation} first noticed this on {day}",
    "no one else at home is ill at present",
    "{his} {relation} tried {R:acetaminophen} at home with little relief",
    "the onset was {onset} and the course has been {course}",
)
_ONSETS: Final = ("gradual", "sudden", "insidious", "fairly abrupt")
_COURSES: Final = ("steady", "fluctuating", "slowly progressive", "unchanged", "worse at night")


def write_chief_complaint(context: Context) -> None:
    """The complaint in a few words."""
    context.heading("chief complaint", break_line=context.chance(0.2))
    lead = context.case.symptoms[:1] or context.case.history[:1]
    phrase = context.findings(lead) if lead else context.disease(context.case.principal)
    if context.chance(0.4):
        phrase = chained(phrase, context.pick(" x ", " for "), context.ago(context.case.days_ill))
    context.note.sentence(phrase, end=context.pick("", ".", ""))
    context.close()


def complaint(context: Context) -> Sequence[Finding]:
    """The one to three symptoms that brought the patient."""
    symptoms = context.case.symptoms
    count = min(len(symptoms), context.rng.choice((1, 2, 2, 3)))
    return symptoms[:count]


def opening(context: Context) -> tuple[Phrase, Sequence[Finding]]:
    """Who the patient is and why they came, and the findings that are told by it."""
    told = complaint(context)
    phrase = context.findings(told, spoken=True) if told else context.disease(context.case.principal)
    history = _history(context)
    adult = not context.case.patient.child
    options: tuple[str, ...] = _TELEGRAPHIC_OPENINGS if context.style.telegraphic else _OPENINGS
    if context.later_visit:
        options = _OPENINGS_LATER if context.back_home else _OPENINGS_LATER[1:]
    template = context.rng.choice(options)
    frail = not adult or context.case.patient.age >= 70
    brought = "brought in" in template and not (frail and context.note_type != "clinic letter")
    admitted = "admitted" in template and not (context.in_hospital or context.later_visit)
    if brought or admitted or ("pleasant" in template and not adult):
        template = options[0]
    name = context.called() if context.chance(0.6) else _full_name(context)
    return (
        capitalised(
            context.say(
                template,
                name=name,
                age=context.age(),
                aged=context.aged(),
                person=context.person(),
                history=chained(_gestation(context), " with a history of ", history)
                if history
                else _gestation(context),
                history_after=chained("; history of ", history) if history else "",
                complaint=phrase,
                day=context.on(context.admitted),
                time=context.ago(context.case.days_ill),
                his=context.his,
                he=context.he,
                relation=context.case.patient.relation,
            )
        ),
        told,
    )


def _full_name(context: Context) -> Phrase:
    return ((context.case.patient.name.full, "NAME"),)


def _gestation(context: Context) -> str:
    weeks = context.case.gestation_weeks
    if not weeks:
        return ""
    return context.pick(
        f" at {weeks} weeks gestation", f", {weeks} weeks pregnant,", f" G2P1 at {weeks} weeks"
    )


def _history(context: Context) -> Phrase:
    """The comorbidities that come to a clinician's mind first."""
    diseases = context.case.comorbidities[: context.rng.choice((1, 2, 3, 3))]
    if not diseases or context.chance(0.12):
        return ()
    return joined([context.disease(d) for d in diseases])


def write_hpi(context: Context, *, short: bool = False) -> None:
    """The present illness: opening, other symptoms, what is denied, risks, what went before."""
    context.heading("hpi")
    first, told = opening(context)
    context.note.sentence(first)
    middle = [_associated(context, told), _risks(context), _denied(context)]
    if not short:
        middle.extend(_before(context, context.rng.choice((1, 1, 2))))
    if context.chance(0.3):
        context.rng.shuffle(middle)
    said = []
    for phrase in middle:
        if phrase and phrase not in said:
            context.note.sentence(phrase)
            said.append(phrase)
    context.close()


def _associated(context: Context, told: Sequence[Finding]) -> Phrase:
    rest = [f for f in context.case.symptoms if f not in told]
    implied = {name for f in told for name in f.implies}
    rest = [f for f in rest if f.name not in implied][:4]
    if not rest:
        return ()
    options = _TELEGRAPHIC_ASSOCIATED if context.style.telegraphic else _ASSOCIATED
    return context.say_one(options, who=context.who(), findings=context.findings(rest, spoken=True))


def _risks(context: Context) -> Phrase:
    risks = context.case.history[:2]
    if not risks:
        return ()
    if context.style.telegraphic:
        return chained("reports ", context.findings(risks))
    return context.say_one(_RISKS, who=context.who(), he=context.he, findings=context.findings(risks))


def _denied(context: Context) -> Phrase:
    absent = context.case.absent_symptoms[: context.rng.choice((2, 3, 3, 4))]
    if not absent:
        return ()
    options = _TELEGRAPHIC_DENIED if context.style.telegraphic else _DENIED
    return context.say_one(
        options,
        who=context.who(),
        he=context.he,
        findings=context.findings(absent, " or ", present=False),
        findings_or=context.findings(absent, " or ", present=False),
    )


def _before(context: Context, count: int) -> list[Phrase]:
    """What went before: sentences of which no two say the same."""
    case = context.case
    from_day = context.admitted
    recent = from_day.fromordinal(from_day.toordinal() - max(1, min(case.days_ill, 20)))
    templates: tuple[str, ...] = _BEFORE_CHILD if case.patient.age < 12 else _BEFORE
    if "sudden" in case.principal.flags:
        templates, recent = _BEFORE_SUDDEN, from_day
    return [
        context.say(
            template,
            who=context.who(),
            he=context.he,
            his=context.his,
            day=context.on(recent, full=context.chance(0.4)),
            earlier=context.on(from_day.fromordinal(from_day.toordinal() - context.rng.randint(20, 200))),
            doctor=context.doctor(context.family_doctor),
            relation=case.patient.relation,
            relative=((case.patient.relative.full, "NAME"),),
            place=context.place(),
            onset=context.pick(*_ONSETS),
            course=context.pick(*_COURSES),
        )
        for template in context.rng.sample(templates, count)
    ]


def write_ros(context: Context) -> None:
    """Review of systems: what was reported and what was denied, as lists or by system."""
    case = context.case
    absent = list(case.absent_symptoms)
    context.rng.shuffle(absent)
    context.heading("ros")
    if context.chance(0.35):
        _ros_by_system(context, absent)
        return
    positive = case.symptoms[:5]
    if positive:
        context.note.sentence(
            context.say_one(
                ("positive for {found}", "pertinent positives are {found}", "significant for {found}"),
                found=context.findings(positive),
            )
        )
    if absent:
        context.note.sentence(
            context.say_one(
                (
                    "negative for {found}",
                    "no {found}",
                    "denies {found}",
                    "pertinent negatives include {found}",
                ),
                found=context.findings(absent[:5], " or ", present=False),
            )
        )
    if context.chance(0.5):
        context.note.sentence(
            plain(
                context.pick(
                    "all other systems were reviewed and are negative",
                    "otherwise negative",
                    "a 10-point review is otherwise unremarkable",
                    "remainder per HPI",
                )
            )
        )
    context.close()


def _ros_by_system(context: Context, absent: Sequence[Finding]) -> None:
    systems: dict[str, list[Phrase]] = {}
    for finding in context.case.symptoms[:6]:
        systems.setdefault(finding.group, []).append(context.finding(finding))
    for finding in absent[:6]:
        systems.setdefault(finding.group, []).append(
            chained("no ", context.finding(finding, present=False))
        )
    context.note.end_line()
    for system, phrases in systems.items():
        context.note.line(chained(f"{system.title()}: ", joined(phrases, ", ")))
    if not systems:
        context.note.line(plain("Negative in detail."))

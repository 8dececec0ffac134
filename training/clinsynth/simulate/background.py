"""Past history, medications, allergies, social and family history."""

from __future__ import annotations

from typing import Final

from clinsynth.simulate.context import Context
from clinsynth.simulate.phrase import Phrase, capitalised, chained, fill, joined, plain
from clinsynth.simulate.plants import SOCIAL

_OLD: Final = 90
"""Age from which the number is an identifier."""


def write_history(context: Context) -> None:
    """Past medical history, and operations if any."""
    case = context.case
    context.heading("pmh")
    if not case.comorbidities:
        context.note.sentence(
            plain(
                context.pick(
                    "none", "noncontributory", "no chronic illnesses", "previously healthy", "unremarkable"
                )
            )
        )
        context.close()
    elif context.chance(0.6):
        items = [_with_detail(context, context.disease(d)) for d in case.comorbidities]
        context.items(items)
    else:
        context.note.sentence(joined([context.disease(d) for d in case.comorbidities]))
        context.close()
    surgeries = _surgeries(context)
    if surgeries or context.chance(0.3):
        context.heading("psh")
        phrase = (
            joined(surgeries, ", ")
            if surgeries
            else plain(context.pick("none", "no prior operations", "denies"))
        )
        context.note.sentence(phrase)
        context.close()


def _with_detail(context: Context, disease: Phrase) -> Phrase:
    if context.chance(0.25):
        year = context.day.year - context.rng.randint(1, 14)
        if year > context.case.patient.birth.year:
            return chained(
                capitalised(disease),
                context.pick(f", diagnosed in {year}", f" (since {year})", f", {year}"),
            )
    if context.chance(0.12):
        return chained(
            capitalised(disease),
            context.pick(", well controlled", ", on treatment", ", stable", ", followed in clinic"),
        )
    return capitalised(disease)


def _surgeries(context: Context) -> list[Phrase]:
    phrases: list[Phrase] = []
    for name, year in context.case.past.surgeries:
        detail = context.pick("", f" ({year})", f" in {year}", f" {year}")
        phrases.append(((name, "TREATMENT"), (detail, "")))
    return phrases


def write_medications(context: Context, section: str = "medications") -> None:
    """What the patient takes at home, with doses."""
    home = context.case.home
    context.heading(section)
    if not home:
        context.note.sentence(plain(context.pick("none", "no regular medications", "takes no medications")))
        context.close()
        return
    context.items([capitalised(context.treatment(t, dosed=True)) for t in home])
    context.close()


def write_allergies(context: Context) -> None:
    """Allergies with their reactions."""
    context.heading("allergies", break_line=False)
    allergies = context.case.allergies
    if not allergies:
        context.note.sentence(plain(context.pick("NKDA", "No known drug allergies", "None known", "NKA")))
    else:
        context.note.sentence(joined([_allergy(context, a.substance, a.reaction) for a in allergies], ", "))
    context.close()


def _allergy(context: Context, substance: str, reaction: str) -> Phrase:
    template = context.pick("{s} ({r})", "{s} - {r}", "{s}, which causes {r}", "{s} causes {r}", "{s}")
    label = "" if substance == "latex" else "TREATMENT"
    return fill(template, s=((substance, label),), r=((reaction, "PROBLEM"),))


def write_social(context: Context) -> None:
    """Home, work and habits, as fits the age."""
    context.heading("social")
    sentences = _childs_life(context) if context.case.patient.age < 16 else _adults_life(context)
    context.rng.shuffle(sentences)
    for phrase in sentences[: context.rng.choice((2, 3, 3, 4))]:
        context.note.sentence(phrase)
    for phrase in context.take_plants(SOCIAL):
        context.note.sentence(phrase)
    context.close()


def _childs_life(context: Context) -> list[Phrase]:
    patient = context.case.patient
    sentences = [
        context.say_one(
            (
                "lives with parents in {city}",
                "lives with {his} {relation} ({name})",
                "{his} {relation} is {name}",
            ),
            city=((patient.city, "LOCATION"),),
            his=context.his,
            relation=patient.relation,
            name=((patient.relative.full, "NAME"),),
        ),
        plain(
            context.pick(
                "immunizations are up to date",
                "vaccines UTD",
                "no smokers in the home",
                "a family dog at home",
            )
        ),
    ]
    if 2 <= patient.age_years < 5:
        sentences.append(plain("attends daycare"))
    elif patient.age_years >= 5:
        sentences.append(
            plain(context.pick(f"in grade {max(1, patient.age - 5)} at school", "does well in school"))
        )
    return sentences


_HOMES: Final = (
    "lives with {his} {relation} in {city}",
    "lives in {city} with {his} {relation}, {name}",
    "lives in {city}, {state}, with {his} {relation}",
    "{his} health care proxy is {name} ({relation})",
)
_WORK: Final = (
    "works as {a_job} at {employer}",
    "employed by {employer} as {a_job}",
    "works as {a_job}",
    "{job} at {employer}, currently on leave",
)
_RETIRED: Final = (
    "retired {job}",
    "retired from {employer}",
    "former {job} at {employer}",
    "used to be {a_job}",
)
_ALCOHOL: Final = {
    "none": ("no alcohol", "denies alcohol use", "does not drink", "no EtOH"),
    "some": ("drinks alcohol socially", "occasional wine", "rare EtOH", "a beer on weekends"),
}


def _adults_life(context: Context) -> list[Phrase]:
    patient, past = context.case.patient, context.case.past
    sentences = [
        context.say_one(
            _HOMES,
            his=context.his,
            relation=patient.relation,
            city=((patient.city, "LOCATION"),),
            state=patient.state,
            name=((patient.relative.full, "NAME"),),
        ),
        context.say_one(
            _WORK if patient.age < 66 else _RETIRED,
            job=past.job,
            a_job=f"{'an' if past.job[0] in 'aeio' else 'a'} {past.job}",
            employer=((patient.employer, "LOCATION"),),
        ),
        plain(_tobacco(context)),
    ]
    if past.alcohol:
        sentences.append(plain(context.pick(*_ALCOHOL[past.alcohol])))
    if past.drugs:
        sentences.append(
            plain(context.pick("no illicit drugs", "denies drug use", "no recreational drugs"))
        )
    return sentences


def _tobacco(context: Context) -> str:
    past = context.case.past
    years = past.tobacco_years
    if past.tobacco == "current":
        return context.pick(
            f"smokes one pack per day for {years} years",
            f"current smoker, {years} pack-years",
            "active smoker",
        )
    if past.tobacco == "former":
        return context.pick(
            f"quit smoking {years} years ago", "former smoker", f"ex-smoker, quit {years} years ago"
        )
    return context.pick("never smoker", "does not smoke", "denies tobacco use", "nonsmoker", "never smoked")


def write_family(context: Context) -> None:
    """Illnesses of relatives; their age is an identifier when it is over 89."""
    context.heading("family")
    family = context.case.past.family
    if not family:
        context.note.sentence(
            plain(
                context.pick(
                    "noncontributory", "no known hereditary disease", "unremarkable", "not obtained"
                )
            )
        )
    for relative in family:
        templates = (
            ("{relative} died at age {age} with {problem}", "{relative} had {problem} and died at {age}")
            if relative.died_at
            else ("{relative} with {problem}", "{problem} in {his} {relative}", "{relative}: {problem}")
        )
        context.note.sentence(
            context.say_one(
                templates,
                relative=relative.relation,
                age=((str(relative.died_at), "AGE" if relative.died_at >= _OLD else ""),),
                problem=((relative.disease, "PROBLEM"),),
                his=context.his,
            )
        )
    context.close()

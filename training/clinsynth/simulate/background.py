"""Past history, medications, allergies, social and family history."""

from __future__ import annotations

from typing import Final

from clinsynth.simulate.context import Context
from clinsynth.simulate.phrase import Phrase, capitalised, chained, fill, joined, plain
from clinsynth.simulate.plants import SOCIAL

_SURGERIES: Final = (
    ("appendectomy", 8, ""),
    ("tonsillectomy", 4, ""),
    ("cholecystectomy", 25, ""),
    ("inguinal hernia repair", 20, "male"),
    ("cesarean section", 22, "female"),
    ("hysterectomy", 42, "female"),
    ("vasectomy", 30, "male"),
    ("cataract extraction", 62, ""),
    ("right total knee replacement", 58, ""),
    ("carpal tunnel release", 35, ""),
    ("rotator cuff repair", 40, ""),
    ("wisdom tooth extraction", 18, ""),
)
_TWICE_EXCLUDED: Final = {
    "acute appendicitis": "appendectomy",
    "acute cholecystitis": "cholecystectomy",
    "inguinal hernia": "inguinal hernia repair",
    "knee osteoarthritis": "right total knee replacement",
    "peritonsillar abscess": "tonsillectomy",
    "streptococcal pharyngitis": "tonsillectomy",
}
_UTERUS_NEEDED: Final = frozenset(
    {"uterine fibroids", "endometriosis", "preeclampsia", "ectopic pregnancy", "hyperemesis gravidarum"}
    | {"pelvic inflammatory disease", "ovarian cancer"}
)
_FAMILY: Final = (
    ("coronary artery disease", "heart attack at 61"),
    ("hypertension", ""),
    ("type 2 diabetes", ""),
    ("stroke", ""),
    ("colon cancer", ""),
    ("asthma", ""),
    ("dementia", ""),
    ("kidney stones", ""),
    ("lung cancer", ""),
)
_JOBS: Final = (
    "teacher",
    "truck driver",
    "accountant",
    "cook",
    "nurse",
    "electrician",
    "warehouse worker",
    "bus driver",
    "office manager",
    "carpenter",
    "cashier",
    "farmer",
    "software tester",
    "mechanic",
)


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
    case = context.case
    had_uterus_out = any(d.name in _UTERUS_NEEDED for d in (case.principal, *case.comorbidities))
    possible = [
        name
        for name, age, sex in _SURGERIES
        if case.patient.age_years > age + 2
        and sex in ("", case.patient.sex)
        and _TWICE_EXCLUDED.get(case.principal.name) != name
        and not (name == "hysterectomy" and (had_uterus_out or case.patient.age < 45))
    ]
    if case.patient.age < 12:
        return []
    chosen = context.rng.sample(possible, min(len(possible), context.rng.choice((0, 0, 1, 1, 2))))
    phrases: list[Phrase] = []
    for name in chosen:
        year = context.day.year - context.rng.randint(1, min(25, case.patient.age - 4))
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
        context.say("lives with parents in {city}", city=((patient.city, "LOCATION"),)),
        context.say(
            "lives with {his} {relation} ({name})",
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


def _adults_life(context: Context) -> list[Phrase]:
    patient, case = context.case.patient, context.case
    job = context.pick(*_JOBS)
    working = patient.age < 66
    smoker = any(
        d.name
        in (
            "chronic obstructive pulmonary disease",
            "lung cancer",
            "bladder cancer",
            "peripheral artery disease",
        )
        for d in (case.principal, *case.comorbidities)
    )
    drinks = any(f.name == "heavy alcohol use" for f in case.history)
    injects = any(f.name == "injection drug use" for f in case.history)
    sentences = [
        context.say_one(
            (
                "lives with {his} {relation} in {city}",
                "lives in {city} with {his} {relation}, {name}",
                "lives in {city}, {state}",
                "lives alone; {his} {relation} {name} is nearby",
                "{his} health care proxy is {name} ({relation})",
            ),
            his=context.his,
            relation=patient.relation,
            city=((patient.city, "LOCATION"),),
            state=patient.state,
            name=((patient.relative.full, "NAME"),),
        ),
        context.say_one(
            (
                "works as a {job} at {employer}",
                "employed by {employer} as a {job}",
                "works as a {job}",
                "{job} at {employer}, currently on leave",
            )
            if working
            else (
                "retired {job}",
                "retired from {employer}",
                "former {job} at {employer}",
                "a retired {job}",
            ),
            job=job,
            employer=((patient.employer, "LOCATION"),),
        ),
        plain(_tobacco(context, smoker)),
    ]
    if not drinks:
        sentences.append(
            plain(
                context.pick(
                    "drinks alcohol socially",
                    "no alcohol",
                    "occasional wine",
                    "rare EtOH",
                    "denies alcohol use",
                )
            )
        )
    if not injects:
        sentences.append(
            plain(context.pick("no illicit drugs", "denies drug use", "no recreational drugs"))
        )
    return sentences


def _tobacco(context: Context, smoker: bool) -> str:
    years = context.rng.randint(1, max(2, min(50, context.case.patient.age - 16)))
    if smoker:
        return context.pick(
            f"{years + 10}-pack-year smoking history",
            f"smokes one pack per day for {years} years",
            f"former smoker, {years + 12} pack-years",
            f"quit smoking {max(1, years // 3)} years ago",
        )
    return context.pick(
        "never smoker",
        "does not smoke",
        "denies tobacco use",
        "nonsmoker",
        f"quit smoking {years} years ago",
        "never smoked",
    )


def write_family(context: Context) -> None:
    """Illnesses of relatives; their age is an identifier when it is over 89."""
    context.heading("family")
    count = context.rng.choice((0, 1, 1, 2))
    if not count:
        context.note.sentence(
            plain(
                context.pick(
                    "noncontributory", "no known hereditary disease", "unremarkable", "not obtained"
                )
            )
        )
    young = context.case.patient.age < 25
    relatives = context.rng.sample(
        ("mother", "father", "sister", "brother", "maternal grandmother", "paternal grandfather"), count
    )
    for relative in relatives:
        disease, _ = context.rng.choice(_FAMILY)
        if young and "grand" not in relative:
            disease = context.pick("asthma", "hypertension", "migraine")
        problem: Phrase = ((disease, "PROBLEM"),)
        if not young and context.chance(0.2):
            age = context.rng.randint(90, 99) if relative == "mother" else context.rng.randint(58, 89)
            label = "AGE" if age >= 90 else ""
            phrase = fill(
                context.pick(
                    "{relative} died at age {age} with {problem}",
                    "{relative} had {problem} and died at {age}",
                ),
                relative=relative,
                age=((str(age), label),),
                problem=problem,
            )
        else:
            phrase = fill(
                context.pick(
                    "{relative} with {problem}",
                    "{problem} in {his} {relative}",
                    "{relative}: {problem}",
                    "{relative} has {problem}",
                ),
                relative=relative,
                problem=problem,
                his=context.his,
            )
        context.note.sentence(phrase)
    context.close()

"""What the sections of one note share: the case, the author's style, the words for things.

The methods that return a phrase choose among the ways to write a thing and label it. Entities are whole
noun phrases with their modifiers, without article: negated problems too, tests without their values, drugs
without their doses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final

from clinsynth.simulate import identifiers
from clinsynth.simulate.builder import NoteBuilder
from clinsynth.simulate.case import Case
from clinsynth.simulate.people import Name
from clinsynth.simulate.phrase import (
    PROBLEM,
    TEST,
    TREATMENT,
    Phrase,
    article,
    chained,
    fill,
    joined,
    plain,
)
from clinsynth.simulate.style import Style
from clinsynth.simulate.table import Disease, Finding, Procedure, Table
from clinsynth.simulate.treatment import Treatment

_MODIFIERS: Final = ("mild", "moderate", "severe", "worsening", "progressive", "intermittent", "persistent")
_MODIFIED: Final = frozenset(
    [
        "fatigue",
        "headache",
        "nausea",
        "vomiting",
        "cough",
        "diarrhea",
        "myalgias",
        "dysuria",
        "pruritus",
        "vertigo",
        "constipation",
        "shortness-of-breath",
        "dyspnea",
        "abdominal-pain",
        "epigastric-pain",
        "flank-pain",
        "pelvic-pain",
        "back-pain",
    ]
)
_DEGREES: Final = ("MD", "MD", "M.D.", "DO", "MD", "MD, PhD")
_ROUTES: Final = {
    "by mouth": ("by mouth", "PO", "PO", "orally"),
    "intravenously": ("IV", "IV", "intravenously"),
    "subcutaneously": ("subcutaneously", "SC", "subQ"),
    "intramuscularly": ("IM", "intramuscularly"),
    "by inhalation": ("inhaled", "by inhalation", "INH"),
    "by nebulizer": ("nebulized", "via nebulizer", "neb"),
    "under the tongue": ("sublingually", "SL", "under the tongue"),
}
_FREQUENCIES: Final = (
    ("three times daily", "TID"),
    ("four times daily", "QID"),
    ("twice daily", "BID"),
    ("at bedtime", "QHS"),
    ("every morning", "qAM"),
    ("every other day", "QOD"),
    ("as needed for", "PRN"),
    ("as needed", "PRN"),
    ("weekly", "qweek"),
    ("every 24 hours", "q24h"),
    ("every 12 hours", "q12h"),
    ("every 8 hours", "q8h"),
    ("every 6 hours", "q6h"),
    ("every 4 hours", "q4h"),
    ("daily", "qd"),
)


@dataclass(slots=True, repr=False)
class Context:
    """A note in the making.

    Args:
        day: date of the note; ``admitted`` of the first encounter of the illness.
        day_number: day in hospital, from 1.
        plants: place in a note -> sentences with identifiers that are to stand there.
    """

    rng: Random
    table: Table
    case: Case
    style: Style
    note_type: str
    specialty: str
    facility: str
    attending: Name
    colleague: Name
    family_doctor: Name
    admitted: date
    day: date
    day_number: int
    operated: date
    plants: dict[str, list[Phrase]]
    note: NoteBuilder

    @property
    def in_hospital(self) -> bool:
        """Whether the patient is, or is about to be, an inpatient of the author."""
        return self.note_type not in ("clinic letter", "emergency department note")

    @property
    def later_visit(self) -> bool:
        """Whether this is a letter about a patient seen before."""
        return self.note_type == "clinic letter" and self.day > self.admitted

    @property
    def back_home(self) -> bool:
        """Whether that was a stay in hospital."""
        principal = self.case.principal
        return self.later_visit and principal.acuity == "acute" and "inpatient" in principal.settings

    # Chance and choice.

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.rng.random() < probability

    def pick(self, *options: str) -> str:
        """One of the options."""
        return self.rng.choice(options)

    def say(self, template: str, /, **slots: str | Phrase) -> Phrase:
        """A template filled in this author's style."""
        return fill(template, self.chance(self.style.shorthand), **slots)

    def say_one(self, options: Sequence[str], /, **slots: str | Phrase) -> Phrase:
        """One of several templates, filled."""
        return self.say(self.rng.choice(options), **slots)

    # Words for things.

    def located(self, text: str) -> str:
        """Markup with side and size of this case filled in."""
        if "{" in text:
            text = text.replace("{side}", self.case.side)
            text = text.replace("{size}", self.case.size).replace("{stone}", self.case.stone)
        return text

    def finding(self, finding: Finding, *, present: bool = True, spoken: bool = False) -> Phrase:
        """A finding as a problem; parts of the history are no problems.

        Args:
            present: false for what is denied: no modifier then.
            spoken: in a full sentence: with an article where English wants one.
        """
        if finding.abbreviations and self.chance(self.style.abbreviate):
            text = self.rng.choice(finding.abbreviations)
        else:
            phrase = self.case.wording.get(finding.name) or self.rng.choice(finding.phrases)
            text = self.located(phrase)
        if finding.kind == "history":
            return plain(text)
        bare = text.replace(" ", "-")
        if present and bare in _MODIFIED and self.chance(0.25):
            text = f"{self.rng.choice(_MODIFIERS)} {text}"
        if text.startswith(("a ", "an ")):
            lead, _, text = text.partition(" ")
            return ((f"{lead} ", ""), (text, PROBLEM))
        lead = article(text) if spoken and not self.style.telegraphic else ""
        return ((lead, ""), (text, PROBLEM)) if lead else ((text, PROBLEM),)

    def disease(self, disease: Disease, *, canonical: bool = False) -> Phrase:
        """A disease as a problem."""
        if canonical:
            return ((disease.name, PROBLEM),)
        if disease.abbreviations and self.chance(self.style.abbreviate):
            return ((self.rng.choice(disease.abbreviations), PROBLEM),)
        if disease.aliases and self.chance(0.3):
            return ((self.rng.choice(disease.aliases), PROBLEM),)
        return ((disease.name, PROBLEM),)

    def analyte(self, name: str) -> Phrase:
        """A measured thing as a test."""
        analyte = self.table.analytes[name]
        if analyte.abbreviations and self.chance(max(self.style.abbreviate, 0.35)):
            return ((self.rng.choice(analyte.abbreviations), TEST),)
        return ((self.rng.choice(analyte.names), TEST),)

    def study(self, name: str) -> Phrase:
        """A study as a test."""
        study = self.table.studies[name]
        if study.abbreviations and self.chance(self.style.abbreviate):
            return ((self.rng.choice(study.abbreviations), TEST),)
        return ((self.rng.choice(study.names), TEST),)

    def treatment(self, treatment: Treatment, *, dosed: bool = False) -> Phrase:
        """A drug or other care as a treatment, with dose, route and frequency behind it if wanted."""
        drug = treatment.drug
        if drug is None:
            assert treatment.care is not None
            return self.procedure(treatment.care)
        text = drug.name
        if drug.brands and self.chance(0.08):
            text = self.rng.choice(drug.brands)
        if not dosed:
            return ((text, TREATMENT),)
        return (
            (text, TREATMENT),
            (f" {treatment.dose} {self._route(treatment)}{self._often(treatment)}", ""),
        )

    def _route(self, treatment: Treatment) -> str:
        options = _ROUTES.get(treatment.route)
        return self.rng.choice(options) + " " if options else f"{treatment.route} "

    def _often(self, treatment: Treatment) -> str:
        text = treatment.frequency
        if self.chance(max(0.25, self.style.shorthand)):
            for long, short in _FREQUENCIES:
                if long in text:
                    return text.replace(long, short)
        return text

    def procedure(self, procedure: Procedure) -> Phrase:
        """An operation, a bedside procedure or other care as a treatment."""
        if procedure.abbreviations and self.chance(self.style.abbreviate * 0.8):
            text = self.rng.choice(procedure.abbreviations)
        else:
            text = self.rng.choice((procedure.name, *procedure.aliases))
        if text.startswith("a "):
            return (("a ", ""), (text[2:], TREATMENT))
        return ((text, TREATMENT),)

    def findings(
        self,
        findings: Sequence[Finding],
        last: str = " and ",
        *,
        present: bool = True,
        spoken: bool = False,
    ) -> Phrase:
        """Several findings in a row."""
        return joined([self.finding(f, present=present, spoken=spoken) for f in findings], last)

    # The patient.

    @property
    def female(self) -> bool:
        """Whether the patient is."""
        return self.case.patient.sex == "female"

    @property
    def he(self) -> str:
        """``he`` or ``she``."""
        return "she" if self.female else "he"

    @property
    def his(self) -> str:
        """``his`` or ``her``."""
        return "her" if self.female else "his"

    def age(self) -> Phrase:
        """``64-year-old``, ``5-month-old``, ``64 y.o.``; an age over 89 is an identifier."""
        patient = self.case.patient
        if patient.age_years < 0.25:
            return plain(f"{max(1, round(patient.age_years * 52))}-week-old")
        if patient.age_years < 2:
            return plain(f"{round(patient.age_years * 12)}-month-old")
        number: Phrase = ((str(patient.age), "AGE" if patient.age >= 90 else ""),)
        if self.style.shorthand and self.chance(0.8):
            return chained(number, self.pick("yo", "yo", " y/o", " y.o.", "-yo"))
        return chained(number, self.pick("-year-old", "-year-old", "-year-old", " year old"))

    def aged(self) -> Phrase:
        """The age with its article: ``an 82-year-old``, ``a 5-week-old``."""
        age = self.age()
        number = age[0][0].split("-")[0].split()[0]
        digits = "".join(character for character in number if character.isdigit())
        vowel = digits.startswith("8") or digits in ("11", "18")
        return chained("an " if vowel else "a ", age)

    def person(self) -> str:
        """``woman``, ``gentleman``, ``boy``, ``F``: a noun for the patient."""
        patient = self.case.patient
        if self.style.shorthand > 0.3 and self.chance(0.6):
            return "F" if self.female else "M"
        if patient.age_years < 1:
            return "infant girl" if self.female else "infant boy"
        if patient.child:
            return self.pick("girl", "girl", "female") if self.female else self.pick("boy", "boy", "male")
        if self.female:
            return self.pick("woman", "woman", "female", "lady")
        return self.pick("man", "man", "male", "gentleman")

    def who(self) -> Phrase:
        """A subject for a sentence: pronoun, ``the patient``, or title and family name."""
        if self.style.telegraphic:
            return plain(self.pick("pt", "pt", "patient"))
        if self.chance(0.3):
            return self.called()
        return plain(self.pick("the patient", self.he, self.he))

    def called(self) -> Phrase:
        """``Mr. Smith``; a child by the first name."""
        name = self.case.patient.name
        if self.case.patient.child:
            return ((name.first, "NAME"),)
        title = self.pick("Ms. ", "Mrs. ", "Ms. ") if self.female else "Mr. "
        return ((title, ""), (name.last, "NAME"))

    def patient_name(self) -> Phrase:
        """The full name as headers print it."""
        name = self.case.patient.name
        text = self.pick(
            name.full,
            name.full,
            f"{name.last}, {name.first}",
            f"{name.last}, {name.first} {name.initial}.",
            f"{name.last.upper()}, {name.first.upper()}"
            if len(name.full.upper()) == len(name.full)
            else name.full,
            f"{name.first} {name.initial}. {name.last}",
        )
        return ((text, "NAME"),)

    def doctor(self, name: Name, *, signed: bool = False) -> Phrase:
        """A clinician: ``Dr. Silva``, ``J. Silva, MD``; in full where they sign."""
        if signed:
            # Follows from the name, so that it is the same in every note.
            degree = _DEGREES[(len(name.full) + ord(name.initial)) % len(_DEGREES)]
            text = self.pick(
                name.full,
                name.full,
                f"{name.first} {name.initial}. {name.last}",
                f"{name.first[0]}. {name.last}",
            )
            return ((text, "NAME"), (f", {degree}", ""))
        return (("Dr. ", ""), (self.pick(name.last, name.last, name.full), "NAME"))

    def place(self) -> Phrase:
        """The hospital or clinic."""
        return ((self.facility, "LOCATION"),)

    # Days.

    def on(self, day: date, *, full: bool = True) -> Phrase:
        """A date in the author's main form, sometimes in another."""
        form = self.style.date
        if self.chance(0.12):
            form = self.pick("mdy", "long", "mdy-short")
        if full:
            return ((identifiers.date_text(day, form), "DATE"),)
        return ((identifiers.short_date_text(day, form), "DATE"),)

    def ago(self, days: int) -> str:
        """How long something has lasted: ``3 days``, ``two weeks``."""
        if days <= 0:
            return self.pick("several hours", "6 hours", "4 hours", "8 hours", "12 hours")
        if days == 1:
            return self.pick("1 day", "one day", "24 hours")
        if days < 14:
            return self.pick(f"{days} days", f"{days} days", f"{days}-{days + 1} days", f"{days}d")
        if days < 60:
            weeks = round(days / 7)
            return self.pick(f"{weeks} weeks", f"{weeks} wks", f"{weeks}-{weeks + 1} weeks")
        if days < 360:
            months = round(days / 30)
            return self.pick(f"{months} months", "several months", f"{months} months")
        years = round(days / 365)
        return self.pick("one year", "12 months") if years == 1 else f"{years} years"

    def later(self, low: int, high: int) -> date:
        """A day after the note's."""
        return self.day + timedelta(days=self.rng.randint(low, high))

    # Layout.

    def heading(self, section: str, *, break_line: bool | None = None) -> None:
        """Opens a section; its text follows on the same line or the next, as the style has it."""
        self.note.blank()
        self.note.text(self.style.heading(self.rng, section))
        same_line = self.style.inline if break_line is None else not break_line
        self.note.text(" " if same_line else "\n")

    def close(self) -> None:
        """Ends a section's last line."""
        self.note.end_line()

    def items(self, phrases: Sequence[Phrase]) -> None:
        """A list: bullets, numbers, or one line with commas."""
        if not phrases:
            return
        bullet = self.style.bullet
        if not bullet:
            self.note.sentence(joined(phrases, ", ", ", "))
            self.close()
            return
        self.note.end_line()
        for number, phrase in enumerate(phrases, 1):
            self.note.text(bullet.replace("1", str(number)))
            self.note.line(phrase)

    def take_plants(self, place: str) -> list[Phrase]:
        """The planted sentences for a place, once."""
        return self.plants.pop(place, [])

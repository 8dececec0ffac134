"""What stands in a note before anything is put in: placeholders of scrubbed notes, and real identifiers.

Placeholders (``Dr. X``, ``ABCD General Hospital``, ``MM/DD/YYYY``) and names of people become identifiers of
the note's scene, each person of the note keeping one name throughout. Dates, ages over 89, telephone
numbers, hospitals and towns stay as they are and are marked. Rules are general and err towards marking; what
they do not see must be marked by eye.

A month without its year, and a holiday, is a date; a lone weekday is not, nor is a year.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from clinsynth.corpus.note import Note, Span
from clinsynth.inject.formats import STATES
from clinsynth.inject.people import Person
from clinsynth.inject.scene import Scene, Segment

MONTHS: Final = (
    r"(?:January|February|March|April|June|July|August|September|October|November|December"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)"
)
_DAY: Final = r"(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_YEAR: Final = r"(?:19|20)\d\d"
_HOLIDAYS: Final = (
    r"Christmas|Thanksgiving|Easter|Halloween|Labor Day|Memorial Day|New Year's(?: Day| Eve)?"
)

_DATES: Final = re.compile(
    rf"""
    (?<![\d/.-])(?:0?[1-9]|1[0-2])(?P<sep>[/-])(?:0?[1-9]|[12]\d|3[01])(?P=sep)(?:{_YEAR}|\d\d)(?![\d/])
    | (?<![\d/-])(?:0?[1-9]|1[0-2])/{_YEAR}(?![\d/])
    | (?<![\d/-])(?:0[1-9]|[1-9]|1[0-2])/(?:0[0-9]|[89]\d)(?![\d/%-])
    | (?<=\bon\s)(?:0?[1-9]|1[0-2])/(?:[12]\d|3[01]|0?[1-9])(?![\d/%-])(?!\s(?:of|strength|scale))
    | \b(?:{MONTHS}|May)\b\.?\s{_DAY}(?!\d)(?:(?:,\s?|\s){_YEAR})?
    | \b{_DAY}\s(?:of\s)?(?:{MONTHS}|May)\b(?:,?\s{_YEAR})?
    | \b(?:{MONTHS}|May)\b,?(?:\sof)?\s{_YEAR}
    | (?<=\b[Ii]n\s)May\b | (?<=\b[Oo]f\s)May\b | (?<=\bsince\s)May\b | (?<=\blast\s)May\b
    | \b(?:January|February|March|April|June|July|August|September|October|November|December)\b
    | \b(?:{_HOLIDAYS})\b
    | (?<=day,\sthe\s){_DAY}(?=[\s.,;]) | (?:(?<=\bon\sthe\s)|(?<=\bwas\sthe\s)|(?<=\buntil\sthe\s))(?:[1-9]|[12]\d|3[01])(?:st|nd|rd|th)(?=[.,;]|\sof\sthe\smonth)
    """,
    re.VERBOSE,
)
_AGES: Final = re.compile(
    r"(?<![\d.])(?:9\d|1[01]\d)(?=(?:\s|-)(?:years?|yrs?|y/?o|y\.o)\b)|(?<=\b[Aa]ge\s)(?:9\d|1[01]\d)\b"
    r"|\b[Nn]inety-(?:one|two|three|four|five|six|seven|eight|nine)(?=[\s-]year)"
)
_PHONES: Final = re.compile(r"(?<![\d-])(?:\(\d{3}\)\s?|\d{3}[-.])?\d{3}[-.]\d{4}(?![\d-])")
_NAMES_OF_STATES: Final = "|".join(sorted({name for name, _ in STATES}, key=len, reverse=True))
_TOWNS: Final = re.compile(
    rf"\b((?:[A-Z][a-z]+\s){{0,2}}[A-Z][a-z]+),\s(?:{_NAMES_OF_STATES}|(?:{'|'.join(code for _, code in STATES)})\b)"
)
_HOUSES: Final = (
    r"(?:Hospital|Medical Center|Health Center|Clinic|Nursing Home|Surgery Center|Care Center|Rehab Center"
    r"|Institute|University|High School|Elementary School|Middle School|Hospice)"
)
_FACILITIES: Final = re.compile(
    rf"\b(?:St\.?\s|Mt\.?\s)?(?:[A-Z][\w'’&-]*\s){{1,4}}?{_HOUSES}(?:\s{_HOUSES})?\b"
    r"|\bUniversity\sof\s[A-Z][a-z]+(?:\s[A-Z][a-z]+)?\b|\b[A-Z][a-z]+\sCollege(?:\sof\sMedicine)?\b|\bUIHC\b"
)
_GENERAL: Final = frozenset(
    [
        "a",
        "an",
        "the",
        "this",
        "our",
        "your",
        "his",
        "her",
        "my",
        "from",
        "in",
        "at",
        "to",
        "of",
        "and",
        "for",
        "by",
        "with",
        "outside",
        "local",
        "county",
        "city",
        "state",
        "university",
        "general",
        "memorial",
        "community",
        "regional",
        "medical",
        "clinical",
        "surgical",
        "surgery",
        "health",
        "care",
        "center",
        "clinic",
        "hospital",
        "institute",
        "outpatient",
        "inpatient",
        "day",
        "psychiatric",
        "mental",
        "behavioral",
        "rehabilitation",
        "rehab",
        "vision",
        "eye",
        "ear",
        "nose",
        "throat",
        "ent",
        "pain",
        "management",
        "cancer",
        "oncology",
        "hematology",
        "cardiology",
        "cardiac",
        "heart",
        "pulmonary",
        "sleep",
        "spine",
        "neurology",
        "neurosurgery",
        "neuroophthalmology",
        "neuroopthalmology",
        "nephrology",
        "renal",
        "kidney",
        "transplant",
        "transplantation",
        "intestinal",
        "liver",
        "gi",
        "urology",
        "pediatric",
        "pediatrics",
        "rheumatology",
        "endocrine",
        "endocrinology",
        "diabetes",
        "obesity",
        "bariatric",
        "orthopedic",
        "orthopaedic",
        "podiatry",
        "physiatry",
        "wound",
        "burn",
        "trauma",
        "stroke",
        "lymphedema",
        "device",
        "wheelchair",
        "maintenance",
        "methadone",
        "atrial",
        "fibrillation",
        "occupational",
        "physical",
        "therapy",
        "public",
        "home",
        "emergency",
        "urgent",
        "primary",
        "family",
        "practice",
        "internal",
        "medicine",
        "women's",
        "children's",
        "veterans",
        "va",
        "treatment",
        "residential",
        "life",
        "skilled",
        "nursing",
        "school",
        "high",
        "middle",
        "elementary",
        "academy",
        "teaching",
        "walk-in",
        "follow-up",
        "new",
        "old",
        "level",
        "trauma",
        "life",
        "birth",
        "birthing",
        "behavior",
        "chiropractic",
        "wellness",
        "diseases",
        "disease",
        "special",
        "surgicenter",
        "dental",
        "hand",
        "foot",
        "breast",
        "strabismus",
        "genetics",
        "allergy",
        "voice",
        "hearing",
        "balance",
        "dizziness",
        "movement",
        "disorders",
        "memory",
        "headache",
        "coumadin",
        "anticoagulation",
        "preoperative",
        "surgeon",
        "national",
        "us",
        "u.s",
        "dialysis",
        "ambulatory",
        "infectious",
        "dermatology",
        "gastroenterology",
        "gyn",
        "ob",
        "gynecology",
        "obstetrics",
        "prenatal",
        "perinatal",
        "maternal",
        "fetal",
        "nicu",
        "icu",
        "imaging",
        "radiology",
        "tertiary",
        "sample",
    ]
)

_BLANK: Final = r"(?:ABCD|ABC|Abcd|Abc|XYZ|Xyz|XY|X{2,6}|Xx{2,5})"
_CAPITAL: Final = r"(?:[A-Z]['’])?[A-Z][A-Za-z-]*"
_DOCTORS: Final = re.compile(rf"\b(?:Dr|DR)\b\.?[ \n]{{1,2}}({_CAPITAL})(?:[ ]({_CAPITAL}))?")
_TITLED: Final = re.compile(
    rf"\b(?P<title>Mr|Mrs|Ms|Miss|Mister|MR|MRS|MS)\b\.?[ \n]{{1,2}}({_CAPITAL})(?:[ ]({_CAPITAL}))?"
)
_PAIRS: Final = re.compile(
    rf"\b(?:Drs|Doctors)\b\.?[ ]({_CAPITAL})(?:,[ ]({_CAPITAL}))?,?[ ]and[ ]({_CAPITAL})"
)
_CREDENTIALS: Final = re.compile(
    rf"((?:{_CAPITAL}\.?[ ]){{0,2}}{_CAPITAL}),[ ]?(?:M\.?D\.?|D\.?O\.?|R\.?N\.?|Ph\.?D\.?|PA(?:-C)?|N\.?P\.?|CNP|D\.?C\.?|D\.?P\.?M\.?|D\.?D\.?S\.?)(?!\w)"
)
_DOE: Final = re.compile(r"\b(?:John|Jane|JOHN|JANE)[ ](?:Doe|DOE|Q\.?[ ](?:Public|Doe))\b")
_OPENING: Final = re.compile(
    r"^(?:Mr\. |Mrs\. |Ms\. )?([A-Z][a-z]+[ ][A-Z][a-z]+)(?=,?[ ]is[ ]an?[ ](?:\d|very|pleasant|known|[a-z]+-year))",
    re.MULTILINE,
)
_NO_NAME: Final = frozenset(
    [
        "The",
        "It",
        "He",
        "She",
        "This",
        "That",
        "In",
        "On",
        "At",
        "We",
        "I",
        "They",
        "There",
        "His",
        "Her",
        "A",
        "An",
        "Patient",
        "And",
        "Or",
        "No",
        "Was",
        "Is",
        "With",
        "And",
        "Of",
        "To",
    ]
)
_BLANK_DATE: Final = re.compile(
    r"\b(?:MM/DD/(?:YYYY|YY)|mm/dd/(?:yyyy|yy)|XX/XX/(?:XXXX|XX|(?:19|20)?\d\d)|Month[ ]DD,[ ]YYYY|(?:MM|mm)-(?:DD|dd)-(?:YYYY|yyyy))\b"
)
_BLANK_HOUSE: Final = re.compile(
    rf"\b{_BLANK}[ ]((?:General|Memorial|Medical|Surgical|Psychiatric|Regional|Community|Methodist|Baptist"
    rf"|University|County|Dialysis|Nursing|High|Surgery)[ ])*(?:Hospital|Center|Clinic|Home|School|Health"
    rf"|Hospice|University|Institute|Medical[ ]Center)\b"
)
_BLANK_WORD: Final = re.compile(rf"(?<![\w,/-])(?<!46){_BLANK}\b(?!-)")
_BLANK_AGE: Final = re.compile(r"\bX{2,3}(?=[- ](?:year|month|week|day|yr)s?[- ]old)")
_BLANK_LINE: Final = re.compile(r"(?<=\bDr\. )_{3,}|(?<=\bMr\. )_{3,}|(?<=\bMrs\. )_{3,}|(?<=\bMs\. )_{3,}")
_VERB: Final = re.compile(
    r"\s(?:is|was|has|had|will|does|did|denies|denied|stated?s?|reports?|reported|came|tolerated|returns?|presents"
    r"|presented|underwent|and (?:his|her)|along|indicated|appears|today|who)\b|['’]s\b"
)
_TO_PLACE: Final = re.compile(r"\b(?:at|to|from|of|outside)\s$")
_TO_TOWN: Final = re.compile(r"\b(?:born in|lives in|raised in|live in|moved to|area of|in|near)\s$")
_LABELLED: Final = re.compile(
    r"\b(?:RE|Re|NAME|Name|PATIENT|Patient|EXAMINEE|CLAIMANT|Claimant|Examinee)\s?:\s*$"
)
_TO_DOCTOR: Final = re.compile(
    r"\b(?:by|help of|chiropractor,|physician,|psychologist,|surgeon,|dentist,)\s$"
)
_TO_PERSON: Final = re.compile(
    r"(?:\b(?:talked to|spoke to|spoke with|call|told|asked|greeted)\s|\b(?:seen|seeing|see|saw|meet|with|following|for|evaluated)\s)$"
)
_DOCTOR_BEFORE: Final = re.compile(r"\bDrs?\.?\s$")
_TITLE_BEFORE: Final = re.compile(r"\b(?:Mr|Mrs|Ms|Miss)\.?\s$")
_PATIENT_BEHIND: Final = re.compile(r",?\sis\san?\s")
_KIN_NAMED: Final = re.compile(
    r"\b(?:wife|husband|son|daughter|mother|father|sister|brother|partner),?[ ]([A-Z][a-z]{2,})(?=[,.]|\swho\b|\sis\b)"
)
_SIDED: Final = re.compile(r"\s(?:eye|ear|upper|lower|knee|breast|leg|arm|hand|foot|lid|side|hip)\b")


@dataclass(frozen=True, repr=False)
class Change:
    """Characters ``start`` to ``end`` of a note, and what comes in their place."""

    start: int
    end: int
    segments: tuple[Segment, ...]


def standing(note: Note, scene: Scene) -> tuple[list[Change], list[Span]]:
    """What of a note must be replaced, and what of it is an identifier and stays; both sorted, apart.

    Identifiers that the note comes with stay; its names become those of the scene.
    """
    names = [span for span in note.phi if span.label == "NAME"]
    kept = [span for span in note.phi if span.label != "NAME"]
    found = list(_changes(note.text, names, scene))
    changes = _apart(found, kept)
    taken = [Span(change.start, change.end, "NAME") for change in changes]
    marks = _apart(list(_marks(note.text)), [*kept, *taken])
    return changes, sorted([*kept, *marks])


def _apart(found: Sequence[Change | Span], taken: Iterable[Span]) -> list:  # type: ignore[type-arg]
    """Of what was found, in the order of precedence, what overlaps neither what is taken nor another."""
    kept: list[Change | Span] = []
    places = [(span.start, span.end) for span in taken]
    for one in found:
        if all(one.end <= start or end <= one.start for start, end in places):
            kept.append(one)
            places.append((one.start, one.end))
    return sorted(kept, key=lambda one: one.start)


def _marks(text: str) -> Iterator[Span]:
    """Identifiers that stay, in the order of precedence."""
    for pattern, label in ((_DATES, "DATE"), (_AGES, "AGE"), (_PHONES, "PHONE")):
        yield from (Span(*match.span(), label) for match in pattern.finditer(text))
    for match in _FACILITIES.finditer(text):
        start = _named_from(match.group(), match.start())
        if start is not None:
            yield Span(start, match.end(), "LOCATION")
    yield from (Span(*match.span(1), "LOCATION") for match in _TOWNS.finditer(text))


def _named_from(facility: str, start: int) -> int | None:
    """Where a facility's own name begins; None when it has none ("Pain Management Clinic")."""
    words = list(re.finditer(r"\S+", facility))
    if facility == "UIHC":  # of Iowa: spelt out nowhere in the notes that name it
        return start
    own = [
        w
        for w in words
        if w.group().lower().strip(".,'’s") not in _GENERAL and w.group().lower() not in _GENERAL
    ]
    own = [w for w in own if not (len(w.group()) > 3 and w.group().isupper() and not facility.isupper())]
    if not own or (own[0].group().strip(".") in ("St", "Mt") and len(own) == 1):
        return None
    return start + (
        words[0].start() if words[0].group() not in ("The", "At", "In", "From") else words[1].start()
    )


def _changes(text: str, names: Sequence[Span], scene: Scene) -> Iterator[Change]:
    """What is replaced, in the order of precedence."""
    people = _People(scene)
    for span in names:
        yield people.known(text, span)
    for match in _DOE.finditer(text):
        yield Change(*match.span(), (Segment(scene.name(scene.cast.patient, "full"), "NAME"),))
    for match in _OPENING.finditer(text):
        if not _NO_NAME & set(match.group(1).split()):
            yield Change(*match.span(1), (Segment(scene.name(scene.cast.patient, "full"), "NAME"),))
    yield from _titled(text, people)
    for match in _KIN_NAMED.finditer(text):
        yield Change(*match.span(1), (Segment(scene.cast["relative"].given, "NAME"),))
    for match in _BLANK_DATE.finditer(text):
        yield Change(*match.span(), (Segment(scene.value("DATE", "full"), "DATE"),))
    for match in _BLANK_LINE.finditer(text):
        yield Change(*match.span(), (Segment(scene.cast["doctor"].family, "NAME"),))
    for match in _BLANK_HOUSE.finditer(text):
        tail = match.group().partition(" ")[2]
        yield Change(*match.span(), (Segment(f"{scene.stem} {tail}", "LOCATION"),))
    for match in _BLANK_AGE.finditer(text):
        yield Change(*match.span(), (Segment(str(scene.rng.randrange(3, 80))),))
    for match in _BLANK_WORD.finditer(text):
        yield Change(*match.span(), _guessed(text, match.start(), match.end(), scene))


def _titled(text: str, people: _People) -> Iterator[Change]:
    for match in _PAIRS.finditer(text):
        for group in (1, 2, 3):
            if match.group(group):
                yield people.change(match.span(group), (match.group(group),), "Dr")
    for pattern, first in ((_DOCTORS, 1), (_TITLED, 2)):
        for match in pattern.finditer(text):
            title = "Dr" if first == 1 else match.group("title")
            words = [match.group(first), match.group(first + 1)]
            if words[0] in _NO_NAME:
                continue
            two = words[1] is not None and words[1] not in _NO_NAME
            yield people.change(
                (match.start(first), match.end(first + 1 if two else first)),
                (words[0], words[1]) if two else (words[0],),
                title,
            )
    for match in _CREDENTIALS.finditer(text):
        name_words = tuple(match.group(1).split())
        if not _NO_NAME & set(name_words):
            yield people.change(match.span(1), name_words, "Dr", full=True)


def _guessed(text: str, start: int, end: int, scene: Scene) -> tuple[Segment, ...]:
    """What a bare placeholder stands for, by its neighbours."""
    before, after, blank = text[max(0, start - 24) : start], text[end : end + 24], text[start:end]
    patient = scene.cast.patient
    if _LABELLED.search(before):
        return (Segment(scene.name(patient, "full"), "NAME"),)
    if _TO_DOCTOR.search(before):
        return (Segment("Dr. "), Segment(scene.cast["doctor"].family, "NAME"))
    if _SIDED.match(after) and blank.startswith("X"):
        return (Segment(scene.side),)
    if _VERB.match(after) and not _TO_PLACE.search(before):
        return (Segment(f"{patient.title} "), Segment(patient.family, "NAME"))
    if _TO_TOWN.search(before):
        return (Segment(scene.value("LOCATION", "city"), "LOCATION"),)
    if blank.startswith("X") and "Y" not in blank and len(blank) < 4:
        return (Segment(str(scene.rng.randrange(2, 40))),)
    if _TO_PERSON.search(before):
        return (Segment(f"{patient.title} "), Segment(patient.family, "NAME"))
    return (Segment(scene.value("LOCATION", "facility"), "LOCATION"),)


class _People:
    """Who of the note's people is who of the scene."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._known: dict[str, Person] = {}
        self._doctors = 0
        self._others = 0

    def change(
        self, place: tuple[int, int], words: tuple[str, ...], title: str, full: bool = False
    ) -> Change:
        """A name of one word or more in the form that it has."""
        key = f"{title == 'Dr'} {words[-1].lower()}"
        person = self._known.get(key) or self._new(title)
        self._known[key] = person
        form = "full" if len(words) > 1 or full else "family"
        text = self._scene.name(person, form)
        return Change(
            *place, (Segment(text.upper() if words[-1].isupper() and len(words[-1]) > 5 else text, "NAME"),)
        )

    def known(self, text: str, span: Span) -> Change:
        """A name that the note comes with, told by what stands around it."""
        name, before = text[span.start : span.end], text[max(0, span.start - 12) : span.start]
        words = name.split()
        doctor, titled = _DOCTOR_BEFORE.search(before), _TITLE_BEFORE.search(before)
        patient = titled or text.count(name) > 1 or _PATIENT_BEHIND.match(text[span.end : span.end + 12])
        person = self._scene.cast["doctor" if doctor else "patient" if patient else "nurse"]
        if len(words) > 1:
            value = f"{person.given} {person.family}"
        else:
            value = person.family if doctor or titled else person.given
        return Change(span.start, span.end, (Segment(value, "NAME"),))

    def _new(self, title: str) -> Person:
        cast = self._scene.cast
        if title == "Dr":
            self._doctors += 1
            return cast[f"doctor{self._doctors}" if self._doctors > 1 else "doctor"]
        sex = "male" if title in ("Mr", "MR", "Mister") else "female"
        if sex == cast.patient.sex and cast.patient not in self._known.values():
            return cast.patient
        self._others += 1
        return cast.of_sex(f"other{self._others}", sex)

"""Placeholders that scrubbed notes hold in the place of identifiers, and of words that got lost.

``MM/DD/YYYY``, ``ABCD General Hospital`` and ``XX-year-old`` say what they stand for; a bare ``ABC`` or
``XXX`` is told by its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from clinsynth.inject.changes import Change, Segment
from clinsynth.inject.scene import Scene

_BLANK: Final = r"(?:ABCD|ABC|Abcd|Abc|XYZ|Xyz|XY|X{2,6}|Xx{2,5})"
_DATE: Final = re.compile(
    r"\b(?:MM/DD/(?:YYYY|YY)|mm/dd/(?:yyyy|yy)|XX/XX/(?:XXXX|XX|(?:19|20)?\d\d)|Month[ ]DD,[ ]YYYY"
    r"|(?:MM|mm)-(?:DD|dd)-(?:YYYY|yyyy))\b"
)
_HOUSE: Final = re.compile(
    rf"\b{_BLANK}[ ]((?:General|Memorial|Medical|Surgical|Psychiatric|Regional|Community|Methodist|Baptist"
    r"|University|County|Dialysis|Nursing|High|Surgery)[ ])*(?:Hospital|Center|Clinic|Home|School|Health"
    r"|Hospice|University|Institute|Medical[ ]Center)\b"
)
_WORD: Final = re.compile(rf"(?<![\w,/-])(?<!46){_BLANK}\b(?!-)")  # not the chromosomes: 46,XX
_AGE: Final = re.compile(r"\bX{2,3}(?=[- ](?:year|month|week|day|yr)s?[- ]old)")
_LINE: Final = re.compile(r"(?:(?<=\bDr\. )|(?<=\bMr\. )|(?<=\bMrs\. )|(?<=\bMs\. ))_{3,}")

_LABELLED: Final = re.compile(
    r"\b(?:RE|Re|NAME|Name|PATIENT|Patient|EXAMINEE|CLAIMANT|Claimant|Examinee)\s?:\s*$"
)
_VERB: Final = re.compile(
    r"\s(?:is|was|has|had|will|does|did|denies|denied|stated?s?|reports?|reported|came|tolerated|returns?"
    r"|presents|presented|underwent|and (?:his|her)|along|indicated|appears|today|who)\b|['’]s\b"  # noqa: RUF001
)
_TO_DOCTOR: Final = re.compile(
    r"\b(?:by|help of|chiropractor,|physician,|psychologist,|surgeon,|dentist,)\s$"
)
_TO_PATIENT: Final = re.compile(
    r"\b(?:talked to|spoke to|spoke with|call|told|asked|greeted|seen|seeing|see|saw|meet|with|following"
    r"|for|evaluated)\s$"
)
_TO_PLACE: Final = re.compile(r"\b(?:at|to|from|of|outside)\s$")
_TO_TOWN: Final = re.compile(r"\b(?:area of|in|near|moved to)\s$")
_SIDED: Final = re.compile(r"\s(?:eye|ear|upper|lower|knee|breast|leg|arm|hand|foot|lid|side|hip)\b")
_NEIGHBOURS: Final = 24  # characters


def placeholders(text: str, scene: Scene) -> Iterator[Change]:
    """What comes in the place of each placeholder, in the order of precedence."""
    for match in _DATE.finditer(text):
        yield Change(*match.span(), (Segment(scene.value("DATE", "full"), "DATE"),))
    for match in _LINE.finditer(text):
        yield Change(*match.span(), (Segment(scene.cast["doctor"].family, "NAME"),))
    for match in _HOUSE.finditer(text):
        kind = match.group().partition(" ")[2]
        yield Change(*match.span(), (Segment(f"{scene.stem} {kind}", "LOCATION"),))
    for match in _AGE.finditer(text):
        yield Change(*match.span(), (Segment(str(scene.rng.randrange(3, 80))),))
    for match in _WORD.finditer(text):
        before = text[max(0, match.start() - _NEIGHBOURS) : match.start()]
        after = text[match.end() : match.end() + _NEIGHBOURS]
        yield Change(*match.span(), _guessed(before, match.group(), after, scene))


def _guessed(before: str, blank: str, after: str, scene: Scene) -> tuple[Segment, ...]:
    """What a bare placeholder stands for."""
    patient = scene.cast.patient
    titled = (Segment(f"{patient.title} "), Segment(patient.family, "NAME"))
    number = set(blank) == {"X"} and len(blank) < 4
    if _LABELLED.search(before):
        return (Segment(scene.name(patient, "full"), "NAME"),)
    if _TO_DOCTOR.search(before):
        return (Segment("Dr. "), Segment(scene.cast["doctor"].family, "NAME"))
    if _SIDED.match(after) and number:
        return (Segment(scene.side),)
    if _VERB.match(after) and not _TO_PLACE.search(before):
        return titled
    if _TO_TOWN.search(before):
        return (Segment(scene.value("LOCATION", "city"), "LOCATION"),)
    if number:
        return (Segment(str(scene.rng.randrange(2, 40))),)
    if _TO_PATIENT.search(before):
        return titled
    return (Segment(scene.value("LOCATION", "facility"), "LOCATION"),)

"""Places below the state (Safe Harbor B): streets, cities, ZIP codes, facilities, employers.

A state or a country alone is no identifier. A facility needs a name of its own: ``pain clinic`` and
``emergency department`` are none. Not known here: a town that no list and no word around betrays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import ClassVar, Final

from clinsynth.deid.engine import Tokens
from clinsynth.deid.lexicons import phrase_list, word_list
from clinsynth.deid.recognizers.rules import LIKELY, SURE, TOLD, Rule, RuleRecognizer

_CAPITAL: Final = r"(?:[A-Z][A-Za-zÀ-ɏ'’-]*\.?|of|the|and|for|at|de|del|la|las|los|&)"  # noqa: RUF001
_NAME: Final = (
    r"[A-Z][A-Za-zÀ-ɏ'’.-]*(?:[ ](?:[A-Z][A-Za-zÀ-ɏ'’.-]*|of|the|and|for|&|de|del|la|las|los)){0,5}"  # noqa: RUF001
)
_FACILITY_WORD: Final = (
    r"(?:(?:[Rr]egional|[Mm]emorial|[Gg]eneral|[Cc]ommunity|[Cc]hildren['’]?s|[Vv]eterans|[Uu]niversity|[Cc]ounty)[ ])*"  # noqa: RUF001
    r"(?:Hospitals?|Medical (?:Center|Centre|Group|Associates|Clinic|Plaza|Building)|Health(?:care)?(?: (?:System|Center|Centre|Partners|Network|Services|Clinic|Care))?|Clinics?|"
    r"Infirmary|Hospice|Nursing (?:Home|Facility|Center)|Rehab(?:ilitation)?(?: (?:Center|Hospital|Institute|Facility))?|Assisted Living|Retirement (?:Home|Community|Center|Village)|Care (?:Center|Centre|Home)|"
    r"Institute|University|College|Manor|Senior (?:Living|Center|Care)|Surgery Center|Surgical Center|Cancer Center|Heart Center|Dialysis(?: Center)?|Birth Center|Wellness Center|Urgent Care|"
    r"Family (?:Practice|Medicine|Health)|Pediatrics|Orthop(?:a)?edics|Cardiology Associates|Physicians|Associates|Laboratories|Labs|Pharmacy|Elementary(?: School)?|High School|Middle School|Academy|"
    r"School|Church|Temple|Shelter|Prison|Correctional (?:Facility|Institution)|Jail|VA|VAMC|Center|Centre|Pavilion|Sanatorium|Sanitarium|Home|Lodge|Villa|Terrace|House)"
)
_FACILITY: Final = re.compile(
    rf"(?<![\w/-])(?P<id>(?P<name>{_NAME})[ ]{_FACILITY_WORD}(?: (?:of|at|for|in)(?: the)? {_NAME})?)(?![\w-])"
)
_SAINT: Final = re.compile(
    r"(?<![\w/-])(?P<id>(?:St\.?|Saint|Mount|Mt\.?) [A-Z][a-z]+(?:['’]s)?(?: (?:Hospital|Medical Center|Clinic))?)(?![\w-])"
)  # noqa: RUF001
_UPPER_FACILITY: Final = re.compile(
    r"(?<![\w/-])(?P<id>(?P<name>[A-Z][A-Z'.-]+(?: [A-Z][A-Z'.-]*){0,4}) (?:HOSPITALS?|MEDICAL CENTER|MEDICAL CENTRE|HEALTH SYSTEM|HEALTH CENTER|CLINIC|NURSING HOME|INFIRMARY|HOSPICE|UNIVERSITY))(?![\w-])"
)
_SUFFIX: Final = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Drive|Dr|Lane|Ln|Boulevard|Blvd|Court|Ct|Place|Pl|Terrace|Ter|Way|Circle|Cir|Square|Sq|Parkway|Pkwy|Highway|Hwy|"
    r"Trail|Trl|Turnpike|Tpke|Alley|Aly|Loop|Plaza|Row|Run|Path|Pike|Crossing|Extension|Heights|Hill|Hills|Ridge|View|Park|Point|Pass|Crescent|Mews|Close|Gardens|Green|Grove|"
    r"Walk|Wharf|Bypass|Causeway|Expressway|Freeway|Route|Meadow|Meadows|Mill|Mills|Mission|Motorway|Mountain|Islands?|Junctions?|Keys?|Knolls?|Lakes?|Landing|Light|Lights|Locks?|Lodge|Manors?|"
    r"Shores?|Springs?|Spurs?|Station|Stravenue|Stream|Summit|Throughway|Trace|Track|Tunnel|Union|Unions|Valleys?|Via|Viaduct|Villages?|Ville|Vista|Walks|Wall|Well|Wells|Bayou|Beach|Bend|Bluffs?|Bottom|Branch|"
    r"Bridge|Brooks?|Burgs?|Camp|Canyon|Cape|Center|Centers|Cliffs?|Club|Common|Commons|Corners?|Course|Courts|Coves?|Creek|Crest|Crossroad|Curve|Dale|Dam|Divide|Drives|Estates?|Falls?|Ferry|Fields?|Flats?|"
    r"Fords?|Forest|Forges?|Forks?|Fort|Garden|Gateway|Glens?|Greens|Groves|Harbors?|Haven|Hollow|Inlet|Isle|Lane|Mall|Mount|Neck|Orchard|Oval|Overpass|Parks|Parkways|Passage|Pine|Pines|Plains?|Ports?|Prairie|"
    r"Radial|Ramp|Ranch|Rapids?|Rest|River|Roads|Rue|Shoal|Shoals|Skyway|Spring|Squares|Streets|Underpass|STREET|ST|AVENUE|AVE|ROAD|RD|DRIVE|LANE|LN|BLVD|COURT|WAY)"
)
_UNIT: Final = (
    r"(?:,?[ ](?:Apt|Apartment|Unit|Suite|Ste|Room|Rm|Floor|Fl|#|APT|UNIT|SUITE)\.?[ ]?#?[\w-]{1,6})?"
)
_STATE_CODE: Final = r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY])"
_ZIP: Final = r"\d{5}(?:-\d{4})?(?![\w-]|\.\d)"
_CITY: Final = r"[A-Z][A-Za-zÀ-ɏ'’.-]*(?:[ ][A-Z][A-Za-zÀ-ɏ'’.-]*){0,3}"  # noqa: RUF001
_LIVES: Final = (
    r"(?:[Ll]iv(?:es|ed|ing)|[Rr]esid(?:es|ed|ing|ent)|[Mm]ov(?:ed|ing)|[Rr]elocat(?:ed|ing)|[Tt]ravel(?:l?ed|l?ing)?|[Tt]rip|[Vv]isit(?:ed|ing)?|[Ff]lew|[Bb]orn|[Rr]aised|[Gg]rew up|[Nn]ative|"
    r"[Vv]acation(?:ed|ing)?|[Rr]eturned|[Ww]orks?|[Ww]orked|[Hh]ome|[Hh]ouse|[Aa]partment|[Aa]ddress|[Cc]amping|[Ss]tay(?:s|ed|ing)?|[Dd]rove|[Oo]riginally|[Cc]oming|[Cc]omes|[Tt]ransferred|[Ii]mmigrated|[Ee]migrated)"
    r"(?:[ ](?:alone|here|back|up|down|out|over|away|with (?:his|her|their|my) [a-z]+|independently|recently|currently))?[ ](?:in|to|from|at|near|outside(?: of)?|of|for|by|around|on)[ ](?:the[ ])?"
)


@cache
def _states() -> frozenset[str]:
    return frozenset(line.rsplit(" ", 1)[0] for line in phrase_list("states"))


_STREET: Final = re.compile(
    rf"(?<![\w/.-])(?P<id>\d{{1,6}}[A-Z]?(?:[ ]\d{{1,4}}/\d)?[ ](?:[NSEW]\.?[ ]|(?:North|South|East|West)[ ])?(?:[A-Z0-9][\w'’.-]*[ ]){{1,4}}?{_SUFFIX}\b\.?"  # noqa: RUF001
    rf"(?:[ ](?:[NSEW]{{1,2}}|North|South|East|West)\b\.?)?{_UNIT}(?:,?[ \n]{{1,2}}{_CITY},?[ ](?:{_STATE_CODE}|[A-Z][a-z]+(?: [A-Z][a-z]+)?),?[ ]{_ZIP})?)"
)
_BOX: Final = re.compile(
    rf"(?<!\w)(?P<id>(?:P\.?[ ]?O\.?[ ]?Box|Post Office Box|PSC|Unit|USNV|USNS|USS)[ ]#?\d{{1,6}}(?:,? (?:Box \d{{1,5}}))?(?:,?[ \n]{{1,2}}{_CITY},?[ ]{_STATE_CODE}[ ]{_ZIP})?)"
)
_CITY_STATE_ZIP: Final = re.compile(
    rf"(?<![\w/-])(?P<id>{_CITY},?[ ](?:{_STATE_CODE}|[A-Z][a-z]+(?: [A-Z][a-z]+)?),?[ ]{{1,2}}{_ZIP})"
)
_CITY_STATE: Final = re.compile(
    rf"(?<![\w/-])(?P<id>{_CITY}),[ ](?P<state>{_STATE_CODE}|[A-Z][a-z]+(?:[ ][A-Z][a-z]+)?)(?![\w.-])"
)
_ZIP_TOLD: Final = re.compile(
    rf"(?<!\w)(?:zip(?:[ -]?code)?|postal code|post code)[ ]{{0,2}}(?:is|of|:|#)?[ ]{{0,3}}(?P<id>{_ZIP})"
)
_ZIP_AFTER_STATE: Final = re.compile(rf"(?<![\w/-]){_STATE_CODE}[ ]{{1,2}}(?P<id>{_ZIP})")
_LIVES_IN: Final = re.compile(rf"(?<!\w){_LIVES}(?P<id>{_CITY})")
_FROM: Final = re.compile(
    rf"(?<!\w)(?:[Ff]rom|[Nn]ear|[Oo]utside|[Tt]o|[Ii]n|[Aa]t|[Aa]round)[ ](?P<id>{_CITY})"
)
_WORKS: Final = re.compile(
    rf"(?<!\w)(?:[Ww]ork(?:s|ed|ing)?|[Ee]mployed|[Ee]mployee|[Rr]etired|[Ee]mployer|[Jj]ob|[Ee]mployment|[Bb]usiness|[Mm]anager|[Tt]eacher|[Tt]eaches|[Ee]ngineer|[Dd]river|[Cc]lerk|[Aa]ccountant|[Nn]urse|[Ss]tudent|[Cc]ashier)"
    rf"(?:[ ](?:as (?:a|an) [a-z]+(?: [a-z]+)?|full[- ]time|part[- ]time|there|previously|currently))?(?:[ ](?:at|for|from|by|with|of)|:)[ ](?:the[ ])?"
    rf"(?P<id>[A-Z][\w'’&.-]*(?:(?:,[ ]|[ ]|-)(?:[A-Z][\w'’&-]*|and|of|&)){{0,4}})"  # noqa: RUF001
)
_COMPANY: Final = re.compile(
    r"(?<![\w/-])(?P<id>[A-Z][\w'’&-]*(?:(?:,[ ]|[ ]|-)(?:[A-Z][\w'’&-]*|and|&)){0,3},?[ ](?:Inc|LLC|Ltd|Corp|Corporation|PLC|Group|and Sons|& Co|Company|Industries|Enterprises|Brothers)\b\.?)"  # noqa: RUF001
)
_COUNTY: Final = re.compile(
    r"(?<![\w/-])(?P<id>[A-Z][a-z]+(?: [A-Z][a-z]+)? (?:County|Parish|Township|Borough|Village|Precinct))(?!\w)"
)
_PLACEHOLDER: Final = re.compile(
    rf"(?<![\w/-])(?P<id>(?:[A-Z]?XYZ|ABCD?|XX+|[A-Z]{{3}}|[XYZ]) {_FACILITY_WORD}|\[(?:Hospital|HOSPITAL|Hospital Name|City|Location|Address|LOCATION)\])(?![\w-])"
)
_TRAILING: Final = re.compile(r"(?:[ ](?:of|the|and|for|&|de|del|la|las|los|at|in))+$|[.,'’-]+$")  # noqa: RUF001


class PlaceRecognizer(RuleRecognizer):
    """Places, facilities, employers."""

    LABELS: ClassVar[tuple[str, ...]] = ("LOCATION",)

    def findings(self, tokens: Tokens) -> Iterator[tuple[str, int, int, float]]:
        """Places below the state."""
        text = tokens.text
        judge = _Judge(tokens.common)
        for pattern, score in (
            (_STREET, SURE),
            (_BOX, SURE),
            (_CITY_STATE_ZIP, SURE),
            (_COUNTY, TOLD),
            (_PLACEHOLDER, TOLD),
            (_COMPANY, TOLD),
        ):
            for m in pattern.finditer(text):
                yield "LOCATION", *m.span("id"), score
        for pattern in (_ZIP_TOLD, _ZIP_AFTER_STATE):
            for m in pattern.finditer(tokens.lower if pattern is _ZIP_TOLD else text):
                yield "LOCATION", *m.span("id"), SURE
        for pattern in (_FACILITY, _UPPER_FACILITY):
            for m in pattern.finditer(text):
                if (span := judge.facility(m)) is not None:
                    yield "LOCATION", *span, TOLD
        for m in _CITY_STATE.finditer(text):
            if judge.city_of(m):
                yield "LOCATION", *m.span("id"), TOLD
        for pattern in (_LIVES_IN, _WORKS):
            for m in pattern.finditer(text):
                if (span := judge.place(m.start("id"), m["id"], least=3)) is not None:
                    yield "LOCATION", *span, TOLD
        for start, end in judge.listed(tokens):
            yield "LOCATION", start, end, LIKELY


class _Judge:
    """Is a run of capitalised words the name of a place?"""

    def __init__(self, common: frozenset[str]) -> None:
        self._ordinary, self._common = word_list("ordinary") | word_list("facilities"), common

    def clear(self, word: str) -> bool:
        """Has the word no everyday meaning?"""
        folded = word.lower().strip(".'’")  # noqa: RUF001
        return len(folded) > 1 and folded not in self._ordinary and folded not in self._common

    def facility(self, match: re.Match[str]) -> tuple[int, int] | None:
        """The facility with the words before its kind that belong to its name."""
        start, name = match.start("name"), match["name"]
        words = [(start + w.start(), w[0]) for w in re.finditer(r"\S+", name)]
        while words and not self.clear(words[0][1]):
            words.pop(0)
        if not words:
            return None
        return words[0][0], match.end("id")

    def city_of(self, match: re.Match[str]) -> bool:
        """A city before a state?"""
        state = match["state"]
        if state.lower() not in _states() and not re.fullmatch(_STATE_CODE, state):
            return False
        if state in {
            "MD",
            "PA",
            "MS",
            "MA",
            "CT",
            "OR",
            "IN",
            "DC",
            "CO",
            "AL",
            "ME",
            "LA",
            "MI",
            "PR",
            "ID",
            "OK",
            "HI",
            "VA",
        }:
            return match["id"].lower() in phrase_list("places") or state not in {
                "MD",
                "PA",
                "MS",
                "CT",
                "DC",
                "MI",
                "OR",
                "IN",
                "VA",
            }
        return self.clear(match["id"].split()[-1])

    def place(self, start: int, run: str, *, least: int) -> tuple[int, int] | None:
        """The words at the front of a run that can name a place."""
        if run.lower() in _states() or run.lower() in word_list("countries"):
            return None
        end = None
        for w in re.finditer(r"[^\s,]+", run):
            word = w[0]
            if not self.clear(word) and word not in {"of", "the", "and", "&", "de", "la"}:
                break
            if word[0].isupper():
                end = w.end()
        if end is None or len(run[:end]) < least or run[:end].isupper() and len(run[:end]) < 3:
            return None
        trimmed = _TRAILING.sub("", run[:end])
        if trimmed.lower() in _states() or trimmed.lower() in word_list("countries"):
            return None
        return start, start + len(trimmed)

    def listed(self, tokens: Tokens) -> Iterator[tuple[int, int]]:
        """Cities of the list, with their capitals."""
        for m in _LISTED().finditer(tokens.text):
            yield m.span()


@cache
def _LISTED() -> re.Pattern[str]:
    names = sorted((place.title() for place in phrase_list("places")), key=len, reverse=True)
    return re.compile(r"(?<![\w/-])(?:" + "|".join(map(re.escape, names)) + r")(?!\w|['’]s [a-z])")  # noqa: RUF001

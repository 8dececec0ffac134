"""Numbers that stand for a person or a thing of theirs (Safe Harbor G to M and R).

Most have no form of their own: the word before tells what they are. A value must hold a digit; after an
everyday word (``case``, ``lot``, ``plan``) a number sign or word must come first, and the value must be
long, so ``plan: 3 tablets``, ``a lot of 20`` and ``case 2`` stay.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Final

from clinsynth.deid.recognizers.anchors import Hint, Leads, Within
from clinsynth.deid.recognizers.place_forms import STATE_CODE
from clinsynth.deid.recognizers.rules import LIKELY, SURE, TOLD, Rule, RuleRecognizer

_BLANK: Final = r"[ \t]{0,3}\n?[ \t]{0,3}"
_NUMBER_WORD: Final = (
    rf"(?:{_BLANK}(?:(?:identification|identifier|ident|id|numbers?|num|nos?|nr|code)\b\.?|#))"
)
_LINK: Final = (
    rf"(?:{_BLANK}(?:[:#=.(-]|is\b|was\b|as\b|of\b|ending in\b|ends in\b|reads?\b|shows?\b|says\b|"
    rf"given\b|written\b|with\b|registered\b|labell?ed\b|listed\b)){{0,3}}{_BLANK}"
)
_VALUE: Final = (
    r"(?P<id>(?:[a-z]{1,3}[ ](?=\d{3}))?(?=[a-z/.-]{0,12}\d)[a-z0-9]{1,30}(?:[-/._][a-z0-9]{1,30}){0,7}"
    r"(?:[ ](?=[a-z]{0,3}\d{2})[a-z0-9]{2,20}(?:-[a-z0-9]{1,20}){0,3}){0,4})(?![\w%]|[ \t]?"
    r"(?:mg|ml|mcg|cm|mm)\b)"
)
# What follows a keyword and is no number of anybody: a date, a year, a ratio, a decimal.
_LOOKS_ELSE: Final = re.compile(
    r"\d{1,2}[/-]\d{1,2}[/-](?:\d{2}|\d{4})|\d{4}-\d{2}-\d{2}|(?:19|20)\d{2}|"
    r"\d{1,3}/\d{1,3}|\d{0,3}\.\d{1,3}"
)


_SMALL_WORD: Final = re.compile(r"(?:in|on|at|to|of|by|for|and|was|is|the|as|or|wbc|rbc|plt)[ ]", re.I)


def _told(
    label: str,
    keywords: str,
    *,
    named: bool = False,
    digits: int = 3,
    characters: int = 4,
    score: float = TOLD,
    after_slash: bool = True,
) -> Rule:
    """A value behind one of ``keywords``.

    Args:
        keywords: in small letters, ``|`` between; a blank stands for any white space or none.
        named: a number word or sign must stand between keyword and value.
        digits: least number of digits in the value.
        characters: its least length.
        after_slash: may the keyword stand behind a slash?
    """
    phrases = sorted(keywords.split("|"), key=len, reverse=True)
    either = "|".join(re.escape(phrase).replace(r"\ ", _BLANK) for phrase in phrases)
    slash = "" if after_slash else "(?<!/)"
    count = "{1,3}" if named else "{0,3}"
    return Rule(
        label,
        re.compile(rf"(?<!\w){slash}(?:{either})(?:'?s)?\b\.?{_NUMBER_WORD}{count}{_LINK}{_VALUE}"),
        score,
        folded=True,
        accept=lambda match: _is_value(match["id"], digits, characters),
    )


def _is_value(value: str, digits: int, characters: int) -> bool:
    if _SMALL_WORD.match(value):
        return False
    enough = len(value) >= characters and sum(map(str.isdigit, value)) >= digits
    return enough and _LOOKS_ELSE.fullmatch(value) is None


_PLATE: Final = (
    r"(?:[a-z]{2,3}[ -]?\d{3,4}|\d[a-z]{3}\d{3}|\d{3}[ -]?[a-z]{3}|\d{1,3}[ -]?[a-z]{2,3}[ -]?\d{1,3})"
)


_NO_MEASURE: Final = r"(?![\w%/-]|[.,:]\d|[ ]?(?:mg|ml|mcg|cc|units?|cells|copies|iu)\b)"
_LABORATORY: Final = re.compile(r"(?:WBC|RBC|PLT|BP|HB|HGB|CPT|ICD|CD|G\d+P|NCT|PMID|HLA)", re.I)
_ALL_DATE: Final = re.compile(r"[\d/.-]{0,10}(?:19|20)\d\d|(?:19|20)\d\d[-/.]\d\d?[-/.]\d\d?")


def _is_code(value: str) -> bool:
    """Five digits or more, that are no round number, laboratory value or date."""
    digits = sum(map(str.isdigit, value))
    if digits < 5 or value.endswith("000") or _LABORATORY.match(value):
        return False
    return _ALL_DATE.fullmatch(value) is None and _LOOKS_ELSE.fullmatch(value) is None


def _is_plate(value: str) -> bool:
    """Letters and digits, five to eight of them."""
    parts = [c for c in value if c.isalnum()]
    return 5 <= len(parts) <= 8 and any(map(str.isdigit, parts)) and any(map(str.isalpha, parts))


def _is_vin(value: str) -> bool:
    """Letters and digits, as in a vehicle identification number."""
    digits = sum(map(str.isdigit, value))
    return 3 <= digits <= 15


class NumberRecognizer(RuleRecognizer):
    """Numbers of people, their papers and their things."""

    RULES: ClassVar[Sequence[Rule]] = (
        Rule(
            "SSN",
            re.compile(r"(?<![\w-])(?:\d{3}-\d{2}-\d{4}|[x*]{3}-[x*]{2}-\d{4})(?![\w-])"),
            SURE,
            folded=True,
        ),
        Rule("SSN", re.compile(r"(?<![\w.-])\d{3} \d{2} \d{4}(?![\w-]|\.\d)"), LIKELY, folded=True),
        Rule(
            "SSN",
            re.compile(
                r"(?<![\w./-])\d{3}(?:\.\d{2}\.|/\d{2}/| - \d{2} - | / \d{2} / |- ?\d{2} ?- ?| -\d{2} -)"
                r"\d{4}(?![\w/-]|\.\d)"
            ),
            TOLD,
            folded=True,
        ),
        # Some words between: "the social is written as", "SSN given at check-in was".
        Rule(
            "SSN",
            re.compile(
                r"(?<!\w)(?:ssn?|social)\b[^\d\n]{0,48}(?P<id>\d{3}[-. /]?\d{2}[-. /]?\d{4})(?![\w-])"
            ),
            TOLD,
            folded=True,
        ),
        Rule(
            "SSN",
            re.compile(
                rf"(?<!\w)(?:ssn?|soc(?:ial)?\.?{_BLANK}sec(?:urity)?)\b\.?{_NUMBER_WORD}{{0,2}}"
                rf"(?:{_BLANK}\(?last (?:four|4)(?: digits)?\)?)?{_LINK}"
                r"(?P<id>\d{3}[- .]?\d{2}[- .]?\d{4}|(?:[x*]{3}[- ]?[x*]{2}[- ]?)?\d{4})(?![\w-])"
            ),
            SURE,
            folded=True,
        ),
        _told("MRN", "mrn|mr #|pt id|patient id|hospital no|unit no", score=SURE),
        # Misspelt as often as not: medical rceord, med recrod.
        Rule(
            "MRN",
            re.compile(
                rf"(?<!\w)med(?:ical\b|\.|\b){_BLANK}r[a-z]{{2,6}}\b\.?{_NUMBER_WORD}{{0,3}}{_LINK}{_VALUE}"
            ),
            SURE,
            folded=True,
            accept=lambda match: _is_value(match["id"], 4, 4),
        ),
        _told("MRN", "record|chart|hospital|unit|patient|pt|file|clinic|history|hosp|med", named=True),
        _told(
            "MRN",
            "record|records|chart",
            digits=5,
            characters=6,
        ),
        _told(
            "HEALTH_PLAN",
            "health plan|member id|subscriber|beneficiary|medicare|medicaid|hic|hicn|mbi|insurance "
            "id|enrollee",
            digits=4,
            characters=6,
        ),
        _told(
            "HEALTH_PLAN",
            "plan|member|policy|insurance|insured|group|payer|payor|coverage|insurer|hmo|ppo|blue "
            "cross|bcbs|"
            "aetna|cigna|humana",
            named=True,
            characters=5,
        ),
        _told("HEALTH_PLAN", "plan|member|policy|insurance|insured|coverage", digits=6, characters=8),
        Rule(
            "HEALTH_PLAN",
            re.compile(r"(?<![\w-])[1-9][A-Z][A-Z0-9]\d-?[A-Z][A-Z0-9]\d-?[A-Z]{2}\d{2}(?![\w-])"),
            SURE,
        ),
        _told(
            "ACCOUNT",
            "account|acct|a/c|iban|guarantor|csn|har|billing account|invoice|routing|credit card|"
            "card ending in",
        ),
        _told("ACCOUNT", "card|cc|statement|bill|deposit", digits=7, characters=7),
        _told("ACCOUNT", "fin|bank|card|receipt|bill|financial", named=True),
        _told(
            "LICENSE",
            "driver license|driver's license|drivers license|driver licence|driver's licence|"
            "driving licence|"
            "license|licence|dea|npi|upin|lic|certificate|certification|permit",
            digits=4,
            characters=5,
        ),
        # Behind a title, as sign-offs have it: "MD (KS 161710)".
        Rule(
            "LICENSE",
            re.compile(
                rf"(?<![\w.])(?:MD|DO|RN|NP|PA|PA-C|CRNA|CNM|LPN|LCSW|DDS|DPM|PharmD|RPh)\b,?[ ][(\[]?"
                rf"(?P<id>{STATE_CODE}[ -]?(?:[A-Z]{{1,3}}[ .-]?)?\d{{4,8}})(?![\w-]|[.,]\d)"
            ),
            TOLD,
        ),
        _told("LICENSE", "dl", digits=4, characters=5, after_slash=False),  # and no "mg/dl"
        Rule(
            "LICENSE",
            re.compile(r"(?<![\w-])[ABCDEFGHJKLMPRSTUX][A-Z9]\d{7}(?![\w-])"),
            LIKELY,
            anchor=Leads(mixed=True),
        ),
        Rule(
            "VEHICLE",
            re.compile(
                rf"(?<!\w)(?:vin|(?:licen[sc]e |number |registration )?plates?|vehicle|"
                rf"(?:licen[sc]e )?tag)\b"
                rf"(?:[ ]\([a-z ]{{1,20}}\)|[ ](?:for|"
                rf"in)[ ][a-z ]{{3,24}})?,?{_NUMBER_WORD}{{0,2}}{_LINK}(?P<id>{_PLATE}|[a-z0-9]{{17}})"
                rf"(?![\w%-])"
            ),
            TOLD,
            folded=True,
        ),
        # In capitals a plate may have any form: "the scooter registered as K01 ZZK".
        Rule(
            "VEHICLE",
            re.compile(
                rf"(?<!\w)(?:(?i:plates?|tag|registered|registration))\b,?(?i:{_NUMBER_WORD}{{0,2}}{_LINK})"
                r"(?P<id>[A-Z0-9]{1,5}[ -]?[A-Z0-9]{2,5})(?![\w%-])"
            ),
            TOLD,
            accept=lambda match: _is_plate(match["id"]),
            anchor=Leads(frozenset({"plate", "plates", "tag", "registered", "registration"})),
        ),
        Rule(
            "VEHICLE",
            re.compile(r"(?<![\w-])[A-HJ-NPR-Z0-9]{17}(?![\w-])"),
            SURE,
            accept=lambda match: _is_vin(match[0]),
            anchor=Leads(digits=True, mixed=True),
        ),
        _told(
            "DEVICE",
            "serial|s/n|sn|udi|imei|ser no|ser #|device id|mac address|implant id",
            digits=2,
        ),
        _told(
            "DEVICE",
            "device|lot|model|implant|pacemaker|generator|lead|batch|catalog|cat",
            named=True,
            digits=2,
            characters=5,
            score=LIKELY,
        ),
        Rule("DEVICE", re.compile(r"\(01\)\d{14}(?:\(\d{2}\)[A-Za-z0-9/-]{1,20}){0,4}"), SURE),
        Rule(
            "DEVICE",
            re.compile(r"(?<![\w:])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![\w:])"),
            SURE,
            folded=True,
            anchor=Hint(re.compile("[:-][0-9a-f]{2}[:-][0-9a-f]{2}[:-]")),
        ),
        Rule(
            "OTHER_ID",
            re.compile(r"(?<![\w-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-])"),
            SURE,
            folded=True,
            anchor=Hint(re.compile("-[0-9a-f]{4}-[0-9a-f]{4}-")),
        ),
        _told(
            "OTHER_ID",
            "accession|specimen id|requisition|barcode|passport|employee id|badge|national id|tax "
            "id|ein|username|"
            "user id|login|participant id|subject id",
            digits=2,
        ),
        _told("OTHER_ID", "subject|participant|enrollee|donor", digits=4, characters=6),
        _told(
            "OTHER_ID",
            "claim|document|doc|referral|ref|reference|case|biopsy|specimen|sample|order|lab|study|protocol|"
            "identifier|id|bracelet|wristband|armband|visit|encounter|block|ticket|request|report|confirmation|authorization|job|"
            "intake|incident|docket",
            digits=4,
            characters=6,
        ),
        # A code of many digits and letters, or of digits with marks between, that nothing explains.
        Rule(
            "OTHER_ID",
            re.compile(
                r"(?<![\w.,/:%$-])(?:[A-Z]{1,4}[0-9]{5,12}(?:-[0-9A-Z]{1,6})?|"
                r"[0-9]{2,9}(?:[-/][0-9]{2,9})?-[A-Z]{1,2}[0-9]?|"
                rf"[0-9]{{7,14}}|[0-9]{{2,6}}-[0-9]{{2,6}}-[0-9]{{2,6}}){_NO_MEASURE}"
            ),
            LIKELY,
            accept=lambda match: _is_code(match[0]),
            anchor=Leads(digits=True, mixed=True),
        ),
        Rule(
            "OTHER_ID",
            re.compile(rf"(?<![\w.,/:%$-])[A-Z]{{1,4}}-[0-9]{{5,12}}(?:-[0-9A-Z]{{1,6}})?{_NO_MEASURE}"),
            LIKELY,
            accept=lambda match: _is_code(match[0]),
            anchor=Within(digits=re.compile(r"\d{5,12}"), back=1),
        ),
        # Whatever else is numbered: "specimen number", "Visit no.", "job #".
        Rule(
            "OTHER_ID",
            re.compile(
                rf"(?<!\w)[a-z]{{2,14}}(?:{_BLANK}(?:id|numbers?|no|nr)\b\.?|"
                rf"{_BLANK}#){{1,2}}{_LINK}{_VALUE}"
            ),
            LIKELY,
            folded=True,
            accept=lambda match: (
                _is_value(match["id"], 3, 6) and not match[0].startswith(("cpt", "icd", "ndc"))
            ),
            anchor=Within(
                sign=re.compile(
                    rf"[in#](?:(?<=i)d\b\.?|(?<=n)(?:umbers?|o|r)\b\.?|(?<=#)){_LINK}"
                    r"(?=[a-z]{0,3}[ ]?[a-z/.-]{0,12}\d)"
                ),
                back=2,
            ),
        ),
    )

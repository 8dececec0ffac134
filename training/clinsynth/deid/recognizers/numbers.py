"""Numbers that stand for a person or a thing of theirs (Safe Harbor G to M and R).

Most have no form of their own: the word before tells what they are. A value must hold a digit; after an
everyday word (``case``, ``lot``, ``plan``) a number sign or word must come first, and the value must be long,
so ``plan: 3 tablets``, ``a lot of 20`` and ``case 2`` stay.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Final

from clinsynth.deid.recognizers.rules import LIKELY, SURE, TOLD, Rule, RuleRecognizer

_NUMBER_WORD: Final = r"(?:identification|identifier|ident|id|numbers?|num|no|nr|code|nos)\b\.?|#"
_LINK: Final = (
    r"(?:(?:[:#=.(-]|is\b|was\b|as\b|of\b|ending in\b|ends in\b)[ \t]{0,3}){0,3}(?:\n[ \t]{0,3})?"
)
_VALUE: Final = (
    r"(?P<id>(?=[a-z/.-]{0,12}\d)[a-z0-9]{1,30}(?:[-/._][a-z0-9]{1,30}){0,7}"
    r"(?:[ ](?=[a-z]{0,3}\d{2})[a-z0-9]{2,20}(?:-[a-z0-9]{1,20}){0,3}){0,4})(?![\w%]|[ \t]?(?:mg|ml|mcg|cm|mm)\b)"
)
_BLANK: Final = r"[ \t]{0,3}"


def _told(
    label: str,
    keywords: str,
    *,
    named: bool = False,
    digits: int = 3,
    characters: int = 4,
    score: float = TOLD,
) -> Rule:
    """A value behind one of ``keywords``.

    Args:
        keywords: alternatives in lower case.
        named: a number word or sign must stand between keyword and value.
        digits: least number of digits in the value.
        characters: its least length.
    """
    words = rf"(?:{_BLANK}(?:{_NUMBER_WORD}))"
    count = r"{1,3}" if named else r"{0,3}"
    return Rule(
        label,
        re.compile(rf"(?<![\w/])(?:{keywords})\b\.?(?:'s)?{words}{count}{_BLANK}{_LINK}{_VALUE}"),
        score,
        folded=True,
        triggers=frozenset(re.findall(r"[a-z]{2,}", re.sub(r"\(\?[:=!]|\\.|\[.*?\]|[?]", " ", keywords))),
        accept=lambda match: (
            len(match["id"]) >= characters
            and sum(c.isdigit() for c in match["id"]) >= digits
            and not _LOOKS_ELSE.fullmatch(match["id"])
        ),
    )


# What follows a keyword and is no number of anybody: a date, a time, a year, a ratio, a decimal.
_LOOKS_ELSE: Final = re.compile(
    r"\d{1,2}[/-]\d{1,2}[/-](?:\d{2}|\d{4})|\d{4}-\d{2}-\d{2}|(?:19|20)\d{2}|\d{1,3}/\d{1,3}|\d{0,3}\.\d{1,3}"
)


class NumberRecognizer(RuleRecognizer):
    """Numbers of people, their papers and their things."""

    RULES: ClassVar[Sequence[Rule]] = (
        Rule("SSN", re.compile(r"(?<![\w-])(?:\d{3}-\d{2}-\d{4}|[x*]{3}-[x*]{2}-\d{4})(?![\w-])"), SURE, folded=True),
        Rule("SSN", re.compile(r"(?<![\w.-])\d{3} \d{2} \d{4}(?![\w-]|\.\d)"), LIKELY),
        Rule(
            "SSN",
            re.compile(
                r"(?<!\w)(?:ssn?|soc(?:ial)?\.? sec(?:urity)?)\b\.?[ \t]{0,2}(?:number|no\.?|num|#)?(?: \(?last (?:four|4)(?: digits)?\)?)?"
                r"(?:[ \t]{0,2}(?:is|was|ending in|ends in|of|:|#|-|=)){0,3}[ \t]{0,2}(?P<id>\d{3}[- .]?\d{2}[- .]?\d{4}|(?:[x*]{3}[- ]?[x*]{2}[- ]?)?\d{4})(?![\w-])"
            ),
            SURE,
            folded=True,
            triggers=frozenset({"ssn", "ss", "soc", "social"}),
        ),
        _told("MRN", r"mrn|mr(?=[ \t]?#)|medical rec(?:ord)?s?|med\.? rec(?:ord)?|pt id|patient id|hospital no|unit no", score=SURE),
        _told("MRN", r"record|chart|hospital|unit|patient|pt|file|clinic|history|hosp|med", named=True),
        _told("HEALTH_PLAN", r"health plan|member id|policy (?:no|number|#)|subscriber|beneficiary|medicare|medicaid|hicn?|mbi|insurance id|enrollee", digits=4, characters=6),
        _told("HEALTH_PLAN", r"plan|member|policy|insurance|insured|group|payer|payor|coverage|insurer|hmo|ppo|blue cross|bcbs|aetna|cigna|humana", named=True, digits=3, characters=5),
        Rule("HEALTH_PLAN", re.compile(r"(?<![\w-])[1-9][A-Z][A-Z0-9]\d-?[A-Z][A-Z0-9]\d-?[A-Z]{2}\d{2}(?![\w-])"), SURE),
        _told("ACCOUNT", r"account|acct|a/c|iban|guarantor|csn|har|billing|invoice|routing|credit card|card ending in", digits=3),
        _told("ACCOUNT", r"visit|encounter|fin|bank|card|receipt|bill|financial", named=True),
        _told("LICENSE", r"driver'?s? licen[sc]e|licen[sc]e|dl|dea|npi|upin|lic|certificate|certification|driving licen[sc]e", digits=4, characters=5),
        Rule("LICENSE", re.compile(r"(?<![\w-])[ABCDEFGHJKLMPRSTUX][A-Z9]\d{7}(?![\w-])"), LIKELY),
        _told("VEHICLE", r"vin|licen[sc]e plates?|plates?|number plates?|registration plates?|vehicle|tag number|licen[sc]e tag", digits=1, characters=4),
        Rule(
            "VEHICLE",
            re.compile(r"(?<![\w-])(?=[A-Z0-9]{0,16}\d)(?=\d{0,16}[A-Z])[A-HJ-NPR-Z0-9]{11}[A-HJ-NPR-Z0-9]{2}\d{4}(?![\w-])"),
            SURE,
        ),
        _told("DEVICE", r"serial|s/n|sn|udi|imei|ser(?= ?(?:no|#))|device id|mac address|implant id", digits=2, characters=4),
        _told("DEVICE", r"device|lot|model|implant|pacemaker|generator|lead|batch|ref|catalog|cat", named=True, digits=2, characters=5, score=LIKELY),
        Rule("DEVICE", re.compile(r"\(01\)\d{14}(?:\(\d{2}\)[A-Za-z0-9/-]{1,20}){0,4}"), SURE),
        Rule("DEVICE", re.compile(r"(?<![\w:])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![\w:])"), SURE, folded=True),
        Rule("OTHER_ID", re.compile(r"(?<![\w-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-])"), SURE, folded=True),
        _told("OTHER_ID", r"accession|specimen id|requisition|barcode|passport|employee id|badge|national id|tax id|ein|username|user id|login|participant id|subject id", digits=2, characters=4),
        _told(
            "OTHER_ID",
            r"specimen|order|case|study|protocol|trial|rx|prescription|job|dictation|document|doc|transcription|report|reference|ref|"
            r"confirmation|claim|auth|authorization|employee|student|token|sample|referral|ticket|subject|participant|tracking|"
            r"request|episode|registry|donor|research|exam|incident|identification|id|enrollment|control|voucher|room key",
            named=True, digits=2, characters=5,
        ),
    )  # fmt: skip

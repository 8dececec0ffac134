"""Dates more exact than a year, and ages over 89 (Safe Harbor C).

A year alone, a day of the week and a time of day are no identifiers. Fractions that clinics write like
dates (strength 4/5, pain 7/10, pressure 120/80, half a tablet 1/2) are told from ``on 3/14`` by the words
around.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Final

from clinsynth.deid.recognizers.anchors import Hint, Within
from clinsynth.deid.recognizers.days import FRACTION_AFTER, is_day, is_day_of_month, is_numeric_date
from clinsynth.deid.recognizers.rules import LIKELY, POSSIBLE, SURE, TOLD, Rule, RuleRecognizer

_MONTH: Final = (
    r"(?:jan(?:uary|\.)?|feb(?:ruary|r?\.)?|mar(?:ch|\.)?|apr(?:il|\.)?|may\.?|june?\.?|"
    r"july?\.?|aug(?:ust|\.)?|"
    r"sep(?:tember|t?\.|t)?|oct(?:ober|\.)?|nov(?:ember|\.)?|dec(?:ember|\.)?)(?!\w)"
)
_DAY_WORD: Final = (
    r"(?:(?:twenty|thirty)[- ])?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|"
    r"ninth)|tenth|eleventh|"
    r"twelfth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|"
    r"twentieth|thirtieth"
)
_DAY: Final = r"(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_YEAR: Final = r"(?:(?:1[89]|20)\d{2}|['\u2019]\d{2})"
_MORE_DAYS: Final = rf"(?:[ ]?(?:-|\u2013|to|and|through|&|/)[ ]?{_DAY})?"
_M: Final = r"(?:0?[1-9]|1[0-2])"
_D: Final = r"(?:0?[1-9]|[12]\d|3[01])"
_MONTHS: Final = "January|February|March|April|May|June|July|August|September|October|November|December"
_BLANK_YEAR: Final = r"(?:yyyy|yy|xxxx|xx|0000|\*\*\*\*|____|__|(?:19|20)\d\d)"
_PLACEHOLDER: Final = (
    r"(?:mm|dd|xx|00|\*\*|__)[/-](?:mm|dd|xx|00|\*\*|__)[/-]"
    rf"{_BLANK_YEAR}|"
    r"\d{1,2}[/-](?:xx|dd)(?:[/-](?:xxxx|xx|yyyy|yy|\d{2,4}))?|(?:mm|xx)/(?:yyyy|xxxx|dd|xx|(?:19|20)\d\d)|"
    r"(?:mm|dd|xx)/\d{1,2}/\d{2,4}|\[\*\*[\d/-]{3,12}\*\*\]|yyyy-mm-dd"
)


_KIN: Final = (
    r"(?:great-?)?(?:grand)?(?:mother|father|aunt|uncle|parent)|godmother|godfather|mother|father|mom|dad|aunt|"
    r"uncle|wife|husband|spouse|brother|sister|cousin|neighbou?r|patient|he|she|relative"
)


# "may 3 tablets" is no date; "October 3 in clinic" and "May the 3rd in clinic" are.
_NO_VERB: Final = re.compile(r"(?!may)|.*\d(?:st|nd|rd|th)\b")


def _numeric(mark: str, year: str) -> Rule:
    """Day, month and year, or month, day and year."""
    return Rule(
        "DATE",
        re.compile(rf"(?<![\w/.-])(?P<a>\d{{1,2}}){mark}(?P<b>\d{{1,2}}){mark}{year}(?![\w/]|[.-]\d)"),
        SURE,
        folded=True,
        accept=is_numeric_date,
    )


class DateAgeRecognizer(RuleRecognizer):
    """Dates and high ages."""

    RULES: ClassVar[Sequence[Rule]] = (
        _numeric("/", r"(?:\d{4}|\d{2})"),
        _numeric("-", r"(?:\d{4}|\d{2})"),
        _numeric(r"\.", r"(?:19|20)\d{2}"),
        Rule(
            "DATE",
            re.compile(rf"(?<![\w/.-])(?:19|20)\d{{2}}(?:/{_M}/|-{_M}-|\.{_M}\.){_D}(?![\d/])"),
            SURE,
            folded=True,
        ),
        Rule(
            "DATE",
            re.compile(rf"(?<![\w/.-])(?:19|20)\d\d[- ]{_MONTH}[- ]{_D}(?![\w/%]|\.\d)"),
            SURE,
            folded=True,
        ),
        Rule("DATE", re.compile(rf"(?<![\w/.-]){_M}/(?:19|20)\d{{2}}(?![\w/])"), TOLD, folded=True),
        # 19MAY2007
        Rule(
            "DATE",
            re.compile(
                rf"(?<![\w/.-]){_D}(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)(?:(?:19|20)\d\d|\d\d)"
                rf"(?!\w)"
            ),
            SURE,
            folded=True,
        ),
        # "on Monday, the 20th"
        Rule(
            "DATE",
            re.compile(
                r"(?<!\w)(?:mon|tues|wednes|thurs|fri|satur|sun)day,?[ \n](?:the[ \n])?"
                rf"(?P<id>{_D}(?:st|nd|rd|th))(?![\w-])"
            ),
            TOLD,
            folded=True,
        ),
        # Month and year: "a transplant in 12/07"; but "in 10/12 patients".
        Rule(
            "DATE",
            re.compile(
                rf"(?<!\w)(?:in|since)\b[ \n](?P<id>{_M}/\d\d)(?![\w/%]|\.\d|[ ]?(?:\(|patients|cases|of))"
            ),
            LIKELY,
            folded=True,
        ),
        Rule(
            "DATE",
            re.compile(
                r"(?<!\w)(?:in|since|on|from|until)\b[ \n](?P<id>(?:19|20)\d\d-(?:0[1-9]|1[0-2]))(?![\w-])"
            ),
            TOLD,
            folded=True,
        ),
        # Looked for only where recall comes first.
        Rule(
            "DATE",
            re.compile(
                r"(?<!\w)(?:on|last|this|next|until|by|since|meet)\b[ \n]"
                r"(?P<id>(?:mon|tues|wednes|thurs|fri|satur|sun)day)(?!\w)"
            ),
            POSSIBLE,
            folded=True,
        ),
        Rule(
            "DATE",
            re.compile(
                rf"(?<![\w/.-]){_D}[ ]?[-./ ]?[ ]?{_MONTH}[ ]?[-./, ]?[ ]?(?:(?:1[89]|20)\d{{2}}|"
                rf"['\u2019]?\d{{2}})(?![\w/%]|[.]\d)"
            ),
            SURE,
            folded=True,
        ),
        Rule(
            "DATE",
            re.compile(
                rf"(?<![\w/.-])(?:{_DAY}|(?:{_DAY_WORD}))(?: day)?(?: of)? {_MONTH}(?:,? "
                rf"(?:of )?{_YEAR})?(?!\w)"
            ),
            TOLD,
            folded=True,
            accept=is_day_of_month,
        ),
        Rule(
            "DATE",
            re.compile(
                rf"(?<!\w){_MONTH}[ ]?[- ]?(?:the )?(?:{_DAY}(?![\w/%]|\.\d|:\d)|(?:{_DAY_WORD})"
                rf"(?!\w)){_MORE_DAYS}(?:(?:,[ ]?|[ ]| of )?{_YEAR})?(?![\w%])"
            ),
            TOLD,
            folded=True,
            accept=lambda match: (
                _NO_VERB.match(match[0]) is not None
                or FRACTION_AFTER.match(match.string, match.end()) is None
            ),
        ),
        Rule(
            "DATE",
            re.compile(
                rf"(?<!\w){_MONTH}(?:,[ ]?|[ ]?-[ ]?|[ ]of[ ]|/|[ ])?(?:(?:1[89]|20)\d{{2}}|"
                rf"['\u2019]\d{{2}})(?!\w)"
            ),
            SURE,
            folded=True,
        ),
        Rule(
            "DATE",
            re.compile(
                r"(?<!\w)(?:[Ii]n|[Ss]ince|[Ll]ast|[Tt]his|[Nn]ext|[Uu]ntil|[Bb]y|[Oo]f|[Ee]arly|"
                r"[Ll]ate|[Mm]id|[Dd]uring|[Ff]rom|[Tt]hrough|[Tt]o|[Bb]ack in|[Mm]iddle of|"
                r"[Ee]nd of)[ -]"
                r"(?P<id>"
                rf"{_MONTHS})(?!\w| [A-Z])"
            ),
            TOLD,
            anchor=Within(frozenset(_MONTHS.lower().split("|")), back=3),
        ),
        Rule(
            "DATE",
            re.compile(rf"(?<![\w/.-])(?P<id>{_M}/(?P<d>{_D}))(?![\w/%]|\.\d|-\d)"),
            TOLD,
            folded=True,
            accept=is_day,
        ),
        Rule(
            "DATE",
            re.compile(
                rf"(?<![\w/.-])(?P<id>{_M}/(?P<d>{_D})[ ]?(?:-|\u2013|to|through|thru|and)[ ]?{_M}/{_D}"
                rf"(?P<year>/(?:\d{{4}}|\d{{2}}))?)(?![\w/%]|\.\d)"
            ),
            LIKELY,
            folded=True,
            accept=lambda match: match["year"] is not None or is_day(match),
        ),
        Rule(
            "DATE",
            re.compile(
                r"(?<!\w)(?:d\.?o\.?b\.?|date of birth|birth ?date|born(?: on)?|date of (?:admission|"
                r"discharge|service|procedure|surgery|visit|death|injury|consultation|operation|"
                r"dictation)|"
                r"admission date|discharge date|study date|exam date|date|dos|doa|"
                r"dod)[ \t]{0,3}[:=#.]?[ \t]{0,3}\n?[ \t]{0,3}"
                r"(?P<id>\d{1,2}[/.-]\d{1,2}(?:[/.-]\d{2,4})?|\d{8}|\d{6})(?![\w/%]|[.-]\d)"
            ),
            TOLD,
            folded=True,
        ),
        Rule(
            "DATE",
            re.compile(
                r"(?<![\d.])(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?=t?\d{4,6}z?\b|\b)"
                r"(?:t?\d{4,6}z?)?(?![\d-])"
            ),
            LIKELY,
            folded=True,
        ),
        Rule(
            "DATE",
            re.compile(
                rf"(?<![\w*/-])(?:{_PLACEHOLDER}|{_MONTH} (?:xx|dd)(?:, ?(?:xxxx|yyyy|\d{{4}}))?)"
                rf"(?![\w/])"
            ),
            SURE,
            folded=True,
        ),
        Rule(
            "DATE",
            re.compile(rf"(?<![\w*/-])--[/-](?:mm|dd|xx|00|\*\*|__)[/-]{_BLANK_YEAR}(?![\w/])"),
            SURE,
            folded=True,
            anchor=Hint(re.compile("--[/-]")),
        ),
        Rule(
            "DATE",
            re.compile(
                r"(?<!\w)(?:christmas(?: (?:day|eve))?|thanksgiving(?: day)?|new year'?s(?: (?:day|"
                r"eve))?|labor day|memorial day|"
                r"independence day|fourth of july|4th of july|halloween|valentine'?s day|veterans day|"
                r"columbus day|mother's day|"
                r"father's day|easter(?: sunday)?|presidents'? day|martin luther king day)(?!\w)"
            ),
            LIKELY,
            folded=True,
            accept=lambda match: match[0] not in {"new years", "new year's"},
        ),
        Rule(
            "DATE",
            re.compile(
                r"(?<!\w)on the (?P<id>(?:[1-9]|[12]\d|3[01])(?:st|nd|rd|th)(?: of (?:this|last|next|"
                r"the) month)?)(?=[.,;)\n]| at \d| and (?:was|is|will|then)| for (?:a|his|her|follow))"
            ),
            LIKELY,
            folded=True,
        ),
        Rule(
            "AGE",
            re.compile(
                r"(?<![\w./-])(?P<id>9\d|1[0-2]\d)(?:[ \n]?-?[ ]?(?:years?|yrs?)[- \n]?(?:old|of age|"
                r"young)|[ -]?y\.?[ /]?o\.?(?!\w)|[ -]?y/o\b|"
                r"[ ]?yrs?(?=[ ,.]+(?:f|m|male|female|man|woman|old)\b)|[ -]?year(?=[ ,.-]+(?:female|"
                r"male|man|woman|gentleman|lady|white|black|"
                r"african|caucasian|hispanic|asian)\b)|[ ]?(?:yof|yom)\b)"
            ),
            SURE,
            folded=True,
        ),
        Rule(
            "AGE",
            re.compile(
                r"(?<![\w./-])(?P<id>9\d|1[01]\d)[ ]?[MF]\b(?=[ ,.]+(?:with|who|here|presents|w/|c/o|"
                r"h/o|s/p|hx|is|was|admitted|patient|pt)\b)"
            ),
            TOLD,
        ),
        Rule(
            "AGE",
            re.compile(
                r"(?<!\w)(?:aged?|age at (?:death|diagnosis|onset|surgery|admission)|at the age of|"
                r"at age|turn(?:ed|ing)|age is|lived to(?: be)?|died at|alive at|living at|until age|"
                r"reached)[ \t]{0,2}[:=]?[ \t]{0,3}(?P<id>9\d|1[0-2]\d)(?![\w/%]|\.\d|[ ]?(?:or "
                r"(?:older|over|above)|and (?:older|over|above)|\+|mg|kg|lb|cm|days|months|hours|"
                r"percent|minutes))"
            ),
            TOLD,
            folded=True,
        ),
        Rule(
            "AGE",
            re.compile(
                rf"(?<!\w)(?:{_KIN})\b,?[ \n](?:(?:is|was|died at|lived to|lived past|who is|alive at|now)"
                rf"\b[ \n](?:age\b[ \n])?)?(?P<id>9\d|1[01]\d)"
                rf"(?=[,.;)]|[ \n](?:and|at death|when|years|now|but|with|at)\b)(?!\.\d)"
            ),
            TOLD,
            folded=True,
        ),
        Rule(
            "AGE",
            re.compile(
                r"(?<!\w)(?:is|was|to|be|past|of|at|aged?|turned|until|reached|over|nearly|almost)\b[ \n]"
                r"(?P<id>ninety(?:[- \n](?:one|two|three|four|five|six|seven|eight|nine))?|"
                r"(?:one|a) hundred(?:[- \n](?:and[- ])?"
                r"(?:one|two|three|four|five|six|seven|eight|nine|ten))?)"
                r"(?![\w-]|[ ](?:percent|degrees?|minutes?|days?|seconds?|hours?|mg|ml|units?|feet|times|"
                r"and|"
                r"thousand|million|pounds|dollars|cc)\b)"
            ),
            LIKELY,
            folded=True,
            anchor=Within(frozenset({"ninety", "hundred"}), back=2),
        ),
        Rule(
            "AGE",
            re.compile(
                r"(?<!\w)(?:ninety(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?|(?:one|"
                r"a) hundred(?:[- ](?:and[- ])?(?:one|two|three|four|five|six|seven|eight|nine|ten))?)"
                r"(?!\w)(?=[- ](?:years?|yrs?)[- ]?(?:old|of age)|[- ]y/?o\b)"
            ),
            SURE,
            folded=True,
        ),
        Rule(
            "AGE",
            re.compile(
                r"(?<!\w)in (?:his|her|their) (?:(?:early|mid|late)[- ])?(?P<id>nineties|"
                r"90['\u2019]?s|hundreds)(?!\w)"
            ),
            LIKELY,
            folded=True,
        ),
    )

"""Telephone, fax, e-mail, web address, IP address (Safe Harbor D, E, F, N, O).

Numbers are told by form and by the word before them. Whether a number is in service doesn't matter: numbers
of invented notes never are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Final

from clinsynth.deid.recognizers.anchors import Hint
from clinsynth.deid.recognizers.rules import LIKELY, SURE, TOLD, Rule, RuleRecognizer

_EXTENSION: Final = r"(?:[ \t]{0,2},?[ \t]{0,2}(?:ext|extension|x|pin)\.?[ \t]{0,2}#?\d{1,6}\b)?"
# 617-555-0101, (617) 555-0101, +1 617.555.0101, 617/555-0101; +44 20 7946 0958
_NORTH_AMERICAN: Final = (
    r"(?=[+([1]|\d{3}[ \t./-])(?:\+?1[ \t\n.-]{0,2})?"
    r"(?:[([]\d{3}[)\]][ \t]{0,2}[-.]?|\d{3}[ \t]?[-./][ \t]?|\d{3}[ \t])"
    r"\d{3}(?:[ \t]?[-.\u2013][ \t]?|[ \t])\d{4}"
)
_INTERNATIONAL: Final = r"\+\d{1,3}[ \t.-]?(?:\(\d{1,4}\)[ \t.-]?)?\d{1,4}(?:[ \t.-]?\d{2,5}){1,4}"
_LOCAL: Final = r"\d{3}[-.]\d{4}"
_BARE: Final = r"\d{10,11}|\d{7}"
_ANY: Final = rf"(?:{_NORTH_AMERICAN}|{_INTERNATIONAL}|{_LOCAL}|{_BARE})(?!\d){_EXTENSION}"
_BLANK: Final = r"[ \t]{0,3}\n?[ \t]{0,3}"
_GAP: Final = (
    rf"{_BLANK}(?:numbers?|nos?\b\.?|#)?[ \t]{{0,3}}(?:is|was|at|to|:|=|-|\()?[ \t]{{0,3}}:?{_BLANK}"
)
_UNIT: Final = (
    r"[ ]?(?:ml|mg|cc|mcg|ml/hr|units?|cal|kcal|calories|cells|grams?|g|iu|meq|feet|ft|steps|copies)\b"
)

_FAX_WORDS: Final = r"(?<!\w)(?:tele)?(?:fax(?:ed|ing)?|facsimile)"
_PHONE_WORDS: Final = (
    r"(?<!\w)(?:tele)?(?:phone|ph|tel|telephone|call(?:ed|ing|s|back)?|cell|cellphone|"
    r"mobile|pager|paged?|beeper|"
    r"home|work|office|contact|reach(?:ed|able)?|hotline|line|extension|ext|text(?:ed)?|voicemail|"
    r"number|mobile phone|cell phone|call back|dial(?:ed|ing)?)\.?"
)
# Behind a word that leaves no doubt: a number of any country, however it is grouped.
_TOLD_WORDS: Final = (
    r"(?<!\w)(?:(?:tele)?phone|tel|mobile|cell|desk|fax|call (?:me|us|him|her|them)(?: on| at)?|"
    r"answering at|messages to|registered|reach(?:ed)? at|whatsapp)\.?"
)
_LOOSE: Final = r"(?:\+|\(|\d)\d{0,4}\)?(?:[ .-]{0,2}\(?\d{1,7}\)?){1,5}"
_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_HOST: Final = r"[a-z0-9](?:[a-z0-9-]{0,62})(?:\.[a-z0-9-]{1,63}){0,6}"
_DOMAIN: Final = (
    r"com|org|net|edu|gov|mil|info|biz|health|example|test|local|io|co|us|uk|ca|de|fr|it|"
    r"es|eu|ch|au|in|ie|nl"
)


class ContactRecognizer(RuleRecognizer):
    """Ways to reach somebody."""

    RULES: ClassVar[Sequence[Rule]] = (
        Rule(
            "FAX",
            re.compile(rf"{_FAX_WORDS}{_GAP}(?P<id>{_ANY})"),
            SURE,
            folded=True,
        ),
        Rule(
            "PHONE",
            re.compile(rf"(?<![\w.+/-])(?P<id>{_NORTH_AMERICAN}{_EXTENSION})(?![\w-]|\.\d)"),
            SURE,
            folded=True,
        ),
        Rule(
            "PHONE",
            re.compile(rf"(?<![\w.])(?P<id>{_INTERNATIONAL}{_EXTENSION})(?![\w-]|\.\d)"),
            LIKELY,
            folded=True,
            accept=lambda match: 8 <= sum(c.isdigit() for c in match["id"]) <= 16,
        ),
        Rule(
            "PHONE",
            re.compile(rf"(?<![\w.+/-])(?P<id>\d{{3}}-\d{{4}}{_EXTENSION})(?![\w/-]|\.\d|{_UNIT})"),
            LIKELY,
            folded=True,
        ),
        Rule(
            "PHONE", re.compile(rf"{_PHONE_WORDS}{_GAP}(?P<id>{_ANY})(?![\w%]|{_UNIT})"), TOLD, folded=True
        ),
        Rule(
            "PHONE",
            re.compile(
                r"(?<!\w)(?:ext(?:ension)?|pager|beeper|paged?(?: at)?|bleep)\.?[ \t]{0,2}(?:number|"
                r"no\.?|#|:)?[ \t:#(]{0,3}"
                r"(?P<id>x?\d{3,7}(?:-\d{4})?|\d-\d{4})(?![\w/%]|\.\d)"
            ),
            TOLD,
            folded=True,
        ),
        Rule(
            "PHONE",
            re.compile(rf"{_TOLD_WORDS}{_GAP}(?P<id>{_LOOSE})(?![\w%]|{_UNIT})"),
            TOLD,
            folded=True,
            accept=lambda match: 7 <= sum(c.isdigit() for c in match["id"]) <= 15,
        ),
        Rule(
            "EMAIL",
            re.compile(rf"[\w.+%'-]{{1,64}}@{_HOST}", re.ASCII),
            SURE,
            folded=True,
            anchor=Hint(re.compile("@")),
        ),
        Rule(
            "URL",
            re.compile(r"(?<!\w)(?:https?|ftps?|sftp)://[^\s<>\"'\x00]{1,2000}(?<![.,;:!?)\]])"),
            SURE,
            folded=True,
        ),
        Rule(
            "URL",
            re.compile(rf"(?<![\w@.])www\d?\.{_HOST}(?:[/?#][^\s<>\"'\x00]{{0,2000}}(?<![.,;:!?)\]]))?"),
            SURE,
            folded=True,
        ),
        Rule(
            "URL",
            re.compile(
                rf"(?<![\w@./-])[a-z0-9][a-z0-9-]{{1,62}}(?:\.[a-z0-9-]{{1,63}}){{0,4}}\.(?:{_DOMAIN})"
                rf"(?:(?=[/?#])[^\s<>\"'\x00]{{0,2000}}(?<![.,;:!?)\]])|(?![\w@.-]))"
            ),
            TOLD,
            folded=True,
            anchor=Hint(re.compile(rf"\.(?:{_DOMAIN})(?![\w@.-])")),
        ),
        Rule(
            "IP",
            re.compile(
                rf"(?<![\w.])(?=\d{{1,3}}\.\d){_OCTET}(?:\.{_OCTET}){{3}}(?:/\d{{1,2}}|:\d{{1,5}})?(?!\w|\.\d)"
            ),
            SURE,
            folded=True,
        ),
        Rule(
            "IP",
            re.compile(r"(?<![\w:])(?:[0-9a-f]{1,4}:{1,2}){2,7}[0-9a-f]{1,4}(?![\w:])"),
            SURE,
            folded=True,
            accept=lambda match: match[0].count(":") == 7 or match[0].count("::") == 1,
            anchor=Hint(re.compile(r":[0-9a-f]{0,4}:")),
        ),
    )

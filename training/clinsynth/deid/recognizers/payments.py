"""Numbers of bank cards and bank accounts (Safe Harbor J), told by their check digits alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Final

from clinsynth.deid.checks import iban, luhn
from clinsynth.deid.recognizers.anchors import Leads
from clinsynth.deid.recognizers.rules import SURE, Rule, RuleRecognizer

# The first digits of card issuers; ISO/IEC 7812.
_CARD: Final = re.compile(
    r"(?<![\w.,/-])(?=[23456]|1800)\d(?:\d{11,18}|\d{3}(?:[ -]\d{4}){2}[ -]\d{1,7}|\d{3}[ -]\d{6}[ -]\d{5})"
    r"(?![\w-]|[.,]\d)"
)
_IBAN: Final = re.compile(
    r"(?<![\w-])[A-Za-z]{2}\d{2}(?:[ ]?[A-Za-z0-9]{4}){2,7}(?:[ ]?[A-Za-z0-9]{1,3})?(?![\w-])"
)


class PaymentRecognizer(RuleRecognizer):
    """Cards and accounts of banks."""

    RULES: ClassVar[Sequence[Rule]] = (
        Rule("ACCOUNT", _CARD, SURE, accept=lambda match: _is_card(match[0])),
        Rule("ACCOUNT", _IBAN, SURE, accept=lambda match: _is_iban(match[0]), anchor=Leads(mixed=True)),
    )


def _is_card(number: str) -> bool:
    """Does the Luhn sum hold?"""
    digits = "".join(filter(str.isdigit, number))
    return 12 <= len(digits) <= 19 and luhn(digits) == 0 and len(set(digits)) > 2


def _is_iban(number: str) -> bool:
    """Does the check sum of ISO 13616 hold?"""
    compact = number.replace(" ", "").upper()
    return 15 <= len(compact) <= 34 and iban(compact) == 1

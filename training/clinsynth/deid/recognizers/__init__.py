"""One family of identifiers a file; each is a recogniser of Presidio."""

from __future__ import annotations

from typing import Final

from clinsynth.deid.recognizers.biometrics_photos import BiometricPhotoRecognizer
from clinsynth.deid.recognizers.contacts import ContactRecognizer
from clinsynth.deid.recognizers.dates_ages import DateAgeRecognizer
from clinsynth.deid.recognizers.denied import DeniedWordRecognizer
from clinsynth.deid.recognizers.names import NameRecognizer
from clinsynth.deid.recognizers.numbers import NumberRecognizer
from clinsynth.deid.recognizers.payments import PaymentRecognizer
from clinsynth.deid.recognizers.places import PlaceRecognizer
from clinsynth.deid.recognizers.rules import Rule, RuleRecognizer

FAMILIES: Final = (
    ContactRecognizer,
    NumberRecognizer,
    PaymentRecognizer,
    DateAgeRecognizer,
    BiometricPhotoRecognizer,
    NameRecognizer,
    PlaceRecognizer,
)
"""All that look for identifiers; together they know every label."""

__all__ = [
    "FAMILIES",
    "BiometricPhotoRecognizer",
    "ContactRecognizer",
    "DateAgeRecognizer",
    "DeniedWordRecognizer",
    "NameRecognizer",
    "NumberRecognizer",
    "PaymentRecognizer",
    "PlaceRecognizer",
    "Rule",
    "RuleRecognizer",
]

"""One family of identifiers a file; each is a recogniser of Presidio."""

from __future__ import annotations

from clinsynth.deid.recognizers.biometrics_photos import BiometricPhotoRecognizer
from clinsynth.deid.recognizers.contacts import ContactRecognizer
from clinsynth.deid.recognizers.dates_ages import DateAgeRecognizer
from clinsynth.deid.recognizers.names import NameRecognizer
from clinsynth.deid.recognizers.numbers import NumberRecognizer
from clinsynth.deid.recognizers.places import PlaceRecognizer
from clinsynth.deid.recognizers.rules import Rule, RuleRecognizer

__all__ = [
    "BiometricPhotoRecognizer",
    "ContactRecognizer",
    "DateAgeRecognizer",
    "NameRecognizer",
    "NumberRecognizer",
    "PlaceRecognizer",
    "Rule",
    "RuleRecognizer",
]

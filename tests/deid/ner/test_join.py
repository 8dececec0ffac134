"""Rules and model together: who wins, and what the model is not believed."""

from __future__ import annotations

import pytest

from clinsynth.corpus import Span
from clinsynth.deid.ner.join import joined, plausible
from clinsynth.deid.recognizers.rules import LIKELY, SURE, TOLD
from clinsynth.deid.resolve import resolve

TEXT = "Seen by Ada Okafor, MRN 4821937, near Foley."


def span(text: str, label: str, part: str) -> Span:
    start = text.index(part)
    return Span(start, start + len(part), label)


@pytest.mark.parametrize(
    ("rules", "model", "expected"),
    [
        ([], [("NAME", "Ada Okafor")], [("NAME", "Ada Okafor")]),
        ([("NAME", "Okafor", TOLD)], [("NAME", "Ada Okafor")], [("NAME", "Ada Okafor")]),
        ([("NAME", "Ada Okafor", LIKELY)], [("NAME", "Ada")], [("NAME", "Ada Okafor")]),
        ([("NAME", "Ada", TOLD)], [("NAME", "Okafor")], [("NAME", "Ada"), ("NAME", "Okafor")]),
        # A word that tells beats the model, which keeps what is beside it.
        ([("MRN", "4821937", TOLD)], [("PHONE", "4821937")], [("MRN", "4821937")]),
        (
            [("MRN", "4821937", SURE)],
            [("NAME", "Okafor, MRN 4821937")],
            [("NAME", "Okafor, MRN"), ("MRN", "4821937")],
        ),
        # A form alone does not: the longer finding stands.
        ([("PHONE", "4821937", LIKELY)], [("OTHER_ID", "MRN 4821937")], [("OTHER_ID", "MRN 4821937")]),
        ([("DATE", "4821937", SURE)], [], [("DATE", "4821937")]),
        ([], [("NAME", "4821937")], []),
    ],
)
def test_who_wins(
    rules: list[tuple[str, str, float]], model: list[tuple[str, str]], expected: list[tuple[str, str]]
) -> None:
    scored = [(span(TEXT, label, part), score) for label, part, score in rules]
    found = resolve(TEXT, joined(TEXT, scored, [span(TEXT, *one) for one in model]))
    assert [(s.label, TEXT[s.start : s.end]) for s in found] == expected


@pytest.mark.parametrize(
    ("text", "part", "label", "believed"),
    [
        ("placed a Foley catheter", "Foley", "NAME", False),
        ("known Parkinson's disease", "Parkinson", "NAME", False),
        ("Graves' disease", "Graves", "NAME", True),  # the rules' list of endings has no bare apostrophe
        ("Mr. Parkinson was seen", "Parkinson", "NAME", True),
        ("Ada Foley catheter", "Ada Foley", "NAME", True),
        ("pain 7/10", "7/10", "NAME", False),
        ("signed J", "J", "NAME", False),
        ("signed JS", "JS", "NAME", True),
        ("lives in 02139", "02139", "LOCATION", True),
        ("Okafor disease", "Okafor", "NAME", True),
        ("Carvedilol protects", "Carvedilol", "NAME", False),
        ("Nelarabine was felt to help", "Nelarabine", "NAME", False),
        ("Neutropenia was seen", "Neutropenia", "NAME", False),
        ("Josephine was seen", "Josephine", "NAME", True),
        ("took nine", "nine", "DATE", False),
        ("seen the ninth", "ninth", "DATE", True),
        ("seen 3/14", "3/14", "DATE", True),
        ("Western Aphasia Battery", "Battery", "NAME", False),
        ("HOSPITAL NUMBER 12", "HOSPITAL", "LOCATION", False),
        ("in Device Clinic", "Device", "LOCATION", False),
        ("the Rosen needle", "Rosen", "LOCATION", True),
        ("Med. record 12", "record", "BIOMETRIC", False),
        ("a palm scan", "palm scan", "BIOMETRIC", True),
        ("ID photo: none", "ID photo", "PHOTO", False),
        ("we confirmed T8", "T8", "OTHER_ID", False),
        ("unit B482", "B482", "OTHER_ID", True),
        ("phone number", "number", "PHONE", False),
        ("died at 89", "89", "AGE", False),
        ("died at ninety", "ninety", "AGE", True),
    ],
)
def test_what_cannot_be(text: str, part: str, label: str, believed: bool) -> None:
    assert plausible(text, span(text, label, part)) is believed

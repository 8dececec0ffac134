"""Sections: each must begin a line; what is missing is told by its place in the request."""

from __future__ import annotations

import pytest

from clinsynth.corpus import Note
from clinsynth.gate import Reason, Released, Verdict
from clinsynth.serve.drawing import with_sections

TEXT = "CHIEF COMPLAINT: cough\n  Plan\nrest at home, a plan (B) is to wait.\nA+ (blood group): known\n"


def released() -> Released:
    mended = Reason("identifier", 1, 2, "NAME", rejects=False)
    return Released(Note("note", TEXT), Verdict.of([mended]))


@pytest.mark.parametrize(
    "sections", [[], ["Chief complaint"], ["plan", "chief complaint"], ["A+ (blood group"]]
)
def test_sections_that_are_there(sections: list[str]) -> None:
    assert with_sections(released(), sections) == released()


@pytest.mark.parametrize(
    ("sections", "missing"),
    [
        (["Allergies"], ["sections.0"]),
        (["Plan", "rest at", "home"], ["sections.2"]),
        (["Pla"], ["sections.0"]),
        ([".*", "Plan", "x"], ["sections.0", "sections.2"]),
    ],
)
def test_sections_that_are_missing(sections: list[str], missing: list[str]) -> None:
    judged = with_sections(released(), sections)
    assert judged.note is None
    assert judged.verdict.decision == "reject"
    assert [r.detail for r in judged.verdict.reasons if r.code == "section_missing"] == missing
    assert judged.verdict.reasons[0].code == "identifier"


def test_what_is_withheld_stays_so() -> None:
    withheld = Released(None, Verdict.of([Reason("copied")]))
    assert with_sections(withheld, ["Plan"]) is withheld

"""Overlapping findings: who wins, and that nothing found is left uncovered."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsynth.corpus import PHI_LABELS, Span
from clinsynth.deid.resolve import PRIORITY, resolve

TEXT = "fax 617-555-0101 x22 to 12 Baker St"


@pytest.mark.parametrize(
    ("findings", "left"),
    [
        ([(4, 16, "PHONE"), (4, 16, "FAX")], [(4, 16, "FAX")]),  # the same place: the table decides
        ([(27, 32, "NAME"), (24, 35, "LOCATION")], [(24, 35, "LOCATION")]),  # within: the longer stays
        ([(4, 16, "FAX"), (4, 20, "PHONE")], [(4, 20, "PHONE")]),
        ([(4, 16, "FAX"), (8, 20, "PHONE")], [(4, 16, "FAX"), (17, 20, "PHONE")]),  # crossing
        ([(4, 16, "PHONE"), (8, 20, "FAX")], [(4, 7, "PHONE"), (8, 20, "FAX")]),
        ([(4, 16, "FAX"), (16, 20, "PHONE")], [(4, 16, "FAX"), (16, 20, "PHONE")]),  # side by side
    ],
)
def test_who_wins(findings: list[tuple[int, int, str]], left: list[tuple[int, int, str]]) -> None:
    assert resolve(TEXT, [Span(*f) for f in findings]) == [Span(*s) for s in left]


def test_every_label_has_its_rank() -> None:
    assert sorted(PRIORITY) == sorted(PHI_LABELS)


SPANS = st.lists(
    st.tuples(st.integers(0, 34), st.integers(1, 12), st.sampled_from(PHI_LABELS)).map(
        lambda t: Span(t[0], min(35, t[0] + t[1]), t[2])
    ),
    max_size=12,
)


@given(SPANS)
def test_all_that_was_found_is_covered_once(findings: list[Span]) -> None:
    left = resolve(TEXT, findings)
    assert left == sorted(left)
    assert all(a.end <= b.start for a, b in itertools.pairwise(left))
    wanted = {i for s in findings for i in range(s.start, s.end) if TEXT[i].isalnum()}
    assert {i for s in left for i in range(s.start, s.end) if TEXT[i].isalnum()} == wanted

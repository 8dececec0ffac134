"""Findings against gold: each way of counting, on cases small enough to count by hand, and laws for all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsynth.corpus import Span
from clinsynth.deid.score import KINDS, score_note

LABELS = ("NAME", "DATE", "MRN")
TEXT = "Seen by Mary Ann Reyes on 3 May 2021, MRN 4471."


def span(part, label):
    return Span(TEXT.index(part), TEXT.index(part) + len(part), label)


def counted(gold, found):
    score = score_note(TEXT, gold, found, LABELS)
    rows = [dict(zip(KINDS, row)) for row in score.counts_lk.tolist()]
    return dict(zip(LABELS, rows)), [(e.kind, TEXT[e.start : e.end], e.label) for e in score.errors]


def test_exact_findings():
    gold = [span("Mary Ann Reyes", "NAME"), span("3 May 2021", "DATE")]
    rows, errors = counted(gold, gold)
    every = {"gold": 1, "covered": 1, "strict": 1, "found": 1, "right": 1}
    words = {"gold_words": 3, "covered_words": 3, "found_words": 3, "right_words": 3}
    assert rows["NAME"] == rows["DATE"] == every | words
    assert errors == []


def test_what_is_left_of_a_name_leaks():
    rows, errors = counted([span("Mary Ann Reyes", "NAME")], [span("Mary Ann", "NAME")])
    assert (rows["NAME"]["gold"], rows["NAME"]["covered"], rows["NAME"]["right"]) == (1, 0, 1)
    assert (rows["NAME"]["gold_words"], rows["NAME"]["covered_words"]) == (3, 2)
    assert errors == [("part", "Mary Ann Reyes", "NAME")]


def test_another_label_covers_but_is_not_strict():
    rows, errors = counted([span("4471", "MRN")], [span("MRN 4471", "NAME")])
    assert (rows["MRN"]["covered"], rows["MRN"]["strict"], rows["MRN"]["found"]) == (1, 0, 0)
    assert (rows["NAME"]["found"], rows["NAME"]["right"], rows["NAME"]["strict"]) == (1, 1, 0)
    assert (rows["NAME"]["found_words"], rows["NAME"]["right_words"]) == (2, 1)
    assert errors == []


def test_two_findings_cover_one_identifier_and_a_comma_between_does_not_leak():
    rows, errors = counted([span("2021, MRN 4471", "MRN")], [span("2021", "DATE"), span("MRN 4471", "MRN")])
    assert rows["MRN"]["covered"] == 1
    assert errors == []


def test_missed_and_false():
    rows, errors = counted([span("4471", "MRN")], [span("Seen", "NAME")])
    assert (rows["MRN"]["covered"], rows["NAME"]["right"]) == (0, 0)
    assert errors == [("false", "Seen", "NAME"), ("missed", "4471", "MRN")]


@st.composite
def spans(draw):
    edges = sorted(draw(st.sets(st.integers(0, len(TEXT)), max_size=10)))
    return [Span(a, b, draw(st.sampled_from(LABELS))) for a, b in zip(edges[::2], edges[1::2])]


@given(spans(), spans())
def test_counts_are_parts_of_each_other_and_errors_add_up(gold, found):
    score = score_note(TEXT, gold, found, LABELS)
    total = dict(zip(KINDS, score.counts_lk.sum(0).tolist()))
    assert total["gold"] == len(gold)
    assert total["found"] == len(found)
    assert total["strict"] <= total["covered"] <= total["gold"]
    assert total["strict"] <= total["right"] <= total["found"]
    assert total["covered_words"] <= total["gold_words"]
    assert total["right_words"] <= total["found_words"]
    kinds = [error.kind for error in score.errors]
    assert kinds.count("false") == total["found"] - total["right"]
    assert kinds.count("missed") + kinds.count("part") == total["gold"] - total["covered"]


@given(spans())
def test_everything_found_as_it_is_makes_no_error(gold):
    score = score_note(TEXT, gold, gold, LABELS)
    assert score.errors == ()
    assert score.counts_lk.sum(0)[KINDS.index("strict")] == pytest.approx(len(gold))

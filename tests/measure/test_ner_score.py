"""nervaluate's numbers on a table made by hand, and laws that hold for any spans."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsynth.corpus import Span
from clinsynth.measure.ner_score import SCHEMES, document_counts, precision_recall_f1

P, T = "PROBLEM", "TEST"


def spans(*items):
    return [Span(*item) for item in items]


# (gold, predicted, strict, partial, ent_type): each (credit, predicted, gold)
TABLE = {
    "both ends and label right": (spans((0, 5, P)), spans((0, 5, P)), (1, 1, 1), (1, 1, 1), (1, 1, 1)),
    "one end off": (spans((0, 9, P)), spans((0, 5, P)), (0, 1, 1), (0.5, 1, 1), (1, 1, 1)),
    "other label": (spans((0, 5, P)), spans((0, 5, T)), (0, 1, 1), (1, 1, 1), (0, 1, 1)),
    "other label and end": (spans((0, 9, P)), spans((0, 5, T)), (0, 1, 1), (0.5, 1, 1), (0, 1, 1)),
    "missed": (spans((0, 5, P)), [], (0, 0, 1), (0, 0, 1), (0, 0, 1)),
    "spurious": ([], spans((0, 5, P)), (0, 1, 0), (0, 1, 0), (0, 1, 0)),
    "elsewhere": (spans((0, 5, P)), spans((6, 9, P)), (0, 1, 1), (0, 1, 1), (0, 1, 1)),
    # "aspirin" against "aspirinwarfarin" would touch if an end were taken for the last character inside
    "neighbours do not overlap": (spans((0, 5, P)), spans((5, 9, P)), (0, 1, 1), (0, 1, 1), (0, 1, 1)),
    "one of two found, one split": (
        spans((0, 5, P), (10, 20, T)),
        spans((0, 5, P), (10, 14, T), (15, 20, T)),
        (1, 3, 2),
        (1.5, 3, 2),
        (2, 3, 2),
    ),
    "nothing at all": ([], [], (0, 0, 0), (0, 0, 0), (0, 0, 0)),
    "labels not asked for": (
        spans((0, 5, "OTHER")),
        spans((7, 9, "OTHER")),
        (0, 0, 0),
        (0, 0, 0),
        (0, 0, 0),
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_counts(name):
    gold, predicted, *expected = TABLE[name]
    counts = document_counts(gold, predicted, (P, T))
    assert counts.shape == (3, len(SCHEMES), 3)
    np.testing.assert_array_equal(counts[0], np.array(expected, float))


def test_scores_of_types_are_their_own():
    counts = document_counts(spans((0, 5, P), (10, 20, T)), spans((0, 5, P), (10, 20, P)), (P, T))
    precision, recall, f1 = precision_recall_f1(counts)
    strict = SCHEMES.index("strict")
    assert (precision[0, strict], recall[0, strict], f1[0, strict]) == (0.5, 0.5, 0.5)
    assert (precision[1, strict], recall[1, strict]) == (0.5, 1.0)
    assert (precision[2, strict], recall[2, strict], f1[2, strict]) == (0.0, 0.0, 0.0)


def some_spans(draw):
    edges = sorted(draw(st.sets(st.integers(0, 60), max_size=16)))
    labels = st.sampled_from([P, T])
    return [Span(a, b, draw(labels)) for a, b in zip(edges[::2], edges[1::2])]


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_group_by_group_equals_nervaluate_on_the_whole_document(data):
    from nervaluate import Evaluator

    gold, predicted = some_spans(data.draw), some_spans(data.draw)
    counts = document_counts(gold, predicted, (P, T))
    if not gold and not predicted:
        assert not counts.any()
        return
    as_dicts = [
        [[{"label": s.label, "start": s.start, "end": s.end - 1} for s in side]]
        for side in (gold, predicted)
    ]
    whole = Evaluator(*as_dicts, tags=[P, T], loader="dict").evaluate()["overall"]
    for row, scheme in enumerate(SCHEMES):
        found = whole[scheme]
        expected = (found.correct + 0.5 * found.partial, found.actual, found.possible)
        assert tuple(counts[0, row]) == expected
    assert counts[0, 0, 1] == len(predicted)
    assert counts[0, 0, 2] == len(gold)
    # strict is the harder question; labels add up
    assert counts[0, 0, 0] <= counts[0, 2, 0]
    assert counts[1:, 0, 0].sum() == counts[0, 0, 0]

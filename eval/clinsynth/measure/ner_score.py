"""Span scores by nervaluate, as counts per document that a bootstrap can add up.

nervaluate's schemes: ``strict`` wants label and both ends right; ``partial`` gives half a point for any
overlap whatever the label; ``ent_type`` wants the label right and any overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from clinsynth.corpus import Span

SCHEMES: Final = ("strict", "partial", "ent_type")
CREDIT, PREDICTED, GOLD = 0, 1, 2
"""Columns of counts: points earned, spans predicted, spans in the gold."""

Counts = npt.NDArray[np.float64]


def document_counts(gold: Sequence[Span], predicted: Sequence[Span], labels: Sequence[str]) -> Counts:
    """Counts of one document, (1 + labels, schemes, 3): all labels together first, then each alone."""
    wanted = set(labels)
    gold = [s for s in gold if s.label in wanted]
    predicted = [s for s in predicted if s.label in wanted]
    counts = np.zeros((1 + len(labels), len(SCHEMES), 3))
    for true, guess in _touching(gold, predicted):
        counts[0] += _score(true, guess)
        for row, label in enumerate(labels, 1):
            one_true, one_guess = ([s for s in side if s.label == label] for side in (true, guess))
            if one_true or one_guess:
                counts[row] += _score(one_true, one_guess)
    return counts


def precision_recall_f1(counts: Counts) -> tuple[Counts, Counts, Counts]:
    """From counts with the three columns last; zero where there is nothing to count."""
    credit, predicted, gold = counts[..., CREDIT], counts[..., PREDICTED], counts[..., GOLD]
    return (
        credit / np.maximum(predicted, 1),
        credit / np.maximum(gold, 1),
        2 * credit / np.maximum(predicted + gold, 1),
    )


def _score(gold: Sequence[Span], predicted: Sequence[Span]) -> Counts:
    from nervaluate.entities import Entity
    from nervaluate.strategies import EntityTypeEvaluation, PartialEvaluation, StrictEvaluation

    # nervaluate takes the end as the last character inside: two neighbours would overlap with ours.
    true = [Entity(s.label, s.start, s.end - 1) for s in gold]
    guess = [Entity(s.label, s.start, s.end - 1) for s in predicted]
    tags = sorted({s.label for s in (*gold, *predicted)})
    rows = []
    for strategy in (StrictEvaluation(), PartialEvaluation(), EntityTypeEvaluation()):
        found, _ = strategy.evaluate(true, guess, tags)
        rows.append((found.correct + 0.5 * found.partial, found.actual, found.possible))
    return np.array(rows, np.float64)


def _touching(gold: Sequence[Span], predicted: Sequence[Span]) -> Iterator[tuple[list[Span], list[Span]]]:
    """Groups of spans that overlap, directly or through others.

    nervaluate compares every span with every other; spans that don't touch never influence each other, so
    scoring group by group gives the same counts in linear time.
    """
    marked = sorted([(s, 0) for s in gold] + [(s, 1) for s in predicted])
    group: tuple[list[Span], list[Span]] = ([], [])
    end = -1
    for span, side in marked:
        if span.start >= end and (group[0] or group[1]):
            yield group
            group = ([], [])
        group[side].append(span)
        end = max(end, span.end)
    if group[0] or group[1]:
        yield group

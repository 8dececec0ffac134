"""How well the model does by itself on notes whose identifiers are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from clinsynth.corpus import PHI_LABELS, Note
from clinsynth.deid.ner.card import PROFESSION
from clinsynth.deid.ner.data import marked
from clinsynth.deid.ner.model import NerModel
from clinsynth.deid.score import KINDS, score_note

ALL = "all"

Scores = Mapping[str, Mapping[str, float | int | None]]


def dev_scores(model: NerModel, notes: Sequence[Note]) -> Scores:
    """Recall (gold covered) and precision (found that touches gold) by label and in all, with counts.

    Professions stand for nothing here: they are no identifiers of Safe Harbor.
    """
    counts = np.zeros((len(PHI_LABELS), len(KINDS)), np.int64)
    for note, found in zip(notes, model.find([note.text for note in notes])):
        gold = [s for s in marked(note) if s.label != PROFESSION]
        counts += score_note(note.text, gold, found, PHI_LABELS).counts_lk
    rows = {ALL: counts.sum(0)} | dict(zip(PHI_LABELS, counts))
    scores: dict[str, dict[str, float | int | None]] = {}
    for label, row in rows.items():
        by = dict(zip(KINDS, row.tolist()))
        if by["gold"] or by["found"]:
            scores[label] = {
                "gold": by["gold"],
                "found": by["found"],
                "recall": by["covered"] / by["gold"] if by["gold"] else None,
                "precision": by["right"] / by["found"] if by["found"] else None,
            }
    return scores

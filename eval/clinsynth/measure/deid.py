"""Does the de-identifier find what it must, and leave the rest alone?

Gold notes hold identifiers as text, with their places and labels in ``phi``. The detector looks at the text
and is scored by class. Errors are listed by note and place; what stands there is not repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from clinsynth.config import Config
from clinsynth.corpus import PHI_LABELS, SAFE_HARBOR
from clinsynth.deid.config import DeidConfig
from clinsynth.deid.score import KINDS, Kind, score_note
from clinsynth.deid.tags import TAG
from clinsynth.errors import DataError
from clinsynth.measure.identifiers import searched
from clinsynth.measure.inputs import Inputs
from clinsynth.measure.results import Metric, TaskResult
from clinsynth.measure.statistics import wilson
from clinsynth.measure.tasks import Context

if TYPE_CHECKING:
    from clinsynth.deid import Detector
    from clinsynth.measure.inputs import NoteSource

NEEDS: Final = ("identified",)
ALL: Final = "all"
READERS: Final = 0.27
"""Share of leaks behind surrogates that people who read the notes found (PMC7647331)."""
ATTACKERS: Final = 0.68
"""The same of a trained attacker (PMC6857511)."""


class Parameters(Config):
    """Parameters of the task; the task file explains each."""

    max_notes: int | None = Field(ge=1)
    max_errors: int = Field(ge=0)
    level: float = Field(gt=0.5, lt=1)
    detector: DeidConfig


@dataclass(slots=True)
class _Tally:
    """Counts over all notes: [labels, kinds]."""

    counts_lk: npt.NDArray[np.int64]
    notes: int = 0
    words: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)
    errors_in_all: int = 0


def measure(inputs: Inputs, parameters: Parameters, context: Context) -> TaskResult:  # noqa: ARG001 - every measure is called alike
    """Looks at the gold notes and scores what the detector finds.

    Raises:
        DataError: the notes hold no identifiers, or tags in their place.
        GateError: the detector could not look at everything.
    """
    from clinsynth.deid import Detector

    source = inputs.needed_identified
    detector = Detector(parameters.detector)
    tally = _look(source, detector, parameters)
    if not tally.counts_lk[:, KINDS.index("gold")].any():
        raise DataError(
            f"{source.paths[0]}: no note has an identifier in phi: they stand as text, with their places"
        )
    rows = {ALL: tally.counts_lk.sum(0)} | dict(zip(PHI_LABELS, tally.counts_lk))
    metrics: dict[tuple[str, str], Metric] = {}
    for arm, counts_k in rows.items():
        metrics |= _metrics(arm, dict(zip(KINDS, counts_k.tolist())), parameters.level)
    metrics |= _rates(tally)
    details = {
        "detector": detector.describe(),
        "notes": tally.notes,
        "words": tally.words,
        "classes": [
            {"letter": SAFE_HARBOR[label], "label": label, **dict(zip(KINDS, rows[label].tolist()))}
            for label in PHI_LABELS
        ],
        "errors": tally.errors,
        "errors_in_all": tally.errors_in_all,
    }
    return TaskResult(metrics, tally.notes, tally.notes, details)


def _look(source: NoteSource, detector: Detector, parameters: Parameters) -> _Tally:
    tally = _Tally(np.zeros((len(PHI_LABELS), len(KINDS)), np.int64))
    for note, found in searched(source, parameters.max_notes, detector):
        if unknown := {span.label for span in note.phi} - set(PHI_LABELS):
            raise DataError(
                f"{source.paths[0]}: note {note.id}: {min(unknown)} is no label of identifiers; "
                f"labels: {', '.join(PHI_LABELS)}"
            )
        if any(TAG.fullmatch(note.text, span.start, span.end) for span in note.phi):
            raise DataError(
                f"{source.paths[0]}: note {note.id}: its identifiers are tags already, with nothing to find"
            )
        score = score_note(note.text, note.phi, found, PHI_LABELS)
        tally.counts_lk += score.counts_lk
        tally.notes += 1
        tally.words += len(note.text.split())
        tally.errors_in_all += len(score.errors)
        room = parameters.max_errors - len(tally.errors)
        tally.errors += (
            {"id": note.id, "start": e.start, "end": e.end, "label": e.label, "kind": e.kind}
            for e in score.errors[: max(0, room)]
        )
    return tally


def _metrics(arm: str, counts: Mapping[Kind, int], level: float) -> dict[tuple[str, str], Metric]:
    """Of one label, or of all; what would divide by nothing is left out."""
    shares: dict[str, tuple[int, int]] = {
        "recall": (counts["covered"], counts["gold"]),
        "precision": (counts["right"], counts["found"]),
        "recall_words": (counts["covered_words"], counts["gold_words"]),
        "precision_words": (counts["right_words"], counts["found_words"]),
        "recall_strict": (counts["strict"], counts["gold"]),
        "precision_strict": (counts["strict"], counts["found"]),
    }
    metrics = {
        (name, arm): Metric(part / whole, interval=wilson(part, whole, level))
        for name, (part, whole) in shares.items()
        if whole
    }
    if ("recall", arm) in metrics and ("precision", arm) in metrics:
        recall, precision = metrics["recall", arm].value, metrics["precision", arm].value
        mean = 2 * recall * precision / (recall + precision) if recall + precision else 0.0
        metrics["f1", arm] = Metric(mean)
    return metrics


def _rates(tally: _Tally) -> dict[tuple[str, str], Metric]:
    counts = dict(zip(KINDS, tally.counts_lk.sum(0).tolist()))
    false, leaks = counts["found"] - counts["right"], counts["gold"] - counts["covered"]
    per_note = 1000 * leaks / tally.notes
    return {
        ("false_per_1000_words", ALL): Metric(1000 * false / max(1, tally.words)),
        ("leaks_per_1000", ALL): Metric(per_note),
        ("leaks_readers_find_per_1000", ALL): Metric(READERS * per_note),
        ("leaks_attackers_find_per_1000", ALL): Metric(ATTACKERS * per_note),
    }

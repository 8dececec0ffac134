"""Are there identifiers in the synthetic notes, as they lie, that nobody declared?

Every note of the release is searched again with the de-identifier's detector. What it finds inside a
note's ``phi`` spans is declared: a tag, or a surrogate that was made up. What it finds elsewhere is
undeclared: the generator wrote it and nothing replaced it. The control is the same search over
de-identified real notes that the generator never saw.

What it does not know: identifiers that the detector cannot see, and whether an undeclared value is a real
person's or invented. A detector's false alarms count too, which is why the control stands beside.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from clinsynth.config import Config
from clinsynth.corpus import PHI_LABELS, SAFE_HARBOR, Note, Span
from clinsynth.deid.config import DeidConfig
from clinsynth.errors import DataError
from clinsynth.measure.inputs import Inputs, NoteSource
from clinsynth.measure.results import Interval, Metric, TaskResult
from clinsynth.measure.statistics import wilson
from clinsynth.measure.tasks import Context
from clinsynth.progress import track

if TYPE_CHECKING:
    from clinsynth.deid import Detector

_BATCH_NOTES = 64

NEEDS: Final = ("synthetic",)


class Parameters(Config):
    """Parameters of the task; the task file explains each."""

    max_notes: int | None = Field(ge=1)
    max_control_notes: int | None = Field(ge=0)
    level: float = Field(gt=0.5, lt=1)
    detector: DeidConfig


@dataclass(slots=True)
class _Tally:
    """Counts over one source of notes, by label."""

    notes: int = 0
    notes_with_undeclared: int = 0
    declared: Counter[str] = field(default_factory=Counter)
    undeclared: Counter[str] = field(default_factory=Counter)


def measure(inputs: Inputs, parameters: Parameters, context: Context) -> TaskResult:  # noqa: ARG001 - every measure is called alike
    """Searches the synthetic notes, and the control where there is one.

    Raises:
        DataError: there are no synthetic notes.
        GateError: the detector could not look at everything.
    """
    from clinsynth.deid import Detector

    detector = Detector(parameters.detector)
    synthetic = _search(inputs.needed_synthetic, parameters.max_notes, detector)
    if not synthetic.notes:
        raise DataError(f"{inputs.needed_synthetic.paths[0]}: no notes to search")
    tallies = {"synthetic": synthetic}
    if inputs.holdout is not None and parameters.max_control_notes != 0:
        control = _search(inputs.holdout, parameters.max_control_notes, detector)
        if control.notes:
            tallies["holdout"] = control
    metrics: dict[tuple[str, str], Metric] = {}
    for arm, tally in tallies.items():
        metrics |= _metrics(arm, tally, parameters.level)
    details = {
        "detector": detector.describe(),
        "classes": _classes(tallies),
        "notes": {arm: t.notes for arm, t in tallies.items()},
    }
    return TaskResult(metrics, synthetic.notes, synthetic.notes, details)


def _search(source: NoteSource, most: int | None, detector: Detector) -> _Tally:
    tally = _Tally()
    for note, found in searched(source, most, detector):
        count(note, found, tally)
    return tally


def searched(source: NoteSource, most: int | None, detector: Detector) -> Iterator[tuple[Note, list[Span]]]:
    """The first ``most`` notes, or all, each with what the detector finds in it."""
    notes = track(itertools.islice(source, most), f"searching {source.name}", total=most)
    while batch := list(itertools.islice(notes, _BATCH_NOTES)):
        yield from zip(batch, detector.detect_batch([note.text for note in batch]))


def count(note: Note, found: Iterable[Span], tally: _Tally) -> None:
    """Adds one note: its declared identifiers, and what was found outside them."""
    outside = [s for s in found if not any(s.start < p.end and p.start < s.end for p in note.phi)]
    tally.notes += 1
    tally.notes_with_undeclared += bool(outside)
    tally.declared.update(span.label for span in note.phi)
    tally.undeclared.update(span.label for span in outside)


def _metrics(arm: str, tally: _Tally, level: float) -> dict[tuple[str, str], Metric]:
    share = wilson(tally.notes_with_undeclared, tally.notes, level)
    rate = Interval(1000 * share.low, 1000 * share.high, level, share.method)
    return {
        ("undeclared", arm): Metric(float(tally.undeclared.total())),
        ("declared", arm): Metric(float(tally.declared.total())),
        ("notes_with_undeclared_per_1000", arm): Metric(
            1000 * tally.notes_with_undeclared / tally.notes, interval=rate
        ),
    }


def _classes(tallies: dict[str, _Tally]) -> list[dict[str, Any]]:
    """A row a label, in the order of the Safe Harbor letters."""
    labels = [
        *PHI_LABELS,
        *sorted({x for t in tallies.values() for x in (t.declared + t.undeclared)} - set(PHI_LABELS)),
    ]
    return [
        {
            "letter": SAFE_HARBOR.get(label, "?"),
            "label": label,
            **{
                arm: {"declared": t.declared[label], "undeclared": t.undeclared[label]}
                for arm, t in tallies.items()
            },
        }
        for label in labels
    ]

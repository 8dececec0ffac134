"""How much of the synthetic text is copied from training notes, beside what two real notes share anyway?

An index of the training notes' word n-grams is asked for every stretch of a note that also stands in
training text. Notes by one hospital share phrases without anybody copying, so the same question is put to
real notes that the generator never saw: the hold-out. Only what synthetic text shares beyond that is
copying.

Boilerplate: n-grams that occur in more than ``max_documents`` training notes are not counted, on either
side. Both sides are compared as tagged text: surrogates are turned back into their tags first, so that
invented names neither hide a copied sentence nor make one.

What it does not know: copies that were reworded, and copies shorter than n words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from clinsynth.config import Config
from clinsynth.corpus import Note
from clinsynth.errors import DataError
from clinsynth.measure.inputs import Inputs, NoteSource, whose
from clinsynth.measure.results import Metric, TaskResult
from clinsynth.measure.statistics import (
    FEW_DOCUMENTS,
    Array,
    bootstrap_sums,
    grouped_sums,
    newcombe,
    percentile_metric,
    ratio,
    wilson,
)
from clinsynth.measure.tasks import Context
from clinsynth.progress import track

if TYPE_CHECKING:
    from clinsynth.overlap import NgramIndex

_WORDS, _COPIED, _HAS_COPY, _ONE = range(4)
_LENGTHS = (13, 20, 30, 50, 100)  # longest copied stretch in words: at least so many
_LISTED = 20

NEEDS: Final = ("real", "synthetic")


class Parameters(Config):
    """Parameters of the task; the task file explains each."""

    n: int = Field(ge=3)
    max_documents: int = Field(ge=1)
    long_words: int = Field(ge=3)
    beyond: float = Field(ge=1)
    max_notes: int | None = Field(ge=1)
    resamples: int = Field(ge=1000)
    level: float = Field(gt=0.5, lt=1)


@dataclass(frozen=True, slots=True)
class _Copies:
    """Per note: ``counts`` (notes, 4) words, copied words, 1 if any is copied, 1; ``longest`` in words;
    ``groups``: whose the note is; ``ids``."""

    counts: Array
    longest: npt.NDArray[np.int64]
    groups: list[str]
    ids: list[str]

    def with_at_least(self, words: int) -> int:
        """Number of notes with a copied stretch of so many words."""
        return int((self.longest >= words).sum())


def measure(inputs: Inputs, parameters: Parameters, context: Context) -> TaskResult:
    """Compares the synthetic notes and the hold-out with the training notes.

    Raises:
        UsageError: there is no hold-out.
        DataError: a side has no notes.
    """
    holdout = inputs.need_holdout("copied_spans")
    index = _index(inputs.needed_train, parameters)
    sides = {
        "synthetic": _copies(inputs.needed_synthetic, index, parameters.max_notes),
        "holdout": _copies(holdout, index, parameters.max_notes),
    }
    rng = np.random.default_rng(context.seed)
    spreads = {
        arm: bootstrap_sums(grouped_sums(side.counts, side.groups), parameters.resamples, rng)
        for arm, side in sides.items()
    }
    metrics: dict[tuple[str, str], Metric] = {}
    for name, top, bottom in (
        ("copied_word_share", _COPIED, _WORDS),
        ("copied_note_share", _HAS_COPY, _ONE),
    ):
        metrics |= _share(name, top, bottom, sides, spreads, parameters.level)
    beyond = max(parameters.long_words, math.ceil(parameters.beyond * sides["holdout"].longest.max()))
    metrics |= _long_copies(sides, parameters, beyond)
    notes = len(sides["synthetic"].counts)
    details = {
        "n": parameters.n,
        "max_documents": parameters.max_documents,
        "long_words": parameters.long_words,
        "beyond_words": beyond,
        "long_copies": _listed(sides["synthetic"], parameters.long_words),
        "sides": {arm: _details(side) for arm, side in sides.items()},
    }
    return TaskResult(metrics, notes, notes, details, _remarks(sides))


def _index(train: NoteSource, parameters: Parameters) -> NgramIndex:
    from clinsynth.overlap import NgramIndexBuilder

    builder = NgramIndexBuilder(parameters.n, parameters.max_documents)
    for note in track(train, "indexing the real notes"):
        # What one patient's notes carry forward, or the pieces of one document, is no boilerplate.
        builder.add(tagged_text(note), whose(note))
    return builder.finish()


def tagged_text(note: Note) -> str:
    """The text with every identifier, tag or surrogate, as its tag."""
    parts, end = [], 0
    for span in note.phi:
        parts += [note.text[end : span.start], f"<|{span.label}|>"]
        end = span.end
    return "".join([*parts, note.text[end:]])


def _copies(source: NoteSource, index: NgramIndex, most: int | None) -> _Copies:
    rows, longest, groups, ids = [], [], [], []
    for note in track(source.take(most), f"comparing {source.name}"):
        text = tagged_text(note)
        stretches = [len(text[start:end].split()) for start, end in index.copied(text)]
        words = len(text.split())
        rows.append((words, min(sum(stretches), words), bool(stretches), 1))
        longest.append(max(stretches, default=0))
        groups.append(whose(note))
        ids.append(note.id)
    if not rows:
        raise DataError(f"{source.paths[0]}: no notes to compare")
    return _Copies(np.array(rows, np.float64), np.array(longest, np.int64), groups, ids)


def _share(
    name: str, top: int, bottom: int, sides: dict[str, _Copies], spreads: dict[str, Array], level: float
) -> dict[tuple[str, str], Metric]:
    totals = {arm: side.counts.sum(0) for arm, side in sides.items()}
    values = {arm: float(total[top] / max(total[bottom], 1)) for arm, total in totals.items()}
    resampled = {arm: ratio(sums[:, top], sums[:, bottom]) for arm, sums in spreads.items()}
    metrics = {(name, arm): percentile_metric(values[arm], resampled[arm], level) for arm in sides}
    difference = values["synthetic"] - values["holdout"]
    spread = resampled["synthetic"] - resampled["holdout"]
    metrics[f"{name}_difference", "synthetic"] = percentile_metric(difference, spread, level)
    return metrics


def _long_copies(
    sides: dict[str, _Copies], parameters: Parameters, beyond: int
) -> dict[tuple[str, str], Metric]:
    """One note copied whole hardly moves a share of words, so long stretches are counted by themselves.

    Notes are taken as independent. Where those of one patient are copied together that makes the intervals
    too narrow, which errs on the side of the alarm.
    """
    metrics, found = {}, {}
    for arm, side in sides.items():
        long, notes = side.with_at_least(parameters.long_words), len(side.ids)
        found[arm] = long, notes
        metrics["longest_copied_words", arm] = Metric(float(side.longest.max()))
        metrics["notes_with_long_copy", arm] = Metric(float(long))
        spread = wilson(long, notes, parameters.level)
        metrics["long_copy_note_share", arm] = Metric(long / notes, interval=spread)
    difference = (
        metrics["long_copy_note_share", "synthetic"].value
        - metrics["long_copy_note_share", "holdout"].value
    )
    spread = newcombe(found["synthetic"], found["holdout"], parameters.level)
    metrics["long_copy_note_share_difference", "synthetic"] = Metric(difference, interval=spread)
    metrics["notes_copied_beyond_control", "synthetic"] = Metric(
        float(sides["synthetic"].with_at_least(beyond))
    )
    return metrics


def _listed(side: _Copies, words: int) -> list[dict[str, Any]]:
    """The notes with the longest copied stretches, if they are that long: those to read."""
    order = np.argsort(-side.longest, kind="stable")[:_LISTED]
    return [{"id": side.ids[i], "words": int(side.longest[i])} for i in order if side.longest[i] >= words]


def _details(side: _Copies) -> dict[str, Any]:
    quantiles = np.quantile(side.longest, [0.5, 0.95, 1.0])
    return {
        "notes": len(side.longest),
        "words": int(side.counts[:, _WORDS].sum()),
        "copied_words": int(side.counts[:, _COPIED].sum()),
        "longest_words": dict(zip(("median", "p95", "max"), (float(q) for q in quantiles))),
        "share_of_notes_with_at_least": {str(n): float((side.longest >= n).mean()) for n in _LENGTHS},
    }


def _remarks(sides: dict[str, _Copies]) -> tuple[str, ...]:
    return tuple(
        f"Only {len(set(side.groups))} {name} documents: the intervals are too narrow to take literally."
        for name, side in zip(("synthetic", "hold-out"), sides.values())
        if len(set(side.groups)) < FEW_DOCUMENTS
    )

"""What does the synthetic text look like, beside real text?

Lengths, note types, entity density and entity types of the synthetic notes and of two random halves of
the real ones. The distance between the halves is what "the same" looks like at this number of notes; the
distance from synthetic to real is read against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from clinsynth.config import Config
from clinsynth.corpus import Note
from clinsynth.errors import DataError
from clinsynth.measure.inputs import Inputs, NoteSource
from clinsynth.measure.results import Metric, TaskResult
from clinsynth.measure.tasks import Context

NEEDS: Final = ("real", "synthetic")


class Parameters(Config):
    """Parameters of the task; the task file explains each."""

    max_notes: int = Field(ge=2)
    bins: int = Field(ge=5, le=100)


@dataclass(frozen=True, slots=True)
class _Look:
    """What is counted of one set of notes."""

    words: npt.NDArray[np.float64]
    entities: npt.NDArray[np.float64]
    entity_types: Counter[str]
    note_types: Counter[str]


def measure(inputs: Inputs, parameters: Parameters, context: Context) -> TaskResult:
    """Describes synthetic and real notes.

    Raises:
        DataError: a side has too few notes.
    """
    real = _take(inputs.needed_train, parameters.max_notes)
    synthetic = _take(inputs.needed_synthetic, parameters.max_notes)
    order = np.random.default_rng(context.seed).permutation(len(real))
    half = len(real) // 2
    looks = {
        "synthetic": _look(synthetic),
        "real": _look(real),
        "half_a": _look([real[i] for i in order[:half]]),
        "half_b": _look([real[i] for i in order[half:]]),
    }
    metrics: dict[tuple[str, str], Metric] = {}
    for arm in ("synthetic", "real"):
        metrics["words_per_note", arm] = Metric(float(looks[arm].words.mean()))
        metrics["entities_per_100_words", arm] = Metric(_density(looks[arm]))
    for arm, a, b in (("synthetic", "synthetic", "real"), ("real_halves", "half_a", "half_b")):
        metrics |= _distances(arm, looks[a], looks[b])
    shown = {arm: looks[arm] for arm in ("synthetic", "real")}
    details = {
        "notes": {arm: len(look.words) for arm, look in shown.items()},
        "lengths": _histogram(shown, parameters.bins),
        "entity_types": {arm: _shares(look.entity_types) for arm, look in shown.items()},
        "note_types": {arm: _shares(look.note_types) for arm, look in shown.items()},
    }
    return TaskResult(metrics, len(synthetic), len(synthetic), details)


def _take(source: NoteSource, most: int) -> list[Note]:
    notes = source.take(most)
    if len(notes) < 2:
        raise DataError(f"{source.paths[0]}: {len(notes)} notes, at least 2 are needed")
    return notes


def _look(notes: Sequence[Note]) -> _Look:
    return _Look(
        words=np.array([len(n.text.split()) for n in notes], np.float64),
        entities=np.array([len(n.entities) for n in notes], np.float64),
        entity_types=Counter(s.label for n in notes for s in n.entities),
        note_types=Counter(n.attributes.note_type or "unknown" for n in notes),
    )


def _density(look: _Look) -> float:
    return float(100 * look.entities.sum() / max(look.words.sum(), 1))


def _distances(arm: str, a: _Look, b: _Look) -> dict[tuple[str, str], Metric]:
    metrics = {
        ("length_distance", arm): Metric(ks_distance(a.words, b.words)),
        ("note_type_distance", arm): Metric(total_variation(a.note_types, b.note_types)),
    }
    if a.entity_types and b.entity_types:
        metrics["entity_type_distance", arm] = Metric(total_variation(a.entity_types, b.entity_types))
    return metrics


def ks_distance(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Largest gap between the two cumulative distributions (Kolmogorov-Smirnov), 0 to 1."""
    points = np.concatenate([a, b])
    below = [np.searchsorted(np.sort(x), points, side="right") / len(x) for x in (a, b)]
    return float(np.abs(below[0] - below[1]).max())


def total_variation(a: Counter[str], b: Counter[str]) -> float:
    """Share of one distribution that would have to move to make the other, 0 to 1."""
    x, y = _shares(a), _shares(b)
    return 0.5 * sum(abs(x.get(k, 0.0) - y.get(k, 0.0)) for k in x.keys() | y.keys())


def _shares(counts: Counter[str]) -> dict[str, float]:
    total = counts.total()
    return {key: value / total for key, value in counts.most_common()}


def _histogram(looks: dict[str, _Look], bins: int) -> dict[str, Any]:
    top = float(np.quantile(np.concatenate([x.words for x in looks.values()]), 0.99))
    edges = np.linspace(0, max(top, 1.0), bins + 1)
    shares = {
        arm: (np.histogram(np.minimum(x.words, edges[-1]), edges)[0] / len(x.words)).tolist()
        for arm, x in looks.items()
    }
    return {"edges": edges.tolist(), **shares}

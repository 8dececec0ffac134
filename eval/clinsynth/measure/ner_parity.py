"""Is a named-entity model trained on synthetic notes as good as one trained on real notes?

Arms, all tested on the same unseen real gold notes, trained on equal numbers of words:

    real       real notes with their gold entities
    synthetic  synthetic notes with the entities they were born with
    annotated  the same synthetic notes, labelled anew by the real arm's model
    shuffled   real notes with their entities moved to random words: what no information scores

What it does not know: whether another encoder, or more synthetic text than real, would end otherwise; and
the bootstrap covers the choice of test documents, not of training notes (the spread over seeds shows some
of it).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from pydantic import Field

from clinsynth.config import Config
from clinsynth.corpus import Note, Span
from clinsynth.errors import DataError
from clinsynth.measure.arms import (
    EmptyNotes,
    Labelled,
    draw_windows,
    entity_labels,
    labelled_notes,
    shuffled_entities,
)
from clinsynth.measure.inputs import Inputs, whose
from clinsynth.measure.ner_score import SCHEMES, document_counts, precision_recall_f1
from clinsynth.measure.results import Metric, TaskResult
from clinsynth.measure.statistics import (
    FEW_DOCUMENTS,
    Array,
    bootstrap_sums,
    grouped_sums,
    percentile_metric,
)
from clinsynth.measure.tasks import Context
from clinsynth.tagging import (
    EncodedNotes,
    FineTuning,
    Labels,
    Tagger,
    Window,
    encode,
    encoder_folder,
    fine_tune,
    load_tokenizer,
)

Arm = Literal["real", "synthetic", "annotated", "shuffled"]

NEEDS: Final = ("real", "synthetic")


class Parameters(Config):
    """Parameters of the task; the task file explains each."""

    arms: tuple[Arm, ...] = Field(min_length=1)
    seeds: int = Field(ge=1)
    equal_words: bool
    max_words: int | None = Field(ge=100)
    max_test_notes: int | None = Field(ge=1)
    max_notes: int = Field(ge=1)
    empty_notes: EmptyNotes
    resamples: int = Field(ge=1000)
    level: float = Field(gt=0.5, lt=1)
    fine_tuning: FineTuning


@dataclass(slots=True)
class _Arm:
    """What an arm did, over seeds; ``counts`` is (documents, 1 + labels, schemes, 3) a seed."""

    counts: list[Array] = field(default_factory=list)
    words: list[int] = field(default_factory=list)
    entities: list[int] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Bench:
    """Everything that the arms share."""

    labels: Labels
    encoder: Path
    pad: int
    real: Labelled
    synthetic: Labelled
    test: Labelled
    encoded: Mapping[str, EncodedNotes]
    words: Mapping[str, int]
    parameters: Parameters

    @property
    def groups(self) -> set[str]:
        """Documents or patients of the gold notes."""
        return {whose(note) for note in self.test.notes}


def measure(inputs: Inputs, parameters: Parameters, context: Context) -> TaskResult:
    """Trains and tests every arm with every seed.

    Raises:
        DataError: notes without entities, or no entity label that real and gold notes share.
        UsageError: no gold notes, or no encoder.
    """
    bench = _set_up(inputs, parameters, context)
    arms: dict[str, _Arm] = {name: _Arm() for name in ("real", *parameters.arms)}
    for seed in range(context.seed, context.seed + parameters.seeds):
        real_tagger: Tagger | None = None
        for name, arm in arms.items():
            tagger = _run_arm(name, arm, bench, seed, real_tagger)
            real_tagger = real_tagger or tagger
    return _result(bench, arms, context.seed)


def _set_up(inputs: Inputs, parameters: Parameters, context: Context) -> _Bench:
    encoder = encoder_folder(context.encoder)
    tokenizer = load_tokenizer(encoder)
    gold = inputs.need_test("ner_parity")

    def read(source: Any, most: int | None) -> Labelled:
        return labelled_notes(source, most, parameters.empty_notes)

    test = read(gold, parameters.max_test_notes)
    real, synthetic = (
        read(s, parameters.max_notes) for s in (inputs.needed_train, inputs.needed_synthetic)
    )
    labels = Labels(entity_labels(test.notes))
    for name, side in (("real", real), ("synthetic", synthetic)):
        if not set(labels.names) & set(entity_labels(side.notes)):
            raise DataError(
                f"the gold notes carry {', '.join(labels.names)}, the {name} notes "
                f"{', '.join(entity_labels(side.notes))}: no entity label in common"
            )
    how = parameters.fine_tuning
    sides = {"real": real, "synthetic": synthetic, "test": test}
    encoded = {n: encode([x.text for x in s.notes], tokenizer, how.max_pieces) for n, s in sides.items()}
    return _Bench(
        labels, encoder, int(tokenizer.pad_token_id or 0), real, synthetic, test,
        encoded, _word_budgets(encoded, parameters), parameters,
    )  # fmt: skip


def _word_budgets(encoded: Mapping[str, EncodedNotes], parameters: Parameters) -> dict[str, int]:
    words = {name: encoded[name].words for name in ("real", "synthetic")}
    if parameters.equal_words:
        words = dict.fromkeys(words, min(words.values()))
    if parameters.max_words is not None:
        words = {name: min(count, parameters.max_words) for name, count in words.items()}
    return words


def _run_arm(name: str, arm: _Arm, bench: _Bench, seed: int, real_tagger: Tagger | None) -> Tagger:
    start = time.monotonic()
    side = "real" if name in ("real", "shuffled") else "synthetic"
    notes = bench.real.notes if side == "real" else bench.synthetic.notes
    encoded = bench.encoded[side]
    windows = draw_windows(encoded, bench.words[side], seed)
    entities = _entities(name, notes, encoded, windows, seed, real_tagger)
    classes, used = _classes(encoded, windows, entities, bench.labels)
    tagger = fine_tune(
        bench.encoder, bench.labels, windows, classes, bench.parameters.fine_tuning,
        seed=seed, pad=bench.pad, title=f"fine-tuning on {name}",
    )  # fmt: skip
    predicted = tagger.predict(bench.encoded["test"])
    arm.counts.append(
        np.stack(
            [
                document_counts(note.entities, spans, bench.labels.names)
                for note, spans in zip(bench.test.notes, predicted)
            ]
        )
    )
    arm.words.append(sum(len(w.heads) for w in windows))
    arm.entities.append(used)
    arm.seconds += time.monotonic() - start
    return tagger


def _entities(
    name: str,
    notes: Sequence[Note],
    encoded: EncodedNotes,
    windows: Sequence[Window],
    seed: int,
    real_tagger: Tagger | None,
) -> Mapping[int, Sequence[Span]]:
    """Entities to learn from, by index of note, for the notes that ``windows`` touch."""
    wanted = sorted({w.document for w in windows})
    if name == "annotated":
        assert real_tagger is not None, "the real arm runs first"
        drawn = real_tagger.predict(EncodedNotes(encoded.documents, list(windows)))
        return {i: drawn[i] for i in wanted}
    if name == "shuffled":
        return {i: shuffled_entities(notes[i], encoded.documents[i], seed) for i in wanted}
    return {i: notes[i].entities for i in wanted}


def _classes(
    encoded: EncodedNotes, windows: Sequence[Window], entities: Mapping[int, Sequence[Span]], labels: Labels
) -> tuple[list[Any], int]:
    by_note = {
        i: labels.encode(spans, encoded.documents[i].starts, encoded.documents[i].ends)
        for i, spans in entities.items()
    }
    classes = [by_note[w.document][w.first : w.first + len(w.heads)] for w in windows]
    return classes, int(sum((c % 2 == 1).sum() for c in classes))


def _result(bench: _Bench, arms: Mapping[str, _Arm], seed: int) -> TaskResult:
    rng = np.random.default_rng(seed)
    documents = len(bench.groups)
    # (documents, arms, seeds, 1 + labels, schemes, 3): one resampling serves every number, so that all
    # differences are paired.
    by_note = np.stack([np.stack(arm.counts, 1) for arm in arms.values()], 1)
    counts = grouped_sums(by_note, [whose(note) for note in bench.test.notes])
    sums = bootstrap_sums(counts.reshape(documents, -1), bench.parameters.resamples, rng)
    resampled = sums.reshape(-1, *counts.shape[1:])
    estimates, spreads = (_seed_means(c) for c in (counts.sum(0), resampled))
    metrics = _metrics(list(arms), estimates, spreads, bench.parameters.level)
    details = {
        "labels": list(bench.labels.names),
        "encoder": bench.encoder.name,
        "seeds": [seed + i for i in range(bench.parameters.seeds)],
        "equal_words": bench.parameters.equal_words,
        "test": {
            "documents": documents,
            "notes": len(bench.test.notes),
            "words": bench.encoded["test"].words,
            "entities": bench.test.entities,
        },
        "arms": {
            name: _arm_details(arm, i, estimates, bench.labels.names)
            for i, (name, arm) in enumerate(arms.items())
        },
    }
    return TaskResult(metrics, bench.test.read, len(bench.test.notes), details, _remarks(bench))


def _seed_means(counts: Array) -> dict[str, Array]:
    """Precision, recall, F1, averaged over the seeds: axis -4 of (..., seeds, 1 + labels, schemes, 3)."""
    names = ("precision", "recall", "f1")
    return {name: values.mean(-3) for name, values in zip(names, precision_recall_f1(counts))}


def _metrics(
    arms: Sequence[str], estimates: Mapping[str, Array], spreads: Mapping[str, Array], level: float
) -> dict[tuple[str, str], Metric]:
    metrics: dict[tuple[str, str], Metric] = {}
    numbers = [("f1", s) for s in SCHEMES] + [("precision", "strict"), ("recall", "strict")]
    for name, scheme in numbers:
        s = SCHEMES.index(scheme)
        for i, arm in enumerate(arms):
            value, spread = float(estimates[name][i, 0, s]), spreads[name][:, i, 0, s]
            metrics[f"{name}_{scheme}", arm] = percentile_metric(value, spread, level)
            if name != "f1" or arm == "real":
                continue
            real, real_spread = float(estimates[name][0, 0, s]), spreads[name][:, 0, 0, s]
            difference = percentile_metric(value - real, spread - real_spread, level)
            metrics[f"f1_{scheme}_difference", arm] = difference
            if real > 0:
                with np.errstate(divide="ignore", invalid="ignore"):
                    kept = np.where(real_spread > 0, spread / real_spread, np.nan)
                metrics[f"f1_{scheme}_kept", arm] = percentile_metric(value / real, kept, level)
    return metrics


def _arm_details(
    arm: _Arm, index: int, estimates: Mapping[str, Array], labels: Sequence[str]
) -> dict[str, Any]:
    strict = SCHEMES.index("strict")
    by_seed = [float(precision_recall_f1(c.sum(0)[0])[2][strict]) for c in arm.counts]
    gold = arm.counts[0].sum(0)[:, strict, 2]
    return {
        "words": round(float(np.mean(arm.words))),
        "entities": round(float(np.mean(arm.entities))),
        "seconds": round(arm.seconds, 2),
        "f1_strict_by_seed": by_seed,
        "types": {
            label: {
                "gold": int(gold[row]),
                **{
                    f"{name}_strict": float(values[index, row, strict])
                    for name, values in estimates.items()
                },
                "f1_ent_type": float(estimates["f1"][index, row, SCHEMES.index("ent_type")]),
            }
            for row, label in enumerate(labels, 1)
        },
    }


def _remarks(bench: _Bench) -> tuple[str, ...]:
    remarks = []
    if len(bench.groups) < FEW_DOCUMENTS:
        remarks.append(
            f"Only {len(bench.groups)} gold documents: the intervals are too narrow to take literally."
        )
    for name, side in (("real", bench.real), ("synthetic", bench.synthetic), ("gold", bench.test)):
        if side.unlabelled:
            remarks.append(
                f"{side.unlabelled:,} of {side.read:,} {name} notes carry no entity and were left out as "
                "unlabelled."
            )
    unknown = set(entity_labels(bench.real.notes)) - set(bench.labels.names)
    if unknown:
        remarks.append(
            f"Labels that the gold notes don't carry were ignored: {', '.join(sorted(unknown))}."
        )
    return tuple(remarks)

"""Chooses how NER parity fine-tunes its encoder, on a part of the training notes; the gold stays unseen.

    python benchmarks/choices/ner_settings.py runs/mtsamples/corpus

Labelled training notes are dealt out by document, four fifths to learn from and one fifth to choose by. One
setting after the other is changed, from the task's defaults on (STEPS); a change stays when it gains more
than WORTH points of strict F1. Prints every try, what was chosen, and how much of the gain is chance.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from clinsynth.corpus import Note
from clinsynth.measure.arms import as_read, entity_labels
from clinsynth.measure.inputs import NoteSource, whose
from clinsynth.measure.ner_score import document_counts, precision_recall_f1
from clinsynth.measure.statistics import bootstrap_sums, grouped_sums
from clinsynth.measure.tasks import load_task
from clinsynth.tagging import FineTuning, Labels, encode, encoder_folder, fine_tune, load_tokenizer

STEPS: Final[Sequence[tuple[str, Sequence[float]]]] = (
    ("batch_windows", (16, 32)),
    ("dropout", (0.1,)),
    ("learning_rate", (1e-4, 4e-4)),
    ("epochs", (2, 8)),
)
WORTH: Final = 0.5
FIFTHS: Final = 5
RESAMPLES: Final = 2000


@dataclass(frozen=True, slots=True)
class Try:
    """A setting and what it scored; ``counts`` is (documents, 3), strict, all labels together."""

    how: FineTuning
    counts: np.ndarray[Any, Any]
    seconds: float

    @property
    def f1(self) -> float:
        """Strict F1 in percent."""
        return 100 * float(precision_recall_f1(self.counts.sum(0))[2])


def main() -> int:
    """Prints the table and the choice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("corpus", type=Path, help="a corpus folder")
    parser.add_argument("--seed", type=int, default=0, help="of the deal and of fine-tuning")
    given = parser.parse_args()
    how: FineTuning = load_task("ner_parity").parameters.fine_tuning  # type: ignore[attr-defined]
    bench = Bench(given.corpus, how.max_pieces, given.seed)
    print(f"{bench.described}\n\n| {' | '.join(name for name, _ in STEPS)} | strict F1, % | time |")
    print("| ---: " * (len(STEPS) + 2) + "|")
    start = best = bench.run(how)
    for tried in search(bench, start):
        best = tried
    low, high = gain_interval(start, best, given.seed)
    chosen = ", ".join(f"{name}: {getattr(best.how, name):g}" for name, _ in STEPS)
    print(f"\nchosen: {chosen}")
    gain = best.f1 - start.f1
    print(f"gain over the defaults: {gain:+.1f} points (95 % interval {low:+.1f} to {high:+.1f})")
    return 0


def search(bench: Bench, best: Try) -> Iterator[Try]:
    """The best so far after each step."""
    for name, values in STEPS:
        tries = [bench.run(best.how.model_copy(update={name: value})) for value in values]
        leader = max(tries, key=lambda t: t.f1)
        best = leader if leader.f1 > best.f1 + WORTH else best
        yield best


def gain_interval(start: Try, best: Try, seed: int) -> tuple[float, float]:
    """Paired bootstrap over documents of the difference of F1, in points. Blind to the choosing itself."""
    both = np.stack([start.counts, best.counts], 1)
    sums = bootstrap_sums(both.reshape(len(both), -1), RESAMPLES, np.random.default_rng(seed))
    f1 = 100 * precision_recall_f1(sums.reshape(-1, *both.shape[1:]))[2]
    low, high = np.quantile(f1[:, 1] - f1[:, 0], [0.025, 0.975]).tolist()
    return low, high


class Bench:
    """The notes, encoded, and where the documents went."""

    def __init__(self, corpus: Path, max_pieces: int, seed: int) -> None:
        self._encoder, self._seed = encoder_folder(None), seed
        tokenizer = load_tokenizer(self._encoder)
        self._pad = int(tokenizer.pad_token_id or 0)
        source = NoteSource("the training notes", (corpus / "train.parquet",))
        learn, self._judge = deal([as_read(note) for note in source if note.entities], seed)
        self._labels = Labels(entity_labels(learn))
        encoded = encode([note.text for note in learn], tokenizer, max_pieces)
        self._judged = encode([note.text for note in self._judge], tokenizer, max_pieces)
        self._windows = encoded.windows
        by_note = [
            self._labels.encode(n.entities, d.starts, d.ends) for n, d in zip(learn, encoded.documents)
        ]
        self._classes = [by_note[w.document][w.first : w.first + len(w.heads)] for w in self._windows]
        documents = [len({whose(note) for note in notes}) for notes in (learn, self._judge)]
        self.described = (
            f"learned from {documents[0]} documents, {encoded.words:,} words; chosen by {documents[1]} "
            f"documents, {self._judged.words:,} words"
        )

    def run(self, how: FineTuning) -> Try:
        """Fine-tunes, scores and prints a row."""
        start = time.monotonic()
        tagger = fine_tune(
            self._encoder, self._labels, self._windows, self._classes, how,
            seed=self._seed, pad=self._pad, title="fine-tuning",
        )  # fmt: skip
        counts = np.stack(
            [
                document_counts(note.entities, spans, self._labels.names)[0, 0]
                for note, spans in zip(self._judge, tagger.predict(self._judged))
            ]
        )
        counts = grouped_sums(counts, [whose(note) for note in self._judge])
        tried = Try(how, counts, time.monotonic() - start)
        values = " | ".join(f"{getattr(how, name):g}" for name, _ in STEPS)
        print(f"| {values} | {tried.f1:.1f} | {tried.seconds:.0f} s |", flush=True)
        return tried


def deal(notes: Sequence[Note], seed: int) -> tuple[list[Note], list[Note]]:
    """Notes to learn from and notes to choose by; those of a document or patient stay together."""
    names = sorted({whose(note) for note in notes})
    order = np.random.default_rng(seed).permutation(len(names))
    judging = {names[i] for i in order[: max(1, len(names) // FIFTHS)]}
    learn = [note for note in notes if whose(note) not in judging]
    return learn, [note for note in notes if whose(note) in judging]


if __name__ == "__main__":
    sys.exit(main())

"""What the fast paths of NER parity bring over the plain ones, on the same notes, in one run.

    python benchmarks/ner_parity.py [--notes 40]

Rows: an epoch of fine-tuning (windows packed from sentences, like lengths together, bfloat16, plain
attention) against the usual loop (a sentence a row, random order, padded, float32, dropout); scoring by
groups of touching spans against nervaluate on whole documents, counts equal; the bootstrap as one
product of matrices against a loop over resamples, intervals equal within the noise of drawing.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from clinsynth.corpus import Note, Span
from clinsynth.measure.arms import entity_labels
from clinsynth.measure.ner_score import document_counts
from clinsynth.measure.statistics import bootstrap_sums
from clinsynth.simulate import simulate_notes
from clinsynth.tagging import FineTuning, Labels, encode, encoder_folder, fine_tune, load_tokenizer

_RESAMPLES = 1000


def main() -> int:
    """Prints the table; 1 when two ways that must agree do not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--notes", type=int, default=40)
    count = parser.parse_args().notes
    notes = list(simulate_notes(count, seed=1))
    rows = [_fine_tuning(notes), _scoring(notes), _bootstrap()]
    print("| step | plain | here | times as fast | same result |\n| --- | ---: | ---: | ---: | --- |")
    for name, plain, ours, same in rows:
        print(f"| {name} | {plain:.2f} s | {ours:.2f} s | {plain / ours:.1f} | {same} |")
    return 0 if all(same != "no" for *_, same in rows) else 1


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def _fine_tuning(notes: Sequence[Note]) -> tuple[str, float, float, str]:
    encoder = encoder_folder(None)
    tokenizer = load_tokenizer(encoder)
    labels = Labels(entity_labels(notes))
    how = FineTuning(
        epochs=1, learning_rate=2e-4, batch_windows=8, max_pieces=128, warmup_share=0.1, weight_decay=0.01,
        dropout=0.0, frozen_layers=0,
    )  # fmt: skip
    encoded = encode([n.text for n in notes], tokenizer, how.max_pieces)
    by_note = [labels.encode(n.entities, d.starts, d.ends) for n, d in zip(notes, encoded.documents)]
    classes = [by_note[w.document][w.first : w.first + len(w.heads)] for w in encoded.windows]

    def ours(epochs: float) -> None:
        fine_tune(
            encoder, labels, encoded.windows, classes, how.model_copy(update={"epochs": epochs}),
            seed=0, pad=tokenizer.pad_token_id, title="here",
        )  # fmt: skip

    ours(0.05)  # the first steps load libraries and pick kernels
    seconds, _ = _timed(lambda: ours(1))
    plain, _ = _timed(lambda: _usual_epoch(notes, labels, tokenizer, encoder))
    return f"an epoch over {encoded.words:,} words", plain, seconds, "same words"


def _usual_epoch(notes: Sequence[Note], labels: Labels, tokenizer: Any, encoder: Any) -> None:
    import torch
    from transformers import AutoModelForTokenClassification

    rows = []
    for note in notes:
        encoded = encode([note.text], tokenizer, 16)  # about a sentence a row
        document = encoded.documents[0]
        classes = labels.encode(note.entities, document.starts, document.ends)
        rows += [(w.pieces, w.heads, classes[w.first : w.first + len(w.heads)]) for w in encoded.windows]
    random.Random(0).shuffle(rows)
    model = AutoModelForTokenClassification.from_pretrained(
        str(encoder), num_labels=labels.classes, local_files_only=True, use_safetensors=True
    )
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
    for start in range(0, len(rows), 16):
        batch = rows[start : start + 16]
        longest = max(len(pieces) for pieces, _, _ in batch)
        ids = torch.zeros(len(batch), longest, dtype=torch.long)
        mask, targets = torch.zeros_like(ids), torch.full_like(ids, -100)
        for i, (pieces, heads, wanted) in enumerate(batch):
            ids[i, : len(pieces)] = torch.from_numpy(pieces)
            mask[i, : len(pieces)] = 1
            targets[i, heads] = torch.from_numpy(wanted)
        model(input_ids=ids, attention_mask=mask, labels=targets).loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def _scoring(notes: Sequence[Note]) -> tuple[str, float, float, str]:
    from nervaluate.entities import Entity
    from nervaluate.strategies import EntityTypeEvaluation, PartialEvaluation, StrictEvaluation

    # As one document: so come test sets without document boundaries.
    gold: list[Span] = []
    offset = 0
    for note in notes:
        gold += [Span(s.start + offset, s.end + offset, s.label) for s in note.entities]
        offset += len(note.text) + 1
    rng = random.Random(0)
    labels = sorted({s.label for s in gold})
    guess = [Span(s.start, s.end + rng.choice((0, 0, 1)), s.label) for s in gold if rng.random() < 0.8]
    guess = [a for a, b in zip(guess, [*guess[1:], Span(10**9, 10**9 + 1, "x")]) if a.end <= b.start]

    def whole() -> list[tuple[float, int, int]]:
        sides = [[Entity(s.label, s.start, s.end - 1) for s in side] for side in (gold, guess)]
        found = [
            x.evaluate(*sides, labels)[0]
            for x in (StrictEvaluation(), PartialEvaluation(), EntityTypeEvaluation())
        ]
        return [(f.correct + 0.5 * f.partial, f.actual, f.possible) for f in found]

    plain, expected = _timed(whole)
    ours, counts = _timed(lambda: document_counts(gold, guess, labels))
    same = np.array_equal(counts[0], np.array(expected, float))
    return f"scores of {len(gold):,} entities", plain, ours, "yes" if same else "no"


def _bootstrap() -> tuple[str, float, float, str]:
    rng = np.random.default_rng(0)
    gold = rng.integers(5, 40, (400, 1))
    counts = np.concatenate([rng.binomial(gold, 0.7), gold, gold], 1).astype(float)

    def loop() -> list[float]:
        values = []
        for _ in range(_RESAMPLES):
            credit = predicted = wanted = 0.0
            for i in rng.integers(0, len(counts), len(counts)):
                credit, predicted, wanted = (
                    credit + counts[i, 0],
                    predicted + counts[i, 1],
                    wanted + counts[i, 2],
                )
            values.append(2 * credit / (predicted + wanted))
        return values

    def product() -> np.ndarray[Any, Any]:
        sums = bootstrap_sums(counts, _RESAMPLES, rng)
        return np.asarray(2 * sums[:, 0] / (sums[:, 1] + sums[:, 2]))

    plain, slow = _timed(loop)
    ours, fast = _timed(product)
    ends = [np.quantile(v, [0.025, 0.975]) for v in (slow, fast)]
    same = bool(np.abs(ends[0] - ends[1]).max() < 0.2 * (ends[0][1] - ends[0][0]))
    return f"{_RESAMPLES:,} resamples of 400 documents", plain, ours, "yes" if same else "no"


if __name__ == "__main__":
    sys.exit(main())

"""Rules with a model, against Presidio's Hugging Face recogniser with the same model: one core, one run.

    python benchmarks/deid_ner.py [--ner DIR] [--notes 100]

Presidio's recogniser is timed alone, ours with all its rules, on notes of 2,000 characters by the simulated
hospital. Without ``--ner`` a model is trained on a few simulated notes first: what it has learned does not
change its time. Prints notes/s of both and their ratio; and of ours one note at a time, as the gate looks.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

from clinsynth.corpus import PHI_LABELS
from clinsynth.deid import DeidConfig, Detector
from clinsynth.simulate import simulate_notes

SEED, CHARACTERS, REPEATS = 4242, 2_000, 3


def main() -> None:
    """Prints one line a measurement."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--ner", type=Path)
    arguments.add_argument("--notes", type=int, default=100)
    given = arguments.parse_args()
    whole = "\n".join(note.text for note in simulate_notes(given.notes, seed=SEED))
    texts = [whole[i : i + CHARACTERS] for i in range(0, len(whole) - CHARACTERS + 1, CHARACTERS)]
    with tempfile.TemporaryDirectory() as folder:
        ner = given.ner or trained(Path(folder) / "ner")
        theirs = stock(ner)  # before ours, which lets Presidio see no transformers
        ours = Detector(DeidConfig(ner=ner))
        rates = {
            "Presidio's recogniser alone": rate(texts, each(theirs)),
            "rules with the model": rate(texts, ours.detect_batch),
            "rules with the model, a note at a time": rate(texts, each(ours.detect)),
        }
    for name, found in rates.items():
        print(f"{name}: {found:.1f} notes/s of {CHARACTERS:,} characters")
    ratio = rates["rules with the model"] / rates["Presidio's recogniser alone"]
    print(f"ratio, rules with the model to Presidio's recogniser: {ratio:.1f}")


def trained(out: Path) -> Path:
    """A model of a few steps."""
    from clinsynth.deid.ner.config import NerTraining
    from clinsynth.deid.ner.train import train
    from clinsynth.tagging import FineTuning

    notes = {"simulate": {"notes": 20, "seed": 1}}
    how = FineTuning(
        epochs=1, learning_rate=1e-3, batch_windows=8, max_pieces=128, warmup_share=0.1, weight_decay=0.0,
        dropout=0.0, frozen_layers=5,
    )  # fmt: skip
    train(NerTraining(train=[notes], dev=[notes], fine_tuning=how), out)  # type: ignore[list-item]
    return out


def stock(ner: Path) -> Callable[[str], Any]:
    """Presidio's recogniser of a Hugging Face folder, with its defaults."""
    from presidio_analyzer.predefined_recognizers import HuggingFaceNerRecognizer

    recognizer = HuggingFaceNerRecognizer(
        model_name=str(ner), label_mapping={label: label for label in PHI_LABELS}, device="cpu"
    )
    recognizer.load()
    found = recognizer.analyze("Seen by Dr. Okafor on 3/14/2019.", list(PHI_LABELS), None)
    assert found is not None, "it answers nothing at all"
    return lambda text: recognizer.analyze(text, list(PHI_LABELS), None)


def each(detect: Callable[[str], Any]) -> Callable[[Sequence[str]], Any]:
    """Text after text."""
    return lambda texts: [detect(text) for text in texts]


def rate(texts: Sequence[str], detect: Callable[[Sequence[str]], Any]) -> float:
    """Texts a second of the processor's clock: other work does not enter."""
    detect(texts[:8])
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        detect(texts)
        seconds.append(time.process_time() - start)
    return len(texts) / min(seconds)


if __name__ == "__main__":
    main()

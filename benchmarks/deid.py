"""De-identification: our rules against the stock recognisers of Presidio, in one run, on the same notes.

    python benchmarks/deid.py [--notes 300]

Both run on the same NLP engine, since no language model can be fetched where notes are kept, and on one
core. The stock registry holds every predefined recogniser for English of all countries' forms and the USA
that needs no model, with Presidio's own context enhancer. Prints notes/s and recall of each on simulated
notes, their ratio, how time grows with the length of a note, and our notes/s by processes.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from clinsynth.corpus import PHI_LABELS, Note, Span
from clinsynth.corpus.writers import NoteWriter
from clinsynth.deid import DeidConfig, Detector
from clinsynth.deid.engine import TokenEngine
from clinsynth.deid.files import Job, deidentify
from clinsynth.simulate import simulate_notes

T = TypeVar("T")
SEED, CHARACTERS, REPEATS = 4242, 2_000, 3


def main() -> None:
    """Prints one line a measurement."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--notes", type=int, default=300)
    count = arguments.parse_args().notes
    notes = list(simulate_notes(count, seed=SEED))
    texts = to_length([note.text for note in notes], CHARACTERS)
    stock, ours = stock_detector(), Detector()
    rates = {}
    for name, detect in (("stock Presidio", stock), ("ours", ours.detect)):
        detect(texts[0])
        seconds = min(
            timed(lambda detect=detect: [detect(text) for text in texts])[0] for _ in range(REPEATS)
        )
        rates[name] = len(texts) / seconds
        recall, right = quality(notes, detect)
        print(
            f"{name}: {rates[name]:,.0f} notes/s of {CHARACTERS:,} characters, "
            f"recall {recall.total():.3f}, precision {right:.3f} on {count:,} simulated notes"
        )
        print("    " + ", ".join(f"{label} {recall.by_label[label]:.2f}" for label in PHI_LABELS))
    print(f"ratio of notes/s, ours to stock: {rates['ours'] / rates['stock Presidio']:.1f}")
    growth(texts, ours.detect)
    by_processes(texts)


class Recall:
    """Identifiers of which every letter and digit was found, under whatever label."""

    def __init__(self) -> None:
        self._gold, self._covered = Counter[str](), Counter[str]()

    def add(self, label: str, covered: bool) -> None:
        """Counts one identifier."""
        self._gold[label] += 1
        self._covered[label] += covered

    def total(self) -> float:
        """Over all classes."""
        return self._covered.total() / self._gold.total()

    @property
    def by_label(self) -> dict[str, float]:
        """Of each class; of one that never came, not a number."""
        return {
            label: self._covered[label] / self._gold[label] if self._gold[label] else float("nan")
            for label in PHI_LABELS
        }


def quality(notes: Sequence[Note], detect: Callable[[str], Sequence[Span]]) -> tuple[Recall, float]:
    """Recall, and the share of findings that touch an identifier."""
    recall, found, right = Recall(), 0, 0
    for note in notes:
        spans = detect(note.text)
        hidden = {i for s in spans for i in range(s.start, s.end)}
        planted = {i for s in note.phi for i in range(s.start, s.end)}
        for s in note.phi:
            recall.add(s.label, all(i in hidden for i in range(s.start, s.end) if note.text[i].isalnum()))
        found += len(spans)
        right += sum(any(i in planted for i in range(s.start, s.end)) for s in spans)
    return recall, right / max(found, 1)


def stock_detector() -> Callable[[str], list[Span]]:
    """Presidio's ``AnalyzerEngine`` with its predefined recognisers."""
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry

    engine = TokenEngine()
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine, countries=["us"])
    # It only hands on what a language model has found, and there is none.
    registry.remove_recognizer("SpacyRecognizer")
    for recognizer in registry.recognizers:
        offline(recognizer)
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine)

    def detect(text: str) -> list[Span]:
        return [Span(r.start, r.end, r.entity_type) for r in analyzer.analyze(text, language="en")]

    return detect


def offline(recognizer: Any) -> None:
    """The e-mail recogniser asks the network for the list of domains: give it the one that comes along."""
    if type(recognizer).__name__ == "EmailRecognizer":
        import tldextract

        tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())


def growth(texts: Sequence[str], detect: Callable[[str], Any]) -> None:
    """Time per character for notes of several lengths."""
    whole = "\n".join(texts)
    base = None
    for length in (CHARACTERS // 4, CHARACTERS, 10 * CHARACTERS, 100 * CHARACTERS):
        pieces = [whole[i : i + length] for i in range(0, min(len(whole), 400_000) - length + 1, length)]
        seconds = min(timed(lambda pieces=pieces: [detect(p) for p in pieces])[0] for _ in range(REPEATS))
        each = seconds / len(pieces)
        times = (
            f", {each / base[1]:.1f} times the time for {length / base[0]:.0f} times the text"
            if base
            else ""
        )
        print(f"{length:,} characters: {1e3 * each:.2f} ms a note{times}")
        base = (length, each)


def by_processes(texts: Sequence[str]) -> None:
    """Files in, files out, by one and by two processes; the start of the processes counts."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "notes.jsonl", Path(folder) / "tagged.jsonl"
        many = list(itertools.islice(itertools.cycle(texts), 2_000))
        with NoteWriter(source) as writer:
            for i, text in enumerate(many):
                writer.write(Note(f"n{i}", text))
        for workers in (1, 2):
            work = partial(deidentify, source, out, Job("tags", DeidConfig()), workers=workers)
            seconds, _ = timed(work, time.perf_counter)
            print(f"files to files, {workers} processes: {len(many) / seconds:,.0f} notes/s")


def to_length(texts: Sequence[str], characters: int) -> list[str]:
    """The texts strung together and cut anew, so that every note has as many characters."""
    whole = "\n".join(texts)
    return [whole[i : i + characters] for i in range(0, len(whole) - characters + 1, characters)]


def timed(work: Callable[[], T], clock: Callable[[], float] = time.process_time) -> tuple[float, T]:
    """Seconds, and what the work gave. On one core by the processor's clock: other work does not enter."""
    start = clock()
    result = work()
    return clock() - start, result


if __name__ == "__main__":
    main()

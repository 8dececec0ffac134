"""De-identification: our rules against the stock recognisers of Presidio, in one run, on the same notes.

    python benchmarks/deid.py [--notes 300] [--many 100000]

Both run on the same NLP engine, since no language model can be fetched where notes are kept, and on one
core. The stock registry holds every predefined recogniser for English of all countries' forms and the USA
that needs no model, with Presidio's own context enhancer. Prints recall and precision of each on simulated
notes, notes/s and their ratio by length of a note, the exponent with which our time grows with it, notes/s
of `clinsynth deid` by processes, and its memory over many notes.
"""

from __future__ import annotations

import argparse
import itertools
import math
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psutil

from clinsynth.corpus import PHI_LABELS, Note, Span
from clinsynth.corpus.writers import NoteWriter
from clinsynth.deid import DeidConfig, Detector
from clinsynth.deid.engine import TokenEngine
from clinsynth.deid.files import Job, deidentify
from clinsynth.simulate import simulate_notes

T = TypeVar("T")
JOB = Job("tags", DeidConfig())
SEED, REPEATS = 4242, 3
CHARACTERS, LENGTHS = 2_000, (500, 2_000, 20_000)
MOST_CHARACTERS = 400_000  # that are read for one measurement


def main() -> None:
    """Prints one line a measurement."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--notes", type=int, default=300)
    arguments.add_argument("--many", type=int, default=100_000, help="notes to watch the memory over")
    given = arguments.parse_args()
    notes = list(simulate_notes(given.notes, seed=SEED))
    detectors = {"stock Presidio": stock_detector(), "ours": Detector().detect}
    for name, detect in detectors.items():
        recall, right = quality(notes, detect)
        print(
            f"{name}: recall {recall.total():.3f}, precision {right:.3f} on {given.notes:,} simulated notes"
        )
        print("    " + ", ".join(f"{label} {recall.by_label[label]:.2f}" for label in PHI_LABELS))
    whole = "\n".join(note.text for note in notes)
    by_length(whole, detectors)
    texts = to_length(whole, CHARACTERS)
    by_processes(texts)
    memory(texts, given.many)


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


def by_length(whole: str, detectors: Mapping[str, Callable[[str], Any]]) -> None:
    """Notes/s of each on notes of several lengths, and how our time grows with the length."""
    each: list[float] = []
    for length in LENGTHS:
        texts = to_length(whole[:MOST_CHARACTERS], length)
        rates = {name: rate(texts, detect) for name, detect in detectors.items()}
        each.append(1 / rates["ours"])
        print(
            f"{length:,} characters: "
            + ", ".join(f"{name} {found:,.1f} notes/s" for name, found in rates.items())
            + f", ratio {rates['ours'] / rates['stock Presidio']:.1f}"
        )
    longest = whole[:MOST_CHARACTERS]
    each.append(1 / rate([longest], detectors["ours"]))
    lengths = (*LENGTHS, len(longest))
    for (a, b), (short, long) in zip(itertools.pairwise(lengths), itertools.pairwise(each)):
        power = math.log(long / short) / math.log(b / a)
        print(f"ours, {a:,} to {b:,} characters: time a note grows as length^{power:.2f}")


def rate(texts: Sequence[str], detect: Callable[[str], Any]) -> float:
    """Texts a second, the best of some rounds."""
    detect(texts[0])
    return len(texts) / min(timed(lambda: [detect(text) for text in texts])[0] for _ in range(REPEATS))


def by_processes(texts: Sequence[str]) -> None:
    """Files in, files out, by one and by two processes; the start of the processes counts."""
    with tempfile.TemporaryDirectory() as folder:
        source = written(Path(folder) / "notes.jsonl", texts, 4_000)
        for workers in (1, 2):
            work = partial(
                deidentify, source, Path(folder) / "out.jsonl", JOB, workers=workers, overwrite=True
            )
            seconds, _ = timed(work, time.perf_counter)
            print(f"files to files, {workers} processes: {4_000 / seconds:,.0f} notes/s")


def memory(texts: Sequence[str], many: int) -> None:
    """Resident memory of the command and its processes: the most of the first tenth, and of all."""
    with tempfile.TemporaryDirectory() as folder:
        source = written(Path(folder) / "notes.jsonl", texts, many)
        out = Path(folder) / "out.jsonl"
        command = (sys.executable, "-m", "clinsynth.cli", "deid", source, out, "--mode", "tags")
        seen: list[tuple[float, int]] = []
        start = time.perf_counter()
        with subprocess.Popen([*map(str, command), "--workers", "2"], stderr=subprocess.DEVNULL) as process:
            while process.poll() is None:
                seen.append((time.perf_counter() - start, resident(process.pid)))
                time.sleep(0.5)
        if process.returncode:
            raise SystemExit(f"clinsynth deid ended with {process.returncode}")
    seconds = seen[-1][0]
    early = max(size for when, size in seen if when <= seconds / 10)
    most = max(size for _, size in seen)
    print(
        f"{many:,} notes, 2 processes: {many / seconds:,.0f} notes/s; memory at most "
        f"{early / 2**20:,.0f} MiB in the first tenth, {most / 2**20:,.0f} MiB in all"
    )


def resident(pid: int) -> int:
    """Bytes of a process and its children; pages they share count once for each."""
    try:
        root = psutil.Process(pid)
        return sum(one.memory_info().rss for one in (root, *root.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0


def written(path: Path, texts: Sequence[str], count: int) -> Path:
    """So many notes in a file, the texts over and over."""
    with NoteWriter(path) as writer:
        for i, text in enumerate(itertools.islice(itertools.cycle(texts), count)):
            writer.write(Note(f"n{i}", text))
    return path


def to_length(whole: str, characters: int) -> list[str]:
    """The texts, strung together, cut anew, so that every note has as many characters."""
    return [whole[i : i + characters] for i in range(0, len(whole) - characters + 1, characters)]


def timed(work: Callable[[], T], clock: Callable[[], float] = time.process_time) -> tuple[float, T]:
    """Seconds, and what the work gave. On one core by the processor's clock: other work does not enter."""
    start = clock()
    result = work()
    return clock() - start, result


if __name__ == "__main__":
    main()

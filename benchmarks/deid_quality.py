"""De-identification on text of others: false hits on clinical prose, and F beside stock Presidio.

    python benchmarks/deid_quality.py [--shared ../shared/data] [--ner DIR] [--show 20]

MACCROBAT (case reports) and BC5CDR (abstracts) name no patients, but their dates, towns and hospitals are
real ones. Each hit that a person read and found to be what its label says stands in ``judged_hits.tsv``, by
place; every other hit counts as false. presidio_synth (general sentences with gold spans) compares with the
stock recognisers of Presidio on the classes that both have; without a language model, as here, those are
the classes with a form. Ours looks with the preset that puts recall first, since that gold marks weekdays;
bare years are left out of it: under Safe Harbor they may stand. A finding of
a class is right when it touches gold of that class.
"""

from __future__ import annotations

import argparse
import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deid import stock_detector

from clinsynth.corpus import Note, Span
from clinsynth.corpus.readers import ReadOptions, read_notes
from clinsynth.deid import DeidConfig, Detector
from clinsynth.gate.presets import PRESETS

PROSE: Final = ("maccrobat/maccrobat.jsonl.gz", "bc5cdr/bc5cdr_test.conll")
JUDGED: Final = Path(__file__).parent / "judged_hits.tsv"
YEAR: Final = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True, slots=True)
class Kind:
    """A class of identifiers as three parties call it."""

    name: str
    gold: str
    ours: tuple[str, ...]
    stock: str


KINDS: Final = (
    Kind("date", "DATE_TIME", ("DATE",), "DATE_TIME"),
    Kind("phone", "PHONE_NUMBER", ("PHONE", "FAX"), "PHONE_NUMBER"),
    Kind("e-mail", "EMAIL_ADDRESS", ("EMAIL",), "EMAIL_ADDRESS"),
    Kind("web address", "DOMAIN_NAME", ("URL",), "URL"),
    Kind("SSN", "US_SSN", ("SSN",), "US_SSN"),
    Kind("credit card", "CREDIT_CARD", ("ACCOUNT",), "CREDIT_CARD"),
    Kind("IBAN", "IBAN_CODE", ("ACCOUNT",), "IBAN_CODE"),
    Kind("IP address", "IP_ADDRESS", ("IP",), "IP_ADDRESS"),
    Kind("driver's licence", "US_DRIVER_LICENSE", ("LICENSE",), "US_DRIVER_LICENSE"),
)


def main() -> None:
    """Prints one table a part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    parser.add_argument("--ner", type=Path, help="a folder of `clinsynth deid train`")
    parser.add_argument("--show", type=int, default=0, help="print so many false hits of each label")
    parser.add_argument("--places", type=Path, help="write the places of all hits here, to be judged")
    arguments = parser.parse_args()
    detector = Detector(DeidConfig(ner=arguments.ner))
    judged = read_judged()
    for name in PROSE:
        false_hits(arguments.shared / name, detector, judged, arguments.show, arguments.places)
    threshold = PRESETS["recall_first"]["deid"]["score_threshold"]
    everything = Detector(DeidConfig(ner=arguments.ner, score_threshold=threshold))
    beside_stock(arguments.shared / "presidio_synth" / "presidio_synth_v2.jsonl.gz", everything)


Spans = Sequence[Span]
Place = tuple[str, str, int, int]
"""File, note, start and end."""


def read_judged() -> dict[Place, str]:
    """The hits that are what their label says, by place."""
    with JUDGED.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return {(r["file"], r["note"], int(r["start"]), int(r["end"])): r["label"] for r in rows}


def false_hits(
    path: Path, detector: Detector, judged: dict[Place, str], show: int, places: Path | None
) -> None:
    """What is found where nobody is named, by label: how much of it is real, and what is not."""
    notes = list(read_notes(path))
    words = sum(len(note.text.split()) for note in notes)
    right, false = Counter[str](), Counter[str]()
    examples: dict[str, list[str]] = {}
    for note, spans in zip(notes, detector.detect_batch([note.text for note in notes])):
        for span in spans:
            is_right = judged.get((path.name, note.id, span.start, span.end)) == span.label
            (right if is_right else false)[span.label] += 1
            if not is_right:
                examples.setdefault(span.label, []).append(excerpt(note, span))
            if places is not None:
                with places.open("a", encoding="utf-8") as file:
                    row = (path.name, note.id, span.start, span.end, span.label, excerpt(note, span))
                    print(*row, sep="\t", file=file)
    print(
        f"{path.name}: {false.total()} false hits in {words:,} words, "
        f"{1000 * false.total() / words:.2f} per 1,000 ({listed(false)}); "
        f"besides {right.total()} that are what they are called ({listed(right)})"
    )
    for label, lines in examples.items():
        for line in lines[:show]:
            print(f"    {label} {line}")


def listed(counts: Counter[str]) -> str:
    """Counts by label, the most frequent first."""
    return ", ".join(f"{label} {count}" for label, count in counts.most_common()) or "none"


def excerpt(note: Note, span: Span) -> str:
    """A finding of public text with what stands around it, on one line."""
    around = note.text[max(0, span.start - 40) : span.end + 20]
    return " ".join(f"[{note.text[span.start : span.end]}] in: {around}".split())


def beside_stock(path: Path, detector: Detector) -> None:
    """Precision, recall and F of both on each of ``KINDS``, and over all of them."""
    notes = list(read_notes(path, ReadOptions(fields={"phi": "spans"})))
    gold = [[s for s in n.phi if not YEAR.fullmatch(n.text, s.start, s.end)] for n in notes]
    stock = stock_detector()
    ours = detector.detect_batch([note.text for note in notes])
    theirs = [stock(note.text) for note in notes]
    sums: tuple[list[Counts], list[Counts]] = ([], [])
    print("presidio_synth         gold   ours: P / R / F         stock: P / R / F")
    for kind in KINDS:
        apart = without_alike(kind, gold, ours)
        rows = (counts(gold, apart, kind.gold, kind.ours), counts(gold, theirs, kind.gold, (kind.stock,)))
        for side, row in zip(sums, rows):
            side.append(row)
        print(f"{kind.name:<22} {rows[0].gold:>4}   {rows[0]}   {rows[1]}")
    together = [Counts(*map(sum, zip(*map(Counts.astuple, side)))) for side in sums]
    print(f"{'together':<22} {together[0].gold:>4}   {together[0]}   {together[1]}")


def without_alike(kind: Kind, gold: Sequence[Spans], found: Sequence[Spans]) -> list[Spans]:
    """Findings less those of another kind that we call the same: an IBAN is no false credit card."""
    alike = {other.gold for other in KINDS if set(other.ours) & set(kind.ours)} - {kind.gold}
    return [
        [span for span in spans if not any(touch(span, g) and g.label in alike for g in true)]
        for spans, true in zip(found, gold)
    ]


@dataclass(frozen=True, slots=True)
class Counts:
    """Gold spans and those touched; findings and those that touch."""

    gold: int
    touched: int
    found: int
    right: int

    def astuple(self) -> tuple[int, int, int, int]:
        """In the order of the fields."""
        return self.gold, self.touched, self.found, self.right

    def __str__(self) -> str:
        precision, recall = self.right / max(1, self.found), self.touched / max(1, self.gold)
        f = 2 * precision * recall / max(1e-9, precision + recall)
        return f"{precision:.3f} / {recall:.3f} / {f:.3f}"


def counts(gold: Iterable[Spans], found: Iterable[Spans], label: str, labels: Sequence[str]) -> Counts:
    """Counts of a class over all notes; ``labels`` are the finder's for it."""
    sums = Counter[str]()
    for wanted, seen in zip(gold, found):
        true = [span for span in wanted if span.label == label]
        guess = [span for span in seen if span.label in labels]
        sums["gold"] += len(true)
        sums["touched"] += sum(any(touch(a, b) for b in guess) for a in true)
        sums["found"] += len(guess)
        sums["right"] += sum(any(touch(a, b) for b in true) for a in guess)
    return Counts(sums["gold"], sums["touched"], sums["found"], sums["right"])


def touch(a: Span, b: Span) -> bool:
    """Have they a character in common?"""
    return a.start < b.end and b.start < a.end


if __name__ == "__main__":
    main()

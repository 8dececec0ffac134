"""Gold for de-identification: identifiers injected into MTSamples and ACI-Bench notes.

    python benchmarks/deid_gold.py --out runs/deid_gold [--shared ../shared/data]

Writes mtsamples_train_1.jsonl.gz (base split train, injections of train) to mtsamples_train_4.jsonl.gz (the
same notes, each with other injections), mtsamples_dev_injdev.jsonl.gz (a tenth of those notes, kept apart
by a hash of the id, injections of dev), mtsamples_test.jsonl.gz (base split dev, injections of test) and
aci_test.jsonl.gz (all ACI-Bench notes, injections of test), and prints the spans of each class. ACI-Bench
says how patient and doctor are called; identifiers that no rule sees in the base notes stand in
deid_gold_marks.tsv, found by reading: id, start, end, label.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from clinsynth.corpus import PHI_LABELS, Note, Span
from clinsynth.corpus.readers import ReadOptions, read_notes
from clinsynth.corpus.writers import NoteWriter
from clinsynth.inject import Injector

SEED: Final = 20
INJECTIONS: Final = 4  # each name is seen once or twice, so that the model learns places and not names
KEPT_APART: Final = 10  # one note of so many of the base split train is for development
MARKS: Final = Path(__file__).with_name("deid_gold_marks.tsv")


def main() -> None:
    """Writes the files and prints a table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--shared", type=Path, default=Path("../shared/data"))
    arguments.add_argument("--out", type=Path, required=True)
    given = arguments.parse_args()
    mtsamples = given.shared / "mtsamples" / "mtsamples.jsonl.gz"
    aci = given.shared / "aci_bench" / "aci_bench.jsonl.gz"
    train = list(read_notes(mtsamples, ReadOptions(where={"split": "train"})))
    test = read_notes(mtsamples, ReadOptions(where={"split": "dev"}))
    learnt = [note for note in train if not kept_apart(note)]
    jobs: dict[str, tuple[Injector, Iterable[Note]]] = {
        **{f"mtsamples_train_{i + 1}": (Injector("train", SEED + i), learnt) for i in range(INJECTIONS)},
        "mtsamples_dev_injdev": (Injector("dev", SEED), filter(kept_apart, train)),
        "mtsamples_test": (Injector("test", SEED), marked(test)),
        "aci_test": (Injector("test", SEED), marked(aci_notes(aci))),
    }
    counts = {name: write(given.out / f"{name}.jsonl.gz", *job) for name, job in jobs.items()}
    print(f"{'':12}" + "".join(f"{name:>22}" for name in counts))
    for label in ("notes", *PHI_LABELS, "PROFESSION"):
        print(f"{label:12}" + "".join(f"{count[label]:22,}" for count in counts.values()))


def kept_apart(note: Note) -> bool:
    """Whether a note of the base split train is for development."""
    return hashlib.sha256(note.id.encode()).digest()[0] % KEPT_APART == 0


def write(path: Path, injector: Injector, notes: Iterable[Note]) -> Counter[str]:
    """Injects and writes; gives the number of notes and of spans by label."""
    count = Counter[str]()
    with NoteWriter(path) as writer:
        for note in map(injector.inject, notes):
            writer.write(note)
            count.update(span.label for span in (*note.phi, *note.entities))
    count["notes"] = writer.written
    return count


def marked(notes: Iterable[Note]) -> Iterator[Note]:
    """Notes with what was found by reading; of spans that overlap, the one found by reading."""
    marks = defaultdict(list)
    for line in MARKS.read_text("utf-8").splitlines():
        note_id, start, end, label = line.split("\t")
        marks[note_id].append(Span(int(start), int(end), label))
    for note in notes:
        own = marks[note.id]
        rest = [s for s in note.phi if all(s.end <= o.start or o.end <= s.start for o in own)]
        yield replace(note, phi=(*own, *rest))


def aci_notes(path: Path) -> Iterator[Note]:
    """ACI-Bench notes, with the names of patient and doctor as ``phi``."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        names = {row["id"]: row["meta"] for row in map(json.loads, stream)}
    fields: dict[str, str | None] = {"text": "note", "sex": "meta.patient_gender", "entities": None}
    for note in read_notes(path, ReadOptions(fields=fields)):
        yield replace(note, phi=tuple(named(note.text, names[note.id])))


def named(text: str, meta: dict[str, str]) -> list[Span]:
    """Where patient and doctor are named: in full, by surname behind a title, by given name.

    Names are looked for with a capital, since some are words ("White", "Hill").
    """
    first, family = (meta[f"patient_{part}name"].strip().title() for part in ("first", "family"))
    doctor = meta["doctor_name"].removeprefix("Dr. ").strip().title().split()
    titled = [
        rf"(?<=\b{title}\s){name}" for title in ("Mr.", "Mrs.", "Ms.", "Miss") for name in (family,) if name
    ]
    patterns = [
        *([rf"{first}\s{family}"] if first and family else []),
        *(pattern.replace(".", r"\.") for pattern in titled),
        *([rf"{first}(?:\s[A-Z][a-z]+(?=,? is a))?"] if first else []),
        *(rf"(?<=\bDr\.\s){name}" for name in doctor),
    ]
    return (
        [Span(*found.span(), "NAME") for found in re.finditer(rf"(?:{'|'.join(patterns)})\b", text)]
        if patterns
        else []
    )


if __name__ == "__main__":
    main()

"""Hand-made labelled notes, and folders as other parts write them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from clinsynth.corpus import Attributes, Note, Span, to_table
from clinsynth.folders import Manifest, file_sha256, new_folder

PROBLEMS = ["chest pain", "asthma", "type 2 diabetes", "atrial fibrillation", "pneumonia", "nausea", "gout"]
TESTS = ["chest x-ray", "troponin", "echocardiogram", "hemoglobin", "CT of the head", "urinalysis"]
DRUGS = ["aspirin", "metformin 500 mg", "warfarin", "amoxicillin", "lisinopril", "IV fluids"]
SENTENCES = [
    "The patient was admitted with {p}.",
    "She denies {p} and {p}.",
    "{t} was obtained and showed no sign of {p}.",
    "We started {d} for {p}.",
    "{t} was normal on day {n}.",
    "He continued {d}, and {t} will be repeated in {n} weeks.",
    "No complaints were voiced today.",
]
KINDS = {"p": ("PROBLEM", PROBLEMS), "t": ("TEST", TESTS), "d": ("TREATMENT", DRUGS)}


def handmade_note(name: str, rng: random.Random, sentences: int) -> Note:
    """Sentences with their gold entities."""
    text, entities = "", []
    for _ in range(sentences):
        for part in rng.choice(SENTENCES).replace("{", "|{").replace("}", "}|").split("|"):
            if part == "{n}":
                text += str(rng.randint(1, 9))
            elif part.startswith("{"):
                label, values = KINDS[part[1]]
                value = rng.choice(values)
                entities.append(Span(len(text), len(text) + len(value), label))
                text += value
            else:
                text += part
        text += rng.choice([" ", "\n"])
    kind = rng.choice(["progress note", "clinic letter"])
    return Note(name, text, Attributes(note_type=kind), entities=tuple(entities), patient_id=f"p-{name}")


def handmade_notes(count: int, seed: int, sentences: int = 8) -> list[Note]:
    rng = random.Random(seed)
    return [handmade_note(f"n{seed}-{i}", rng, sentences) for i in range(count)]


def write_notes(path: Path, notes: Sequence[Note]) -> Path:
    pq.write_table(to_table(notes), path)
    return path


def write_corpus(path: Path, train: Sequence[Note], test: Sequence[Note], holdout: Sequence[Note]) -> Path:
    with new_folder(path, Manifest("corpus")) as folder:
        for name, notes in (("train", train), ("valid", []), ("test", test), ("holdout", holdout)):
            write_notes(folder / f"{name}.parquet", notes)
    return path


def write_export(path: Path, notes: Sequence[Note], shards: int = 2) -> Path:
    with new_folder(path, Manifest("export")) as folder:
        (folder / "data").mkdir()
        for i in range(shards):
            table = to_table(notes[i::shards]).drop_columns(["patient_id"])
            pq.write_table(table, folder / "data" / f"train-{i:05}-of-{shards:05}.parquet")
        files = sorted(p for p in folder.rglob("*") if p.is_file())
        lines = [f"{file_sha256(p)}  {p.relative_to(folder).as_posix()}\n" for p in files]
        (folder / "SHA256SUMS").write_text("".join(lines))
    return path

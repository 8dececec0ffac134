"""One note walks the whole way, by the commands a user types, with the real engines.

A small clinic writes raw notes with names and numbers in them. They are prepared, a model learns from them
with DeepSpeed, vLLM writes new ones behind the gate, `datasets` loads the export, the report is made. At
every station: nothing that names a patient of the clinic goes on.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from clinsynth.corpus import PHI_LABELS, Note
from clinsynth.corpus.readers import read_notes
from clinsynth.deid import TAG
from clinsynth.tokens.shards import TokenShards
from clinsynth.tokens.template import parse, render
from clinsynth.tokens.tokenizer import load_tokenizer

pytestmark = pytest.mark.slow

_SURNAMES = (
    "Okonkwo",
    "Lindqvist",
    "Marchetti",
    "Yamamoto",
    "Petrenko",
    "Castellanos",
    "Abernathy",
    "Novak",
)
_PROBLEMS = ("chest pain", "knee pain", "dry cough", "asthma", "anemia", "low back pain", "hypertension")
_TESTS = ("blood pressure", "hemoglobin", "chest x-ray", "ECG", "creatinine")
_DRUGS = ("aspirin", "metformin", "lisinopril", "ibuprofen")
_TEXT_SUFFIXES = {".json", ".jsonl", ".md", ".html", ".txt"}
_RESULTS = ("normal", "low", "unchanged", "slightly raised")


@dataclass(frozen=True)
class Clinic:
    """What the commands left behind, and what they printed."""

    raw: list[dict[str, object]]
    secrets: set[str]
    corpus: Path
    model: Path
    export: Path
    report: Path
    output: str


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    here = tmp_path_factory.mktemp("clinic")
    raw, secrets = raw_notes(700, seed=5)
    (here / "notes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in raw), "utf-8")
    configs = {
        "prepare.yaml": {
            "out": str(here / "corpus"),
            "seed": 3,
            "sources": [{"path": str(here / "notes.jsonl")}],
            "splits": {"train": 0.7, "valid": 0.1, "test": 0.1, "holdout": 0.1},
            "dedup": {"near": False},
            "tokenizer": {"vocabulary": 640},
        },
        "train.yaml": {
            "name": "clinic",
            "corpus": str(here / "corpus"),
            "out": str(here / "model"),
            "model": {
                "architecture": "llama",
                "hidden_size": 96,
                "layers": 2,
                "heads": 3,
                "kv_heads": 1,
                "intermediate_size": 256,
            },
            "context": 256,
            "steps": 110,
            "layout": {"tp": 1, "pp": 2, "dp": 1},
            "batch": {"rows": 16, "micro_rows": 8},
            "optimizer": {"lr": 6.0e-3, "warmup_steps": 10},
        },
    }
    for name, config in configs.items():
        (here / name).write_text(yaml.safe_dump(config), "utf-8")
    (here / "export.yaml").write_text(
        yaml.safe_dump(
            {
                "model": str(here / "model"),
                "out": str(here / "export"),
                "notes": 24,
                "seed": 1,
                "shard_notes": 10,
                "gate": {"max_copied_words": 400, "neighbours": False},
                "engine": {"enforce_eager": True},
            }
        ),
        "utf-8",
    )
    commands = [
        ["prepare", "prepare.yaml"],
        ["train", "train.yaml"],
        ["export", "export.yaml"],
        [
            "eval",
            "run",
            "--tasks",
            "identifiers,copied_spans,descriptive",
            "--real",
            "corpus",
            "--synthetic",
            "export",
            "--output_path",
            "report",
        ],
    ]
    output = "".join(run(command, here) for command in commands)
    return Clinic(raw, secrets, here / "corpus", here / "model", here / "export", here / "report", output)


def run(command: list[str], cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "clinsynth.cli", *command],
        cwd=cwd, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, f"clinsynth {' '.join(command)}:\n{done.stderr[-2000:]}"
    return done.stdout + done.stderr


def raw_notes(count: int, seed: int) -> tuple[list[dict[str, object]], set[str]]:
    """Rows with entities and without marked identifiers, and the identifiers that they hold."""
    rng, rows, secrets = random.Random(seed), [], set[str]()
    for i in range(count):
        surname, mrn = rng.choice(_SURNAMES), f"{rng.randrange(10**7, 10**8)}"
        day = f"{rng.randint(1, 12)}/{rng.randint(1, 28)}/20{rng.randint(10, 23)}"
        secrets |= {surname, mrn, day}
        pieces: list[tuple[str, str | None]] = [
            (f"Patient: Mr. {surname}\nMRN: {mrn}\nSeen on {day}. Mr. {surname} reports ", None),
            (rng.choice(_PROBLEMS), "PROBLEM"),
            (". ", None),
            (rng.choice(_TESTS), "TEST"),
            (f" was {rng.choice(_RESULTS)}.\nPlan: ", None),
            (rng.choice(_DRUGS), "TREATMENT"),
            (f", review in {rng.choice(('two', 'three', 'six'))} weeks.", None),
        ]
        text, entities = "", []
        for piece, label in pieces:
            if label:
                entities.append({"start": len(text), "end": len(text) + len(piece), "label": label})
            text += piece
        rows.append(
            {"id": f"n{i}", "text": text, "patient_id": f"p{i // 2}", "note_type": "progress note"}
            | {"entities": entities}
        )
    return rows, secrets


def source_words(row: dict[str, object]) -> list[str]:
    text, entities = str(row["text"]), row["entities"]
    assert isinstance(entities, list)
    return [text[entity["start"] : entity["end"]] for entity in entities]


def test_the_corpus_holds_tags_where_the_notes_held_identifiers(clinic: Clinic) -> None:
    rows = {str(row["id"]): row for row in clinic.raw}
    seen = 0
    for split in ("train", "valid", "test", "holdout"):
        for note in read_notes(clinic.corpus / f"{split}.parquet"):
            source = rows[note.id.split("#")[0]]
            assert {"NAME", "MRN", "DATE"} <= {span.label for span in note.phi}
            assert all(TAG.fullmatch(note.text[span.start : span.end]) for span in note.phi)
            words = [note.text[span.start : span.end] for span in note.entities]
            assert words == source_words(source)
            seen += 1
    assert seen == len(rows)


def test_patients_stay_on_one_side(clinic: Clinic) -> None:
    sides: dict[str | None, set[str]] = {}
    for split in ("train", "valid", "test", "holdout"):
        for note in read_notes(clinic.corpus / f"{split}.parquet"):
            sides.setdefault(note.patient_id, set()).add(split)
    assert all(len(splits) == 1 for splits in sides.values())


def test_training_text_reads_back_into_the_notes(clinic: Clinic) -> None:
    tokenizer = load_tokenizer(clinic.corpus / "tokenizer")
    [source] = (clinic.corpus / "tokens" / "train").iterdir()
    shards = TokenShards(source)
    notes = {note.text: note for note in read_notes(clinic.corpus / "train.parquet")}
    parsed = parse(tokenizer.decode(shards.document(0).tolist()))
    assert not parsed.problems
    assert not parsed.repairs
    note = notes[parsed.text]
    assert (parsed.entities, parsed.phi) == (note.entities, note.phi)
    assert parse(render(note)).entities == note.entities


def test_the_export_loads_and_its_notes_are_born_labelled(clinic: Clinic) -> None:
    import datasets

    rows = datasets.load_dataset(str(clinic.export), split="train")
    assert len(rows) == 24
    assert "patient_id" not in rows.column_names
    assert sum(len(row["entities"]) for row in rows) > 24
    for row in rows:
        for span in [*row["entities"], *row["phi"]]:
            assert 0 <= span["start"] < span["end"] <= len(row["text"])
        assert {span["label"] for span in row["phi"]} <= set(PHI_LABELS)


def test_no_identifier_of_the_clinic_goes_on(clinic: Clinic) -> None:
    # Numbers and dates are checked whole, surnames as words: each would name a patient of the clinic.
    folders = (clinic.corpus, clinic.model, clinic.export, clinic.report)
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in _TEXT_SUFFIXES]
    assert files
    for path in files:
        text = path.read_text("utf-8")
        assert not [secret for secret in clinic.secrets if len(secret) > 8 and secret in text], path.name
        assert not [name for name in _SURNAMES if name in text], path.name
    # a surrogate comes from lists of names that exist, and may be called like somebody by chance
    exported = "\n".join(_without_surrogates(note) for note in read_notes(clinic.export))
    assert not [name for name in _SURNAMES if name in exported]
    assert not [secret for secret in clinic.secrets if secret in clinic.output]


def _without_surrogates(note: Note) -> str:
    pieces, done = [], 0
    for span in note.phi:
        pieces.append(note.text[done : span.start])
        done = span.end
    return " ".join([*pieces, note.text[done:]])


def test_the_report_tells_what_was_measured(clinic: Clinic) -> None:
    results = json.loads((clinic.report / "results.json").read_text("utf-8"))
    assert {"identifiers", "copied_spans", "descriptive"} <= set(results["results"])
    page = (clinic.report / "report.html").read_text("utf-8")
    assert "<svg" in page
    assert "http://" not in page.replace("http://www.w3.org", "")

"""Professions: learned beside identifiers, and told only when asked for."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from tests.deid.ner.conftest import ner_settings

from clinsynth.config import parse_config
from clinsynth.deid import DeidConfig, Detector
from clinsynth.deid.ner.card import read_card
from clinsynth.deid.ner.config import NerTraining
from clinsynth.deid.ner.train import train

NAMES = ("Oyelaran", "Brzezicki", "Tsukamoto", "Vanterpool", "Quillfeather", "Nakashima")
JOBS = ("plumber", "welder", "roofer", "teacher", "librarian", "beekeeper")


def row(number: int, rng: random.Random) -> str:
    name, job = rng.choice(NAMES), rng.choice(JOBS)
    text = f"Seen with {name}, who works as a {job} and takes no drugs."
    start = text.index(job)
    phi = [{"start": 10, "end": 10 + len(name), "label": "NAME"}]
    entities = [{"start": start, "end": start + len(job), "label": "PROFESSION"}]
    return json.dumps({"id": str(number), "text": text, "phi": phi, "entities": entities}) + "\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("professions"), random.Random(1)
    notes = folder / "notes.jsonl"
    notes.write_text("".join(row(i, rng) for i in range(160)), "utf-8")
    source = [{"path": str(notes)}]
    settings = ner_settings(train=source, dev=source)
    train(parse_config(settings, NerTraining, source="test"), folder / "ner")
    return folder / "ner"


def test_they_are_learned_and_no_identifiers_unless_asked_for(model: Path) -> None:
    assert read_card(model).labels == ("NAME", "PROFESSION")
    text = "Seen with Tsukamoto, who works as a welder and takes no drugs."

    def found(**settings: bool) -> list[tuple[str, str]]:
        spans = Detector(DeidConfig(ner=model, **settings)).detect(text)  # type: ignore[arg-type]
        return [(text[s.start : s.end], s.label) for s in spans]

    assert found() == [("Tsukamoto", "NAME")]
    assert found(professions=True) == [("Tsukamoto", "NAME"), ("welder", "OTHER_ID")]

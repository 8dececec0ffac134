"""The detector with a model beside its rules."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from clinsynth.corpus import Note
from clinsynth.deid import DeidConfig, Detector


@pytest.fixture(scope="module")
def both(ner_dir: Path) -> Detector:
    return Detector(DeidConfig(ner=ner_dir))


def test_the_union_covers_what_each_covers(both: Detector, notes: list[Note]) -> None:
    rules, texts = Detector(), [note.text for note in notes]
    for text, more, alone in zip(texts, both.detect_batch(texts), rules.detect_batch(texts)):
        covered = {i for s in more for i in range(s.start, s.end)}
        assert not [
            s for s in alone for i in range(s.start, s.end) if text[i].isalnum() and i not in covered
        ]


def test_one_by_one_is_as_all_at_once(both: Detector, notes: list[Note]) -> None:
    texts = [note.text for note in notes[:6]]
    assert both.detect_batch(iter(texts)) == [both.detect(text) for text in texts]


def test_tags_are_no_identifiers(both: Detector) -> None:
    text = "Dr. <|NAME|> saw Ms. Ada Okafor on <|DATE|> at <|LOCATION|>."
    assert [text[s.start : s.end] for s in both.detect(text)] == ["Ada Okafor"]


def test_it_pickles_as_its_configuration(both: Detector, notes: list[Note]) -> None:
    again = pickle.loads(pickle.dumps(both))
    assert again.detect(notes[0].text) == both.detect(notes[0].text)
    assert again.version == both.version


def test_it_says_which_model_and_threshold(both: Detector, ner_dir: Path) -> None:
    described = both.describe()["ner"]
    assert described["threshold"] == 0.5
    assert len(described["card_sha256"]) == 64
    assert both.version != Detector().version
    assert both.version != Detector(DeidConfig(ner=ner_dir, ner_threshold=0.3)).version
    assert Detector().describe()["ner"] is None


def test_rules_alone_do_not_import_torch() -> None:
    code = (
        "import sys; from clinsynth.deid import Detector; Detector().detect('Dr. Okafor, 3/14/2019')\n"
        "print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"

"""A trained model on its own: what it finds, in any company; what it refuses to load; how it fails."""

from __future__ import annotations

import json
import random
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinsynth.corpus import PHI_LABELS, Note
from clinsynth.deid import DeidConfig, Detector
from clinsynth.deid.ner.card import read_card
from clinsynth.deid.ner.model import NerModel
from clinsynth.deid.ner.scores import dev_scores
from clinsynth.errors import FolderError, GateError


@pytest.fixture(scope="module")
def model(ner_dir: Path) -> NerModel:
    return load(ner_dir)


def load(folder: Path, threshold: float = 0.5) -> NerModel:
    return NerModel.load(folder, threshold=threshold, professions=False)


@pytest.fixture
def copy(ner_dir: Path, tmp_path: Path) -> Path:
    """A folder that a test may spoil."""
    return shutil.copytree(ner_dir, tmp_path / "ner")


def test_it_has_learned(model: NerModel, notes: list[Note]) -> None:
    scores = dev_scores(model, notes)
    assert scores["all"]["recall"] > 0.8
    assert scores["all"]["precision"] > 0.9
    assert scores["NAME"]["recall"] > 0.8


def test_the_card_says_what_it_was_trained_on(ner_dir: Path, notes: list[Note]) -> None:
    card = read_card(ner_dir)
    assert set(card.labels) <= set(PHI_LABELS)
    assert card.train["notes"] == 40
    assert card.train["identifiers"]["NAME"] > 40
    assert card.scores["all"]["recall"] > 0.8
    assert card.capitals is True
    assert card.encoder["sha256"]
    assert card.libraries["torch"]


def test_the_folder_is_one_of_hugging_face(ner_dir: Path) -> None:
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    model, report = AutoModelForTokenClassification.from_pretrained(ner_dir, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["mismatched_keys"]
    assert model.config.id2label[0] == "O"
    assert AutoTokenizer.from_pretrained(ner_dir).is_fast


def test_loading_twice_gives_equal_spans(ner_dir: Path, model: NerModel, notes: list[Note]) -> None:
    texts = [note.text for note in notes]
    assert load(ner_dir).find(texts) == model.find(texts)


@given(seed=st.integers(0, 2**32), size=st.integers(1, 9))
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_note_has_the_same_spans_in_any_company(
    model: NerModel, notes: list[Note], seed: int, size: int
) -> None:
    texts = [note.text for note in notes]
    alone = dict(zip(texts, model.find(texts)))
    drawn = random.Random(seed).sample(texts, size)
    assert model.find(drawn) == [alone[text] for text in drawn]


def test_threads_do_not_disturb_each_other(model: NerModel, notes: list[Note]) -> None:
    texts = [note.text for note in notes[:8]]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda text: model.find([text])[0], texts)) == model.find(texts)


def test_a_lower_threshold_covers_more(ner_dir: Path, notes: list[Note]) -> None:
    texts = [note.text for note in notes]
    covered = [
        sum(s.end - s.start for spans in load(ner_dir, threshold).find(texts) for s in spans)
        for threshold in (0.99, 0.5, 0.01)
    ]
    assert covered == sorted(covered)
    assert covered[0] < covered[2]


def test_spans_lie_in_the_text(model: NerModel) -> None:
    for text in ("", " ", "\x00\x00", "\u200b", "Dr. Ada Okafor", "x" * 50_000, "a \U0001f600 b" * 40):
        for span in model.find([text])[0]:
            assert 0 <= span.start < span.end <= len(text)


def test_only_labels_that_are_looked_for(ner_dir: Path, notes: list[Note]) -> None:
    model = NerModel.load(ner_dir, threshold=0.5, professions=True, labels=("DATE",))
    assert {s.label for spans in model.find([n.text for n in notes]) for s in spans} == {"DATE"}


def spoil_json(name: str, **changes: Any) -> Any:
    def spoil(folder: Path) -> None:
        data = json.loads((folder / name).read_text("utf-8")) | changes
        (folder / name).write_text(json.dumps(data), "utf-8")

    return spoil


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (shutil.rmtree, "no such folder"),
        (lambda f: (f / "card.json").unlink(), "no card.json"),
        (lambda f: (f / "card.json").write_text("{"), "card.json cannot be read as JSON"),
        (lambda f: (f / "card.json").write_text("{}"), "missing or unknown"),
        (lambda f: (f / "model.safetensors").unlink(), "no model.safetensors"),
        (lambda f: (f / "tokenizer.json").unlink(), "no tokenizer.json"),
        (lambda f: (f / "config.json").write_text("no"), "config.json is not JSON"),
        (lambda f: (f / "pytorch_model.bin").write_bytes(b"x"), "only safetensors"),
        (lambda f: (f / "modeling.py").write_text("1"), "no code"),
        (lambda f: (f / "model.safetensors").write_bytes(b"x" * 9), "not the one that card.json tells of"),
        (spoil_json("config.json", auto_map={"AutoModel": "x.Y"}), "code of its own"),
        (spoil_json("card.json", labels=["NAME", "DATE"]), "not those of the labels in its card"),
        (spoil_json("card.json", labels=["PERSON"]), "PERSON is no label"),
        (spoil_json("card.json", capitals="yes"), "wrong type"),
    ],
)
def test_a_folder_that_cannot_be_trusted_is_refused(copy: Path, spoil: Any, problem: str) -> None:
    spoil(copy)
    with pytest.raises(FolderError, match=problem) as raised:
        Detector(DeidConfig(ner=copy))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_an_answer_that_is_not_finite_withholds_the_note(ner_dir: Path, bad: float) -> None:
    detector = Detector(DeidConfig(ner=ner_dir))
    with torch.no_grad():
        detector._model._tagger.model.classifier.bias.fill_(bad)  # type: ignore[union-attr]
    with pytest.raises(GateError, match="FloatingPointError"):
        detector.detect("Seen by Dr. Okafor.")


def test_an_answer_too_short_withholds_the_notes(ner_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    detector = Detector(DeidConfig(ner=ner_dir))
    predict = type(detector._model._tagger).predict  # type: ignore[union-attr]
    monkeypatch.setattr(
        type(detector._model._tagger),  # type: ignore[union-attr]
        "predict",
        lambda *a: predict(*a)[:-1],
    )
    with pytest.raises(GateError, match="answered for 1 of 2 notes"):
        detector.detect_batch(["Seen by Dr. Okafor.", "Seen by Dr. Lee."])


def test_an_error_of_the_model_withholds_the_note_and_does_not_quote_it(
    ner_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = Detector(DeidConfig(ner=ner_dir))

    def broken(*_: Any) -> Any:
        raise ValueError("Okafor")

    monkeypatch.setattr(type(detector._model._tagger), "predict", broken)  # type: ignore[union-attr]
    with pytest.raises(GateError, match="ValueError") as raised:
        detector.detect("Seen by Dr. Okafor.")
    assert "Okafor" not in str(raised.value)
    assert raised.value.__cause__ is None

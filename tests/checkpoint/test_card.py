import json
from dataclasses import replace

import pytest

from clinsynth.checkpoint import CARD, Card, read_card, write_card
from clinsynth.errors import FolderError

CARD_OF_A_MODEL = Card(
    name="demo",
    architecture="LlamaForCausalLM",
    parameters=4_200_000,
    vocabulary=4096,
    context=512,
    corpus_sha256="0" * 64,
    deid={"version": 1},
    template={"version": 1},
    layout={"tp": 2, "pp": 2, "dp": 1},
    seeds={"weights": 1, "data": 2},
    data_order="permuted rows by (seed, epoch)",
    tokens_seen=1000,
    steps=10,
    train_loss=((1, 8.3), (10, 5.25)),
    valid_loss=((10, 5.5),),
)


def test_a_card_comes_back_as_it_was(tmp_path):
    write_card(tmp_path, CARD_OF_A_MODEL)
    assert read_card(tmp_path) == CARD_OF_A_MODEL


def test_a_model_claims_no_privacy_by_itself():
    assert CARD_OF_A_MODEL.privacy == {"mechanism": "none", "epsilon": None, "delta": None}


def test_not_a_number_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_card(tmp_path, replace(CARD_OF_A_MODEL, train_loss=((1, float("nan")),)))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda raw: raw.pop("tokens_seen"), "field tokens_seen is missing"),
        (lambda raw: raw.pop("deid"), "field deid is missing"),
        (lambda raw: raw.update(epsilon=1), "unknown field epsilon"),
        (lambda raw: raw.update(train_loss=3.0), "field train_loss is not a list"),
        (lambda raw: raw.update(valid_loss=[["a", "b"]]), "field valid_loss is not a list"),
    ],
)
def test_a_wrong_card_names_the_field(tmp_path, change, problem):
    write_card(tmp_path, CARD_OF_A_MODEL)
    raw = json.loads((tmp_path / CARD).read_text())
    change(raw)
    (tmp_path / CARD).write_text(json.dumps(raw))
    with pytest.raises(FolderError, match=problem):
        read_card(tmp_path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "has no card.json"), ("{", "is not JSON"), ("[]", "is not an object")],
)
def test_a_folder_without_a_card_is_refused(tmp_path, content, problem):
    if content is not None:
        (tmp_path / CARD).write_text(content)
    with pytest.raises(FolderError, match=problem):
        read_card(tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FolderError, match="nowhere: no such folder"):
        read_card(tmp_path / "nowhere")

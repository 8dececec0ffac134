"""Every wrong adapter run: one clear line, the right exit code, nothing written, no process started."""

from __future__ import annotations

import json

import pytest
import yaml
from benchmarks._plain_peft import make_base, make_open_base


@pytest.fixture(scope="module")
def base(tmp_path_factory, corpus):
    return make_base(tmp_path_factory.mktemp("bases") / "llama", corpus / "tokenizer", "llama")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"lora.targets": ["q_projj"]},
            "lora.targets: the model has no linear layer q_projj; it has down_proj, gate_proj, k_proj",
        ),
        ({"lora.targets": ["q_proj", "lm_head"]}, "the model has no linear layer lm_head"),
        ({"lora.targets": []}, "lora.targets is empty: auto, or some of down_proj"),
        ({"lora.targets": "all"}, "key lora.targets"),
        ({"lora.rank": 0}, "key lora.rank: input should be greater than or equal to 1"),
        ({"lora.alpha": 0}, "key lora.alpha: input should be greater than or equal to 1"),
        ({"lora.dropout": 1.0}, "key lora.dropout: input should be less than 1"),
        ({"lora.rnak": 4}, "unknown key lora.rnak: did you mean rank?"),
        (
            {"init_from": None, "model": "demo"},
            "lora adapts an existing model: name its folder in init_from",
        ),
        ({"layout.tp": 2}, "layout.tp is 2: lora goes with tp 1 and pp 1"),
        ({"layout.pp": 2}, "layout.pp is 2: lora goes with tp 1 and pp 1"),
        ({"layout.zero": 4}, "key layout.zero: input should be less than or equal to 3"),
        ({"context": 512}, "context 512 is more than the 128 positions of the model"),
        ({"init_from": "nowhere"}, "init_from: nowhere: no such folder"),
    ],
)
def test_a_wrong_key_is_named(refused, tmp_path, write_run, base, change, message):
    path = write_run(tmp_path, steps=2, init_from=str(base), lora={"rank": 4})
    run = yaml.safe_load(path.read_text())
    for key, value in change.items():
        *parents, last = key.split(".")
        node = run
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    path.write_text(yaml.safe_dump(run))
    assert message in str(refused(path))
    assert [p.name for p in tmp_path.iterdir()] == ["run.yaml"], "nothing may be written"


def change_json(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "another tokenizer than the model's"),
        (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
        (lambda folder: (folder / "model.safetensors").unlink(), "has neither model.safetensors nor"),
        (
            lambda folder: (folder / "model.safetensors").write_bytes(b"x" * 40),
            "model.safetensors is damaged",
        ),
        (
            lambda folder: change_json(folder / "config.json", sliding_window=32),
            "more than the 32 tokens that the model looks back",
        ),
    ],
)
def test_a_model_that_cannot_be_adapted_is_named(refused, tmp_path, write_run, corpus, damage, message):
    folder = make_base(tmp_path / "base", corpus / "tokenizer", "llama")
    damage(folder)
    error = refused(write_run(tmp_path, steps=2, init_from=str(folder), lora={"rank": 4}))
    assert message in str(error)
    assert not (tmp_path / "train").exists()


def test_new_tokens_must_be_learned(refused, tmp_path, write_run):
    base, corpus = make_open_base(tmp_path / "open", "llama")
    path = write_run(
        tmp_path, steps=2, corpus=str(corpus), init_from=str(base), lora={"modules_to_save": []}
    )
    assert "the corpus's tokenizer has 96 tokens that the model never saw" in str(refused(path))

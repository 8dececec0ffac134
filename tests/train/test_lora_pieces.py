"""Small pieces of adapters: what is found in a folder without loading it, and what is put right after loading."""

from __future__ import annotations

import json

import pytest
import torch
from benchmarks._plain_peft import make_base
from safetensors.torch import save_file

from clinsynth.checkpoint.tensors import tensor_shapes, weights_sha256
from clinsynth.errors import FolderError, UsageError
from clinsynth.train.lora.checks import linear_layers
from clinsynth.train.lora.model import _exact_tables, load_model


@pytest.mark.parametrize(
    ("names", "layers"),
    [
        (
            ["model.layers.0.self_attn.q_proj.weight", "model.layers.11.mlp.up_proj.weight"],
            ["q_proj", "up_proj"],
        ),
        (["h.0.attn.c_attn.weight", "wte.weight", "wpe.weight"], ["c_attn"]),
        (["model.embed_tokens.weight", "lm_head.weight"], []),
        (["model.layers.0.mlp.gate.weight", "model.layers.0.mlp.experts.3.up_proj.weight"], ["gate"]),
        (["model.layers.0.self_attn.q_proj.bias"], []),
    ],
)
def test_linear_layers_are_matrices_in_numbered_blocks(tmp_path, names, layers):
    save_file(
        {name: torch.zeros(4, 4) for name in names} | {"model.layers.0.norm.weight": torch.zeros(4)},
        tmp_path / "model.safetensors",
    )
    assert linear_layers(tmp_path) == layers
    assert tensor_shapes(tmp_path)["model.layers.0.norm.weight"] == (4,)


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 8, b"\x02\x00\x00\x00\x00\x00\x00\x00[]", b"\x09\0\0\0\0\0\0\0{}"]
)
def test_a_file_that_is_not_safetensors_is_named(tmp_path, content):
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(FolderError, match=r"model\.safetensors is damaged"):
        tensor_shapes(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "bert"}, "is missing: the weights are not those of config.json"),
        ({"num_hidden_layers": 3}, "tensor model.layers.2.input_layernorm.weight is missing"),
        ({"intermediate_size": 80}, "has another shape: the weights are not those of config.json"),
    ],
)
def test_weights_that_are_not_the_configs_are_refused(tmp_path, corpus, change, message):
    base = make_base(tmp_path / "base", corpus / "tokenizer", "llama")
    settings = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**settings, **change}))
    with pytest.raises(UsageError, match=message):
        load_model(base, torch.float32)


def test_the_hash_of_weights_is_that_of_weights_and_config(tmp_path, corpus):
    base = make_base(tmp_path / "base", corpus / "tokenizer", "llama")
    before = weights_sha256(base)
    (base / "README.md").write_text("hello")
    (base / "generation_config.json").unlink(missing_ok=True)
    assert weights_sha256(base) == before
    settings = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**settings, "rms_norm_eps": 1e-4}))
    assert weights_sha256(base) != before
    (base / "config.json").unlink()
    with pytest.raises(FolderError, match=r"has no config\.json"):
        weights_sha256(base)


def test_tables_of_rotations_are_exact_whatever_the_weights_are(tmp_path, corpus):
    base = make_base(tmp_path / "base", corpus / "tokenizer", "llama")
    exact, rounded = (load_model(base, torch.float32) for _ in range(2))
    rounded.to(torch.bfloat16)
    table = rounded.model.rotary_emb.inv_freq
    assert not torch.equal(table.float(), exact.model.rotary_emb.inv_freq)
    _exact_tables(rounded)
    assert torch.equal(rounded.model.rotary_emb.inv_freq, exact.model.rotary_emb.inv_freq)
    assert "rotary_emb.inv_freq" not in "".join(rounded.state_dict()), "it is not stored"
    assert {p.dtype for p in rounded.parameters()} == {torch.bfloat16}


def test_dropout_is_the_runs_and_otherwise_the_models(tmp_path, corpus):
    base = make_base(tmp_path / "base", corpus / "tokenizer", "gpt2")
    assert load_model(base, torch.float32).config.attn_pdrop == 0.1
    settings = load_model(base, torch.float32, dropout=0.0).config
    assert (settings.attn_pdrop, settings.resid_pdrop, settings.embd_pdrop) == (0, 0, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "no_such_type"},
        {"model_type": "own", "auto_map": {"AutoConfig": "x.Y", "AutoModelForCausalLM": "x.Z"}},
    ],
)
def test_a_model_that_transformers_cannot_load_is_one_line(tmp_path, corpus, change):
    base = make_base(tmp_path / "base", corpus / "tokenizer", "llama")
    settings = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**settings, **change}))
    with pytest.raises(UsageError, match="transformers cannot load it: ") as error:
        load_model(base, torch.float32)
    assert "\n" not in str(error.value)

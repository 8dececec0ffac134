"""``clinsynth merge``: any architecture, any dtype; a wrong model, a damaged folder and no card are refused."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from benchmarks._plain_peft import make_base, make_open_base
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

from clinsynth.checkpoint import read_card, write_card
from clinsynth.errors import ClinsynthError, FolderError
from clinsynth.folders import read_manifest
from clinsynth.overlap import NEIGHBOURS, NeighbourIndex, NgramIndex
from clinsynth.train.config import TrainConfig
from clinsynth.train.loop import State
from clinsynth.train.lora.command import merge as command
from clinsynth.train.lora.export import adapter_card, export_adapter
from clinsynth.train.lora.merge import merge
from clinsynth.train.lora.model import adapted_model


def make_adapter(folder, corpus, base, **lora):
    """An adapter folder with random weights, written as a run writes it."""
    config = TrainConfig.model_validate(
        {
            "name": "ward",
            "corpus": corpus,
            "init_from": base,
            "out": folder,
            "steps": 1,
            "context": 64,
            "precision": "fp32",
            "lora": {"rank": 4, "alpha": 4, **lora},
        }
    )
    model = adapted_model(config)
    weights = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            parameter.data += 0.05 * torch.randn(parameter.shape)
            weights[f"model.{name}"] = parameter.data.clone()
    card = adapter_card(config, model, State(1, 10), weights)
    export_adapter(config, model, weights, card, folder, overwrite=False)
    return model.eval()


@pytest.fixture(scope="module")
def llama(tmp_path_factory, corpus):
    """(adapter, base, the model with it)."""
    folder = tmp_path_factory.mktemp("llama")
    base = make_base(folder / "base", corpus / "tokenizer", "llama")
    return folder / "adapter", base, make_adapter(folder / "adapter", corpus, base)


PROBE = torch.randint(0, 352, (2, 40), generator=torch.Generator().manual_seed(5))


@torch.no_grad()
def logits(model):
    return model(PROBE).logits


def load(folder):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


@pytest.mark.parametrize(
    ("architecture", "options", "opened", "lora"),
    [
        ("qwen2", {"tie_word_embeddings": True}, True, {"rslora": True}),
        ("mistral", {}, True, {"dora": True}),
        ("gpt_neox", {}, False, {"targets": ["query_key_value", "dense"]}),
        ("gpt2", {}, False, {"dora": True}),
    ],
)
def test_every_architecture_says_the_same_merged(tmp_path, corpus, architecture, options, opened, lora):
    """``opened``: a model with a tokenizer of its own, so that embedding and output layer are trained too."""
    if opened:
        base, corpus = make_open_base(tmp_path / "open", architecture, **options)
    else:
        base = make_base(tmp_path / "base", corpus / "tokenizer", architecture, **options)
    beside = make_adapter(tmp_path / "adapter", corpus, base, **lora)
    difference = merge(tmp_path / "adapter", base, tmp_path / "model")
    assert difference <= 1e-4, "nothing is rounded in float32"
    torch.testing.assert_close(logits(load(tmp_path / "model")), logits(beside), atol=1e-4, rtol=0)
    before = logits(load(base))
    assert (before - logits(beside)[..., : before.shape[-1]]).abs().max() > 0.1
    assert read_manifest(tmp_path / "model", "model", verify=True).inputs["base"]
    assert read_card(tmp_path / "model").architecture == type(load(base)).__name__


def test_the_command_writes_bfloat16_and_tells_what_rounding_does(tmp_path, llama):
    adapter, base, beside = llama
    arguments = [str(adapter), "--base", str(base), "--out", str(tmp_path / "model"), "--dtype", "bfloat16"]
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    assert "rounding moves a logit by at most" in result.output
    stored = load_file(tmp_path / "model" / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.bfloat16}
    assert json.loads((tmp_path / "model" / "config.json").read_text())["dtype"] == "bfloat16"
    difference = (logits(load(tmp_path / "model")) - logits(beside)).abs().max()
    assert 1e-4 < difference < 1


def refused(*arguments):
    result = CliRunner().invoke(command, [str(one) for one in arguments])
    assert isinstance(result.exception, ClinsynthError), result.output
    assert "\n" not in str(result.exception)
    return result.exception


def test_another_model_is_refused(tmp_path, corpus, llama):
    adapter, _, _ = llama
    other = make_base(tmp_path / "other", corpus / "tokenizer", "llama", tie_word_embeddings=True)
    error = refused(adapter, "--base", other, "--out", tmp_path / "model")
    assert isinstance(error, FolderError)
    assert "was trained on base" in str(error)
    assert "an adapter fits no other model" in str(error)
    assert not (tmp_path / "model").exists()


def test_a_card_or_an_index_added_to_the_model_later_changes_nothing(tmp_path, llama):
    adapter, base, _ = llama
    copy = tmp_path / "base"
    shutil.copytree(base, copy)
    write_card(copy, read_card(adapter))
    (copy / "README.md").write_text("ours")
    merge(adapter, copy, tmp_path / "model")
    assert (tmp_path / "model" / "card.json").is_file()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "card.json").unlink(), "card.json is missing"),
        (lambda folder: (folder / "manifest.json").unlink(), "has no manifest.json: it is not a adapter"),
        (
            lambda folder: (folder / "adapter_model.safetensors").write_bytes(b"x"),
            "does not match its checksum",
        ),
        (lambda folder: shutil.rmtree(folder), "no such folder"),
    ],
)
def test_a_damaged_adapter_is_refused(tmp_path, llama, damage, message):
    adapter, base, _ = llama
    shutil.copytree(adapter, tmp_path / "adapter")
    damage(tmp_path / "adapter")
    assert message in str(refused(tmp_path / "adapter", "--base", base, "--out", tmp_path / "model"))


def test_a_model_folder_is_no_adapter_and_a_taken_place_stays(tmp_path, llama):
    adapter, base, _ = llama
    merge(adapter, base, tmp_path / "model")
    error = refused(tmp_path / "model", "--base", base, "--out", tmp_path / "again")
    assert "is a model folder, not a adapter folder" in str(error)
    before = (tmp_path / "model" / "manifest.json").read_bytes()
    assert "model exists" in str(refused(adapter, "--base", base, "--out", tmp_path / "model"))
    assert (tmp_path / "model" / "manifest.json").read_bytes() == before


def test_an_adapter_that_does_not_merge_is_not_written(tmp_path, llama, monkeypatch):
    """Logits that differ mean that the merged weights are wrong, whatever the reason."""
    from peft.tuners.lora import Linear

    adapter, base, _ = llama
    right = Linear.get_delta_weight
    monkeypatch.setattr(Linear, "get_delta_weight", lambda self, name: 1.5 * right(self, name))
    with pytest.raises(FolderError, match="the merged model differs from the model with its adapter by"):
        merge(adapter, base, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_the_gate_of_an_adapter_knows_the_text_of_its_model_too(tmp_path, corpus):
    base = make_base(tmp_path / "base", corpus / "tokenizer", "llama")
    texts = ["the quick brown fox jumps over the lazy dog and runs far away from here now"]
    theirs = NgramIndex.build(texts)
    theirs.save(base / "overlap" / "ngrams.npy")
    NeighbourIndex.build(texts).save(base / NEIGHBOURS)
    make_adapter(tmp_path / "adapter", corpus, base)
    joined = NgramIndex.load(tmp_path / "adapter" / "overlap" / "ngrams.npy")
    ours = NgramIndex.load(corpus / "overlap" / "ngrams.npy")
    assert len(joined) == len(ours) + len(theirs)
    assert set(joined.hashes) == set(ours.hashes) | set(theirs.hashes)
    neighbours = NeighbourIndex.load(tmp_path / "adapter" / NEIGHBOURS)
    assert len(neighbours) == len(NeighbourIndex.load(corpus / NEIGHBOURS)) + 1
    assert neighbours.similarity(texts[0]) == 1


def test_weights_are_read_from_several_files(tmp_path, corpus, llama):
    _, base, _ = llama
    copy = tmp_path / "base"
    shutil.copytree(base, copy)
    tensors = load_file(copy / "model.safetensors")
    names = sorted(tensors)
    (copy / "model.safetensors").unlink()
    parts = {
        "model-00001-of-00002.safetensors": names[::2],
        "model-00002-of-00002.safetensors": names[1::2],
    }
    for file, part in parts.items():
        save_file({name: tensors[name] for name in part}, copy / file, metadata={"format": "pt"})
    where = {name: file for file, part in parts.items() for name in part}
    (copy / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
    beside = make_adapter(tmp_path / "adapter", corpus, copy)
    merge(tmp_path / "adapter", copy, tmp_path / "model")
    torch.testing.assert_close(logits(load(tmp_path / "model")), logits(beside), atol=1e-4, rtol=0)

"""``clinsynth train --dry-run`` says what would run, and starts and writes nothing."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from click.testing import CliRunner

from clinsynth.train import checkpoints
from clinsynth.train.command import train
from clinsynth.train.flops import PEAK_BF16, flops_per_token, model_flops

LLAMA = {"architecture": "llama", "hidden_size": 32, "layers": 2, "heads": 4, "intermediate_size": 48}


@pytest.fixture(autouse=True)
def not_a_rank(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DS_ACCELERATOR", "cpu")


def outline(*arguments):
    result = CliRunner().invoke(train, [*map(str, arguments), "--dry-run"], catch_exceptions=False)
    assert result.exit_code == 0
    return dict(
        line.split(maxsplit=1) for line in result.output.replace("starts from", "starts").splitlines()
    )


def test_it_says_what_would_run(tmp_path, write_run):
    path = write_run(tmp_path, steps=40, model=LLAMA, layout={"tp": 2, "pp": 2, "oversubscribe": True})
    said = outline(path, "optimizer.schedule=wsd", "checkpoints.every_minutes=5")
    width, inner, vocabulary = 32, 48, 353
    block = 4 * width * width + 3 * width * inner + 2 * width
    parameters = vocabulary * width + 2 * block + width
    assert said["model"] == f"LlamaForCausalLM, {parameters:,} parameters, fp32"
    assert said["layout"] == "tp 2 x pp 2 x dp 1: 4 processes on this machine"
    assert said["steps"].startswith("40, about 19,")
    assert said["rate"] == "0.003, wsd after 3 steps of warm-up"
    assert said["starts"] == "the beginning"
    assert said["checkpoints"] == f"every 5 minutes, the newest 2 kept, in {tmp_path / 'train'}"
    assert said["writes"] == str(tmp_path / "model")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.yaml"]


def test_it_says_where_a_run_goes_on(tmp_path, write_run):
    from clinsynth.config import load_config
    from clinsynth.folders import write_json
    from clinsynth.train.checks import identity
    from clinsynth.train.config import TrainConfig

    path = write_run(tmp_path, steps=40, model=LLAMA)
    folder = tmp_path / "train" / checkpoints.FOLDER / checkpoints.name_of(20)
    folder.mkdir(parents=True)
    config = load_config(path, TrainConfig)
    record = checkpoints.Record(20, 9876, identity(config), config.layout.axes, files={})
    write_json(folder / checkpoints.RECORD, asdict(record))
    assert outline(path)["starts"] == "step-00000020: 20 steps and 9,876 tokens done"
    assert outline(path, "resume=never")["starts"] == "the beginning"


def test_it_prints_the_call_that_a_hostfile_leads_to(tmp_path, write_run):
    hosts = tmp_path / "hosts"
    hosts.write_text("dgx-01 slots=1\ndgx-02 slots=1\n")
    path = write_run(tmp_path, steps=40, model=LLAMA)
    said = outline(path, "layout.dp=2", "--hostfile", hosts)
    assert said["layout"].endswith("2 processes on dgx-01, dgx-02")
    assert said["command"].endswith(f"--module clinsynth.cli train {path} layout.dp=2")


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_flops_are_those_of_every_matrix_product(architecture, tied):
    """Counted by PyTorch while a model runs forward and backward, with attention as plain products."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig

    context, vocabulary = 64, 100
    if architecture == "llama":
        config = LlamaConfig(
            hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4, head_dim=8,
            intermediate_size=48, vocab_size=vocabulary, tie_word_embeddings=tied,
        )  # fmt: skip
    else:
        config = GPT2Config(n_embd=32, n_layer=2, n_head=4, vocab_size=vocabulary, tie_word_embeddings=tied)
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config)
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, context, dtype=torch.long)).logits.sum().backward()
    # Norms and biases are few, and are counted as if they multiplied.
    assert model_flops(config, context) == pytest.approx(counter.get_total_flops() / context, rel=0.03)


def test_flops_by_hand():
    assert flops_per_token(parameters=100, layers=2, attention_width=8, context=16) == 600 + 12 * 2 * 8 * 16


def test_a_longer_name_is_found_before_the_name_that_it_holds():
    names = list(PEAK_BF16)
    assert all(names[at] not in later for at in range(len(names)) for later in names[at + 1 :])

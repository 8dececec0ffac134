"""DeepSpeed at tp=2, pp=2 and at dp=2 against plain Hugging Face and torch in one process."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch
from benchmarks._plain import VOCABULARY, token_mean, train_plainly
from safetensors.torch import load_file

from clinsynth.checkpoint import read_card
from clinsynth.config import load_config
from clinsynth.folders import read_manifest
from clinsynth.tokens.mixture import source_names
from clinsynth.train.config import TrainConfig
from clinsynth.train.data import open_batches

pytestmark = pytest.mark.slow


@pytest.fixture(
    scope="module", params=["llama", "llama-untied", "gpt2", "qwen3", "gpt_neox", "mistral", "gpt2-zero2"]
)
def run(request, trained):
    """The config of a finished run."""
    return trained(request.param)


@pytest.fixture(scope="module")
def reference(run):
    """The same run in one process of plain Hugging Face and torch."""
    return train_plainly(run)


def read_losses(config):
    rows = [json.loads(line) for line in (config.folder / "metrics.jsonl").read_text().splitlines()]
    steps = [row for row in rows if "loss" in row]
    valid = {key: value for key, value in rows[-1].items() if key != "step"}
    return [row["loss"] for row in steps], [row["grad_norm"] for row in steps], valid


def test_losses_equal_one_process(run, reference):
    losses, _, valid_losses = read_losses(run)
    assert len(losses) == run.steps
    assert losses == pytest.approx(reference.losses, abs=1e-5)
    assert valid_losses == pytest.approx(reference.valid_losses, abs=1e-5)
    assert len(valid_losses) == 1 + len(source_names(run.corpus / "tokens" / "valid"))
    assert losses[-1] < losses[0] - 0.5, "the run must have learned something, or equality says little"


def test_gradient_norms_equal_one_process_and_are_clipped(run, reference):
    _, norms, _ = read_losses(run)
    assert norms == pytest.approx(reference.norms, rel=1e-4)
    assert max(norms) > run.optimizer.clip, "clipping must have had something to do"


def test_exported_model_gives_the_same_logits(run, reference):
    from transformers import AutoModelForCausalLM

    exported = AutoModelForCausalLM.from_pretrained(run.out).eval()
    ids = torch.randint(0, VOCABULARY, (2, 40), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found, expected = exported(ids).logits, reference.model.eval()(ids).logits
    assert found.shape == (2, 40, VOCABULARY), "padding of the vocabulary must be cut back"
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_exported_folder_is_whole(run):
    manifest = read_manifest(run.out, "model", verify=True)
    assert {"config.json", "generation_config.json", "card.json", "tokenizer.json"} <= manifest.files.keys()
    assert {"overlap/ngrams.npy", "overlap/neighbours.npy"} <= manifest.files.keys()
    shards = sorted(run.out.glob("*.safetensors"))
    assert len(shards) == run.layout.pp
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in shards)
    names = [name for path in shards for name in load_file(path)]
    assert len(names) == len(set(names)), "no tensor is written twice"
    assert ("lm_head.weight" in names) == (not run.shape.tied)


def test_card_tells_the_run(run, reference):
    card = read_card(run.out)
    assert card.parameters == sum(p.numel() for p in reference.model.parameters())
    assert card.layout == {"tp": run.layout.tp, "pp": run.layout.pp, "dp": run.layout.dp}
    assert card.steps == run.steps
    assert card.architecture == type(reference.model).__name__
    assert card.deid == {"version": 1}
    assert card.privacy["mechanism"] == "none"
    assert [step for step, _ in card.train_loss] == list(range(1, run.steps + 1))


def test_a_model_continued_under_torchrun_begins_at_its_loss(
    trained, train_environment, write_run, tmp_path
):
    from transformers import AutoModelForCausalLM

    base = trained("gpt2")
    layout = {"tp": 2, "oversubscribe": True}
    path = write_run(
        tmp_path,
        steps=1,
        init_from=str(base.out),
        layout=layout,
        optimizer={"lr": 1e-12},
        activation_checkpointing=True,
    )
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*torchrun, "-m", "clinsynth.cli", "train", str(path)]
    done = subprocess.run(command, env=train_environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    config = load_config(path, TrainConfig)
    rows = open_batches(config, 0).train
    model = AutoModelForCausalLM.from_pretrained(base.out)
    with torch.no_grad():
        expected = token_mean(model, [rows.row(i) for i in range(8)]).item()
    assert read_losses(config)[0] == pytest.approx([expected], abs=1e-5)
    assert expected < 4, "an untrained model would be at 5.9"
    continued = AutoModelForCausalLM.from_pretrained(config.out)
    for name, parameter in continued.named_parameters():
        torch.testing.assert_close(parameter, model.get_parameter(name), atol=1e-6, rtol=0)
    assert read_card(config.out).base_model == "model"

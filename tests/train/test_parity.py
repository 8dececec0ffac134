"""DeepSpeed at tp=2, pp=2 and at dp=2 against plain Hugging Face and torch in one process."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from clinsynth.checkpoint import read_card
from clinsynth.config import load_config
from clinsynth.folders import read_manifest
from clinsynth.tokens.packing import PackedRows
from clinsynth.tokens.shards import TokenShards
from clinsynth.train.config import TrainConfig
from clinsynth.train.families import family_of
from clinsynth.train.schedule import learning_rate
from clinsynth.train.weights import SeededWeights

pytestmark = pytest.mark.slow

VOCABULARY = 353


@pytest.fixture(scope="module", params=["llama", "llama-untied", "gpt2"])
def run(request, trained):
    """The config of a finished run."""
    return trained(request.param)


@pytest.fixture(scope="module")
def reference(run):
    """The same run in one process: (losses, gradient norms, validation loss, model)."""
    return train_plainly(run)


def read_losses(config):
    rows = [json.loads(line) for line in (config.folder / "metrics.jsonl").read_text().splitlines()]
    steps = [row for row in rows if "loss" in row]
    return [row["loss"] for row in steps], [row["grad_norm"] for row in steps], rows[-1]["valid_loss"]


def train_plainly(config):
    """Hugging Face's model, its own loss on unshifted labels, torch's AdamW and clipping."""
    model = plain_model(config)
    decayed = [p for p in model.parameters() if p.dim() >= 2]
    plain = [p for p in model.parameters() if p.dim() < 2]
    options = config.optimizer
    adamw = torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": options.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ],
        betas=(options.beta1, options.beta2),
        eps=options.eps,
    )
    rows = PackedRows(TokenShards(config.corpus / "tokens" / "train"), config.context, config.seed)
    losses, norms = [], []
    for step in range(config.steps):
        for group in adamw.param_groups:
            group["lr"] = learning_rate(step, config.steps, options)
        loss = whole_batch_loss(model, [rows.row(step * 8 + i) for i in range(8)])
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), options.clip)))
        adamw.step()
        adamw.zero_grad()
        losses.append(loss.item())
    valid = PackedRows(TokenShards(config.corpus / "tokens" / "valid"), config.context, config.seed)
    with torch.no_grad():
        valid_loss = whole_batch_loss(model, [valid.row(i) for i in range(min(8, len(valid)))]).item()
    return losses, norms, valid_loss, model


def plain_model(config):
    from transformers import AutoModelForCausalLM

    family = family_of(config.shape.architecture)
    hf_config = family.config(family.settings(config.shape, VOCABULARY, config.context))
    model = AutoModelForCausalLM.from_config(hf_config)
    weights = SeededWeights(family, hf_config, config.seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(weights.get(name, parameter.shape))
    return model.train()


def whole_batch_loss(model, rows):
    ids = torch.from_numpy(np.stack([row.input_ids for row in rows]))
    labels = torch.from_numpy(np.stack([row.labels for row in rows]))
    return model(input_ids=ids, labels=labels).loss


def test_losses_equal_one_process(run, reference):
    losses, _, valid_loss = read_losses(run)
    assert len(losses) == run.steps
    assert losses == pytest.approx(reference[0], abs=1e-5)
    assert valid_loss == pytest.approx(reference[2], abs=1e-5)
    assert losses[-1] < losses[0] - 0.5, "the run must have learned something, or equality says little"


def test_gradient_norms_equal_one_process_and_are_clipped(run, reference):
    _, norms, _ = read_losses(run)
    assert norms == pytest.approx(reference[1], rel=1e-4)
    assert max(norms) > run.optimizer.clip, "clipping must have had something to do"


def test_exported_model_gives_the_same_logits(run, reference):
    from transformers import AutoModelForCausalLM

    exported = AutoModelForCausalLM.from_pretrained(run.out).eval()
    ids = torch.randint(0, VOCABULARY, (2, 40), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found, expected = exported(ids).logits, reference[3].eval()(ids).logits
    assert found.shape == (2, 40, VOCABULARY), "padding of the vocabulary must be cut back"
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_exported_folder_is_whole(run):
    manifest = read_manifest(run.out, "model", verify=True)
    assert {"config.json", "generation_config.json", "card.json", "tokenizer.json"} <= manifest.files.keys()
    assert "overlap/ngrams.npy" in manifest.files
    shards = sorted(run.out.glob("*.safetensors"))
    assert len(shards) == run.layout.pp
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in shards)
    names = [name for path in shards for name in load_file(path)]
    assert len(names) == len(set(names)), "no tensor is written twice"
    assert ("lm_head.weight" in names) == (not run.shape.tied)


def test_card_tells_the_run(run, reference):
    card = read_card(run.out)
    assert card.parameters == sum(p.numel() for p in reference[3].parameters())
    assert card.layout == {"tp": run.layout.tp, "pp": run.layout.pp, "dp": run.layout.dp}
    assert card.steps == run.steps
    assert card.architecture == type(reference[3]).__name__
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
    rows = PackedRows(TokenShards(config.corpus / "tokens" / "train"), config.context, config.seed)
    model = AutoModelForCausalLM.from_pretrained(base.out)
    with torch.no_grad():
        expected = whole_batch_loss(model, [rows.row(i) for i in range(8)]).item()
    assert read_losses(config)[0] == pytest.approx([expected], abs=1e-5)
    assert expected < 4, "an untrained model would be at 5.9"
    continued = AutoModelForCausalLM.from_pretrained(config.out)
    for name, parameter in continued.named_parameters():
        torch.testing.assert_close(parameter, model.get_parameter(name), atol=1e-6, rtol=0)
    assert read_card(config.out).base_model == "model"

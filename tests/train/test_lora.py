"""Adapters by the real command line: trained, killed, resumed elsewhere, written, merged; against plain PEFT."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys

import psutil
import pytest
import torch
from benchmarks._plain import largest_difference
from benchmarks._plain_peft import make_base, make_open_base, train_adapter_plainly
from safetensors.torch import load_file
from tests.train.test_resume import ranks_of, wait_for_checkpoint

from clinsynth.checkpoint import read_card
from clinsynth.checkpoint.tensors import weights_sha256
from clinsynth.config import load_config
from clinsynth.folders import read_manifest
from clinsynth.overlap import NgramIndex
from clinsynth.tokens.tokenizer import load_tokenizer
from clinsynth.train import checkpoints
from clinsynth.train.config import TrainConfig
from clinsynth.train.metrics import read_metrics

pytestmark = pytest.mark.slow

STEPS = 12
LORA = {"rank": 4, "alpha": 8, "dropout": 0.1}


@pytest.fixture(scope="module")
def llama_base(tmp_path_factory, corpus):
    """With untied output layer and grouped-query attention."""
    return make_base(tmp_path_factory.mktemp("bases") / "llama", corpus / "tokenizer", "llama")


@pytest.fixture(scope="module")
def write_adapter_run(write_run, llama_base, tmp_path_factory):
    """Writes the YAML of a run in a new folder."""

    def write(base=llama_base, **keys):
        folder = tmp_path_factory.mktemp("adapter")
        run = {
            "steps": STEPS,
            "init_from": str(base),
            "lora": LORA,
            "layout": {"dp": 2, "zero": 3, "oversubscribe": True},
            "checkpoints": {"every_steps": 5, "every_minutes": 0, "keep": 3},
        }
        return write_run(folder, **(run | keys))

    return write


@pytest.fixture(scope="module")
def cut_off(write_adapter_run, train_environment):
    """A run of two processes at ZeRO-3, one of which was killed in its middle: (YAML, what was said)."""
    for _ in range(3):  # on a busy machine the run may end before this process gets to kill it
        path = write_adapter_run()
        command = [sys.executable, "-m", "clinsynth.cli", "train", str(path)]
        with subprocess.Popen(command, env=train_environment, stderr=subprocess.PIPE, text=True) as run:
            try:
                wait_for_checkpoint(path.parent, 5, run)
                with contextlib.suppress(psutil.NoSuchProcess, KeyError):
                    ranks_of(run, path.parent)[1].kill()
                _, error = run.communicate(timeout=400)
            finally:
                run.kill()
        if run.returncode:
            return path, error
    raise AssertionError("the run was faster than kill, three times")


@pytest.fixture(scope="module")
def finished(cut_off, launch):
    """The same run, started again and ended: its config."""
    path, error = cut_off
    assert "was ended by SIGKILL" in error.strip().splitlines()[-1]
    assert not (path.parent / "model").exists()
    left = checkpoints.complete(path.parent / "train")
    assert left
    assert left[-1].name < checkpoints.name_of(STEPS)
    done = launch(path)
    assert done.code == 0, done.error
    return load_config(path, TrainConfig)


@pytest.fixture(scope="module")
def plain(finished):
    """The unbroken run in one process with PEFT alone."""
    return train_adapter_plainly(finished)


def curves(config):
    rows = read_metrics(config.folder)
    steps = [row for row in rows if "loss" in row]
    assert [row["step"] for row in steps] == list(range(1, config.steps + 1))
    losses = [*(row["loss"] for row in steps), rows[-1]["valid_loss"]]
    return losses, [row["grad_norm"] for row in steps]


def check_against(plain, config):
    losses, norms = curves(config)
    assert largest_difference(losses, [*plain.losses, plain.valid_losses["valid_loss"]]) <= 1e-5
    assert largest_difference(norms, plain.norms, relative=True) <= 1e-4
    assert losses[-2] < losses[0] - 0.3, "the run must have learned something, or equality says little"


def test_a_killed_run_at_zero_3_gives_the_losses_of_plain_peft(finished, plain):
    check_against(plain, finished)


def test_a_run_goes_on_at_another_number_of_copies_and_another_stage(
    finished, plain, write_adapter_run, launch
):
    path = write_adapter_run(layout={"dp": 1, "zero": 1})
    folder = path.parent / "train"
    name = checkpoints.name_of(5)
    shutil.copytree(finished.folder / checkpoints.FOLDER / name, folder / checkpoints.FOLDER / name)
    shutil.copy(finished.folder / "metrics.jsonl", folder)
    done = launch(path)
    assert done.code == 0, done.error
    assert "step 6/12" in done.error or "step 12/12" in done.error
    config = load_config(path, TrainConfig)
    check_against(plain, config)
    for key, tensor in load_file(config.out / "adapter_model.safetensors").items():
        other = load_file(finished.out / "adapter_model.safetensors")[key]
        torch.testing.assert_close(tensor, other, atol=2e-6, rtol=1e-5)


def test_a_checkpoint_holds_the_adapter_and_nothing_of_the_model(finished, plain):
    path = finished.folder / checkpoints.FOLDER / checkpoints.name_of(STEPS)
    assert {file.name for file in path.iterdir()} == {"adapter.safetensors", "record.json"}
    state = load_file(path / "adapter.safetensors")
    assert int(state.pop("step")) == STEPS
    trained = sum(p.numel() for p in plain.model.parameters() if p.requires_grad)
    assert sum(tensor.numel() for tensor in state.values()) == 3 * trained
    assert all("lora_" in name for name in state)


def test_the_adapter_is_one_of_peft_that_loads_on_its_model(finished, plain, llama_base):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(llama_base)
    found = PeftModel.from_pretrained(base, finished.out).eval()
    ids = torch.randint(0, 353, (2, 40), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = plain.model.eval()(ids).logits
        torch.testing.assert_close(found(ids).logits, expected, atol=1e-4, rtol=0)
        with found.disable_adapter():
            assert (found(ids).logits - expected).abs().max() > 0.1, "it does something"


def test_the_adapter_folder_explains_itself_and_names_no_machine(finished, llama_base):
    manifest = read_manifest(finished.out, "adapter", verify=True)
    settings = json.loads((finished.out / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] is None
    assert str(llama_base.parent) not in (finished.out / "adapter_config.json").read_text()
    assert str(llama_base.parent) not in (finished.out / "card.json").read_text()
    card = read_card(finished.out)
    assert card.base_model == "llama"
    assert card.base_sha256 == weights_sha256(llama_base) == manifest.inputs["base"]
    assert card.layout == {"tp": 1, "pp": 1, "dp": 2, "zero": 3}
    assert card.lora is not None
    assert card.lora["rank"] == 4
    assert card.lora["targets"] == [
        "down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj",
    ]  # fmt: skip
    assert card.privacy["mechanism"] == "none"
    assert card.steps == STEPS
    assert {
        "tokenizer.json",
        "clinsynth_tokens.json",
        "overlap/ngrams.npy",
        "overlap/neighbours.npy",
    } <= manifest.files.keys()
    assert all(file.stat().st_mode & 0o777 == 0o644 for file in finished.out.glob("*.safetensors"))


@pytest.fixture(scope="module")
def merged(tmp_path_factory, write_adapter_run, launch):
    """GPT-2, whose output layer is its embedding, with 96 tokens that it never saw: merged at the end."""
    base, corpus = make_open_base(tmp_path_factory.mktemp("open"), "gpt2")
    path = write_adapter_run(
        base=base,
        corpus=str(corpus),
        lora={**LORA, "dropout": 0.0, "merge": True},
        layout={"dp": 2, "zero": 1, "oversubscribe": True},
        activation_checkpointing=True,
    )
    done = launch(path)
    assert done.code == 0, done.error
    return load_config(path, TrainConfig)


def test_a_merged_model_is_plain_peft_with_its_adapter(merged):
    from transformers import AutoModelForCausalLM

    plain = train_adapter_plainly(merged)
    check_against(plain, merged)
    model = AutoModelForCausalLM.from_pretrained(merged.out).eval()
    rows = load_tokenizer(merged.out).vocabulary_size
    assert model.config.vocab_size == rows
    ids = torch.randint(0, rows, (2, 40), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(model(ids).logits, plain.model.eval()(ids).logits, atol=1e-4, rtol=0)


def test_a_merged_folder_is_a_model_like_any_other(merged):
    manifest = read_manifest(merged.out, "model", verify=True)
    assert {"config.json", "generation_config.json", "tokenizer.json", "card.json"} <= manifest.files.keys()
    settings = json.loads((merged.out / "config.json").read_text())
    assert settings["attn_pdrop"] == 0.1, "what the model's own config says stays"
    assert str(merged.init_from.parent) not in (merged.out / "config.json").read_text()
    assert (merged.out / "overlap" / "ngrams.npy").is_file()
    card = read_card(merged.out)
    assert card.base_model == "gpt2"
    assert card.architecture == "GPT2LMHeadModel"
    assert card.parameters == sum(
        tensor.numel() for tensor in load_file(merged.out / "model.safetensors").values()
    )
    adapter = read_card(merged.folder / "adapter")
    assert adapter.lora is not None
    assert adapter.lora["modules_to_save"] == ["lm_head", "wte"]
    index = NgramIndex.load(merged.out / "overlap" / "ngrams.npy")
    assert len(index) == len(NgramIndex.load(merged.corpus / "overlap" / "ngrams.npy"))

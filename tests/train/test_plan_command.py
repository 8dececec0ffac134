"""``clinsynth plan`` as a user meets it: what it prints, for people and for machines, and how it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from clinsynth.errors import ClinsynthError
from clinsynth.train.plan.command import plan

CONFIGS = Path(__file__).parents[2] / "configs" / "train"
PRESETS = ("gatortrongpt-345m", "llama-1.3b", "gatortrongpt-5b", "gatortrongpt-20b")


def run(*arguments):
    result = CliRunner().invoke(plan, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def config(tmp_path):
    """A run whose corpus is not there."""
    path = tmp_path / "run.yaml"
    model = {"architecture": "llama", "hidden_size": 256, "layers": 8, "heads": 8, "kv_heads": 4}
    keys = {"name": "small", "corpus": "nowhere", "out": "nowhere/model", "model": model, "steps": 10}
    path.write_text(yaml.safe_dump({**keys, "batch": {"rows": 64, "micro_rows": 2}}))
    return path


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("gpu", ["a100", "h100"])
def test_a_preset_fits_its_nodes_and_the_terminal(preset, gpu):
    text = run(CONFIGS / f"{preset}.yaml", "--vocabulary", 50257, "--gpu", gpu)
    assert max(map(len, text.splitlines())) <= 100
    assert text.isascii()
    assert "fits in 76 of 80" in text.split("TIME")[0]
    assert "\n\n\n" not in text


@pytest.mark.parametrize(
    ("preset", "gpus", "tp"), [("gatortrongpt-5b", 480, 2), ("gatortrongpt-20b", 560, 8)]
)
def test_the_published_layout_stands_beside_ours(preset, gpus, tp):
    data = json.loads(run(CONFIGS / f"{preset}.yaml", "--vocabulary", 50257, "--json"))
    published = data["published"]
    here = published["here"]
    assert (here["gpus"], here["layout"]["tp"], here["layout"]["pp"]) == (gpus, tp, 1)
    assert "npj Digital Medicine" in published["source"]
    assert here["memory"]["total"] < 80 * 2**30
    assert data["config"]["gpus"] == gpus


def test_text_and_data_say_the_same(config):
    options = [config, "--vocabulary", 1000, "--nodes", 2, "layout.pp=2", "layout.tp=2"]
    text, data = run(*options), json.loads(run(*options, "--json", "--top", 3))
    parameters = data["parameters"]
    assert f"{parameters['total']:,}" in text
    assert sum(parameters.values()) == 2 * parameters["total"]
    config_ = data["config"]
    assert config_["memory"]["total"] == max(stage["total"] for stage in config_["stages"])
    assert f"{config_['memory']['total'] / 2**30:.1f} GiB" in text
    assert f"{config_['tokens_per_second']:,.0f}" in text
    assert f"{config_['bubble_share']:.1%} of the pipeline's time" in text
    assert config_["sent"]["tensor_parallel"]["wire"] == "NVLink"
    assert len(data["layouts"]) == 3
    assert f"3 of {data['layouts_that_fit']} that fit" in run(*options, "--top", 3)
    assert all(layout["gpus"] == 16 for layout in data["layouts"])
    assert data["left_out"]["tp 8"] == "does not divide kv_heads 4"
    assert "tp 8: does not divide kv_heads 4" in text


def test_assumptions_change_what_follows_from_them(config):
    def rate(*options):
        data = json.loads(run(config, "--vocabulary", 1000, "--json", *options))
        return data["config"]["tokens_per_second"]

    assert rate("--mfu", 0.2) == pytest.approx(rate() / 2)
    assert rate("--gpu", "a100") == pytest.approx(rate() * 312 / 989.4)
    slow = rate("layout.tp=2", "--nvlink", 1)
    assert slow < rate("layout.tp=2")
    assert "2 nodes of 4" in run(config, "--vocabulary", 1000, "--nodes", 2, "--gpus-per-node", 4)


def test_a_gpu_that_is_too_small_is_said(config):
    text = run(config, "--vocabulary", 1000, "--gpu-memory", 2)
    assert "does not fit in 2 of 2" in text
    assert "none: take more nodes" in text
    assert "GiB at least, 2 are usable" in text


def test_the_vocabulary_is_the_corpus_own(tmp_path, write_run):
    path = write_run(tmp_path, steps=3, model="demo")
    text = run(path)
    assert "vocabulary 353 (of " in text
    assert "vocabulary 999 (given)" in run(path, "--vocabulary", 999)


def test_a_model_that_is_continued_is_planned_from_its_config(tmp_path, config, tiny_gpt2_dir):
    settings = json.loads((tiny_gpt2_dir / "config.json").read_text())
    overrides = ["model=null", f"init_from={tiny_gpt2_dir}", "context=64"]
    data = json.loads(run(config, *overrides, "--json"))
    assert data["vocabulary"]["size"] == settings["vocab_size"]
    from safetensors import safe_open

    with safe_open(tiny_gpt2_dir / "model.safetensors", "numpy") as tensors:
        names = set(tensors.keys()) - {"lm_head.weight"}
        stored = sum(tensors.get_tensor(name).size for name in names)
    assert data["parameters"]["total"] == stored


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stepz=3"], "unknown key stepz: did you mean steps?"),
        ([], "corpus: nowhere is not there yet: say how many tokens it will have, --vocabulary 50257"),
        (["layout.tp=8", "--vocabulary", "9"], "layout: tp 8 does not divide kv_heads 4"),
        (["layout.pp=9", "--vocabulary", "9"], "layout: pp 9 is more than the 8 layers"),
        (["model=huge", "--vocabulary", "9"], "presets are demo, small-12m"),
        (["model=null", "init_from=gone"], "init_from: gone has no config.json"),
        (["layout.zero=0", "--vocabulary", "9"], "layout.zero is 0: a plan counts ZeRO-1, 2 and 3"),
    ],
)
def test_what_is_wrong_is_one_line(config, arguments, message):
    result = CliRunner().invoke(plan, [str(config), *arguments])
    assert isinstance(result.exception, ClinsynthError), result
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)


def test_nothing_heavy_is_loaded():
    script = (
        "import sys; from clinsynth.train.plan.command import plan;"
        f"plan.main([{str(CONFIGS / 'llama-1.3b.yaml')!r}, '--vocabulary', '32000'], standalone_mode=False);"
        "heavy = {'torch', 'transformers', 'deepspeed', 'pyarrow', 'tokenizers'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "LAYOUTS of 8 H100" in done.stdout

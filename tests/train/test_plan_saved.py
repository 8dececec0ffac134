"""The plan's bytes of activations against what autograd saves in the trainer's own layers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from clinsynth.config import load_config
from clinsynth.train.config import TrainConfig
from clinsynth.train.plan.activations import block_bytes, copied_weights, head_bytes
from clinsynth.train.plan.job import job_of, layout_of, read_vocabulary

pytestmark = pytest.mark.slow

MODELS = {
    "llama": {"architecture": "llama", "heads": 4, "kv_heads": 2, "intermediate_size": 320},
    "llama-untied": {"architecture": "llama", "heads": 4, "intermediate_size": 320, "tied": False},
    "qwen2": {"architecture": "qwen2", "heads": 4, "kv_heads": 2},
    "qwen3": {"architecture": "qwen3", "heads": 4, "kv_heads": 2},
    "gpt_neox": {"architecture": "gpt_neox", "heads": 4},
    "gpt2": {"architecture": "gpt2", "heads": 4},
}
RUNS = [(model, precision) for model in MODELS for precision in ("bf16", "fp32")]


@pytest.fixture(scope="module")
def measured(write_run, train_environment, tmp_path_factory):
    """(config, saved bytes) by run, all of one process."""
    configs = {}
    for model, precision in RUNS:
        shape = {"hidden_size": 128, "layers": 3, **MODELS[model]}
        path = write_run(
            tmp_path_factory.mktemp("saved"),
            steps=1,
            model=shape,
            precision=precision,
            context=256,
            batch={"rows": 4, "micro_rows": 4},
        )
        configs[model, precision] = load_config(path, TrainConfig), path
    paths = [str(path) for _, path in configs.values()]
    script = Path(__file__).with_name("saved_bytes.py")
    done = subprocess.run(
        [sys.executable, str(script), *paths], env=train_environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return {run: (config, saved) for (run, (config, _)), saved in zip(configs.items(), found)}


@pytest.mark.parametrize(("model", "precision"), RUNS)
def test_autograd_saves_what_the_plan_counts(measured, model, precision):
    config, saved = measured[model, precision]
    job = job_of(config, read_vocabulary(config, None).size)
    tokens = job.micro_tokens(layout_of(config))
    head = head_bytes(job, tokens, 1, "cpu")
    planned = job.anatomy.layers * (tokens * block_bytes(job, 1, "cpu").kept + copied_weights(job, 1))
    planned += head.kept + head.copied + head.logits
    assert planned == pytest.approx(saved, rel=0.005)

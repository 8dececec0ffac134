"""A tiny corpus, the real launcher, and the same training in plain Hugging Face and torch."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from benchmarks._plain import THREE_SOURCES, make_corpus

from clinsynth.config import load_config
from clinsynth.train.config import TrainConfig


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """A corpus folder with 200 short documents of random words."""
    return make_corpus(tmp_path_factory.mktemp("train") / "corpus")


@pytest.fixture(scope="session")
def mixed_corpus(tmp_path_factory):
    """The same documents in three sources, two of them with documents to validate on."""
    return make_corpus(tmp_path_factory.mktemp("mixed") / "corpus", THREE_SOURCES)


STEPS = 30
SHAPES = {
    # grouped-query attention, tied embeddings
    "llama": {"layers": 2, "heads": 4, "kv_heads": 2, "intermediate_size": 48, "tied": True},
    "llama-untied": {"layers": 2, "heads": 4, "intermediate_size": 48, "tied": False},
    "gpt2": {"layers": 2, "heads": 4},
    # norms of queries and keys whose gradients are summed over the heads of all processes
    "qwen3": {"layers": 2, "heads": 4, "kv_heads": 2, "intermediate_size": 48, "tied": False},
    # rotations of a part of each head, attention and MLP side by side
    "gpt_neox": {"layers": 2, "heads": 2, "tied": False},
    # no pipeline: weights, gradients and optimizer are shared out, beside split layers
    "mistral": {"layers": 2, "heads": 4, "kv_heads": 2, "intermediate_size": 48, "tied": True},
    "gpt2-zero2": {"layers": 2, "heads": 4},
}
LAYOUTS = {
    "llama": {"tp": 2, "pp": 2, "dp": 1},
    "llama-untied": {"tp": 1, "pp": 1, "dp": 2},
    "gpt2": {"tp": 2, "pp": 2, "dp": 1},
    "qwen3": {"tp": 2, "pp": 1, "dp": 1},
    "gpt_neox": {"tp": 2, "pp": 1, "dp": 1},
    "mistral": {"tp": 2, "dp": 2, "zero": 3},
    "gpt2-zero2": {"dp": 2, "zero": 2},
}


def run_keys(name):
    """What the runs that tests share have in their YAML."""
    architecture = name.split("-")[0]
    return {
        "steps": STEPS,
        "model": {"architecture": architecture, "hidden_size": 32, **SHAPES[name]},
        "layout": {**LAYOUTS[name], "oversubscribe": True},
        "checkpoints": {"every_steps": 5, "every_minutes": 0, "keep": 2},
        "validation": {"every_steps": 10, "rows": 8},
    }


@pytest.fixture(scope="session")
def start_run(write_run, mixed_corpus, tmp_path_factory):
    """Writes the YAML of a shared run into a new folder; one of them is over three sources."""
    mixed = {"corpus": str(mixed_corpus), "mixture": {"letters": 1, "notes": 2, "reports": 0.5}}
    more = {"llama-untied": mixed}
    return lambda name: write_run(tmp_path_factory.mktemp(name), **run_keys(name), **more.get(name, {}))


@pytest.fixture(scope="session")
def trained(start_run, launch):
    """The config of a run by name, trained by the real launcher the first time it is asked for."""

    @functools.cache
    def train(name):
        path = start_run(name)
        done = launch(path)
        assert done.code == 0, done.error
        return load_config(path, TrainConfig)

    return train


@dataclass
class Launched:
    """A finished ``clinsynth train``."""

    code: int
    error: str
    out: Path

    @property
    def last_line(self):
        return self.error.strip().splitlines()[-1]


@pytest.fixture(scope="session")
def write_run(corpus):
    """Writes a run's YAML into a folder: a tiny model in float32, but for the keys given."""
    return functools.partial(_write_run, corpus)


@pytest.fixture
def refused(monkeypatch):
    """The error, one line, of a run that must not start: ``refused(path, arguments...)``."""
    from click.testing import CliRunner

    from clinsynth.errors import ClinsynthError
    from clinsynth.train.command import train

    for name in ("RANK", "WORLD_SIZE", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DS_ACCELERATOR", "cpu")

    def refuse(path, *arguments):
        result = CliRunner().invoke(train, [str(path), *arguments])
        assert isinstance(result.exception, ClinsynthError), result
        assert "\n" not in str(result.exception)
        return result.exception

    return refuse


def _write_run(default_corpus, folder, **keys):
    run = {
        "name": "tiny",
        "corpus": str(default_corpus),
        "out": str(folder / "model"),
        "context": 64,
        "precision": "fp32",
        "batch": {"rows": 8, "micro_rows": 2},
        "optimizer": {"lr": 3e-3, "warmup_steps": 3, "weight_decay": 0.1, "clip": 1.0},
        "validation": {"every_steps": 0, "rows": 8},
        "checkpoints": {"every_steps": 0, "every_minutes": 0, "keep": 2},
        **keys,
    }
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(run))
    return path


@pytest.fixture(scope="session")
def train_environment():
    """The environment of a launched run, without what the shell of the tests says of threads and ranks."""
    dropped = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "OMP_NUM_THREADS")
    kept = {key: value for key, value in os.environ.items() if key not in dropped}
    return {**kept, "DS_ACCELERATOR": "cpu"}


@pytest.fixture(scope="session")
def launch(train_environment):
    """Runs the real command line to its end."""

    def run(path, *arguments, timeout=600):
        done = subprocess.run(
            [sys.executable, "-m", "clinsynth.cli", "train", str(path), *arguments],
            env=train_environment,
            stderr=subprocess.PIPE,
            text=True,
            timeout=timeout,
        )
        return Launched(done.returncode, done.stderr, path.parent / "model")

    return run

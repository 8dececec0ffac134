"""A model that loads and cannot run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def odd_heads_dir(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with four heads of 24 instead of three of 32: no kernel of a CPU has that size."""
    folder = tmp_path_factory.mktemp("models") / "odd-heads"
    shutil.copytree(tiny_model_dir, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 24}
    (folder / "config.json").write_text(json.dumps(config))
    return folder

"""The committed runs are whole: every key is there to be seen, and none is unknown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from clinsynth.config import load_config
from clinsynth.train.config import TrainConfig

RUNS = sorted((Path(__file__).parents[2] / "configs" / "train").glob("*.yaml"))


def left_out(model: type[BaseModel], data: dict[str, Any], above: str = "") -> Iterator[str]:
    """Keys of the config that the file does not name."""
    for name, field in model.model_fields.items():
        if name not in data:
            yield above + name
        elif isinstance(kind := field.annotation, type) and issubclass(kind, BaseModel):
            yield from left_out(kind, data[name], f"{above}{name}.")


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_a_run_names_every_key(path):
    load_config(path, TrainConfig)
    assert list(left_out(TrainConfig, yaml.safe_load(path.read_text("utf-8")))) == []


@pytest.mark.parametrize(("fast", "becomes"), [(True, "bf16"), (False, "fp32")])
def test_auto_is_the_precision_that_the_machine_is_fast_in(monkeypatch, fast, becomes):
    monkeypatch.setattr("clinsynth.tagging.tagger.fast_bfloat16", lambda device: fast)
    demo = next(path for path in RUNS if path.stem == "demo")
    assert load_config(demo, TrainConfig).precision == becomes
    for said in ("bf16", "fp32"):
        assert load_config(demo, TrainConfig, [f"precision={said}"]).precision == said

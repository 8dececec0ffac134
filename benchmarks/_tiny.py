"""The tests' small model, for benchmarks that are given none."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def tiny_model(folder: Path, steps: int = 90) -> Path:
    """Makes the model folder: a Llama of 0.3M parameters, trained for so many steps."""
    place = Path(__file__).parents[1] / "tests" / "conftest.py"
    spec = importlib.util.spec_from_file_location("tiny_model", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: Path = module.make_model(folder, "llama", steps)
    return made

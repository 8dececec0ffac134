"""A real model of the de-identifier, trained for some seconds on the simulated hospital; once a session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clinsynth.config import parse_config
from clinsynth.corpus import Note
from clinsynth.simulate import simulate_notes


def ner_settings(**changes: Any) -> dict[str, Any]:
    """A run that takes seconds."""
    return {
        "train": [{"simulate": {"notes": 40, "seed": 3}, "empty_windows": 0.1}],
        "dev": [{"simulate": {"notes": 6, "seed": 4}}],
        "fine_tuning": {
            "epochs": 4,
            "learning_rate": 1e-3,
            "batch_windows": 8,
            "max_pieces": 96,
            "warmup_share": 0.1,
            "weight_decay": 0.01,
            "dropout": 0.0,
            "frozen_layers": 3,
        },
        **changes,
    }


@pytest.fixture(scope="session")
def ner_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from clinsynth.deid.ner.config import NerTraining
    from clinsynth.deid.ner.train import train

    out = tmp_path_factory.mktemp("deid") / "ner"
    train(parse_config(ner_settings(), NerTraining, source="test"), out)
    return out


@pytest.fixture(scope="session")
def notes() -> list[Note]:
    """Of a hospital that the model has not seen, raw, with their identifiers marked."""
    return list(simulate_notes(24, 9))

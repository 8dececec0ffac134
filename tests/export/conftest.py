"""Small exports of the tiny model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clinsynth.export import ExportConfig

NOTES, SHARD_NOTES = 44, 10


@pytest.fixture(scope="session")
def export_config(tiny_model_dir: Path) -> Callable[..., ExportConfig]:
    """``export_config(out, notes=...)``: a small export of the tiny model."""

    def make(out: Path, **changes: Any) -> ExportConfig:
        data: dict[str, Any] = {
            "model": tiny_model_dir,
            "out": out,
            "notes": NOTES,
            "seed": 3,
            "shard_notes": SHARD_NOTES,
            "max_attempts": 30,
            "conditions": {"source": "uniform", "values": {"sex": ["female", "male"]}},
            "engine": {"dtype": "float32", "kv_cache_gib": 0.1, "max_num_seqs": 16, "max_in_flight": 24},
            # Generous: how long the machine takes must not decide which notes come out.
            "gate": {"timeout_seconds": 60},
        }
        return ExportConfig.model_validate(data | changes)

    return make

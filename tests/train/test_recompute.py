"""Activations that are computed again give the same training, in bfloat16 too."""

from __future__ import annotations

import pytest

from clinsynth.train.metrics import read_metrics

pytestmark = pytest.mark.slow

LLAMA = {"architecture": "llama", "hidden_size": 32, "layers": 3, "heads": 4, "kv_heads": 2}


def test_computing_again_changes_nothing_in_bf16(tmp_path, write_run, launch):
    curves = []
    for again in (False, True):
        folder = tmp_path / str(again)
        folder.mkdir()
        path = write_run(folder, steps=4, model=LLAMA, precision="bf16", activation_checkpointing=again)
        done = launch(path)
        assert done.code == 0, done.error
        curves.append([row["loss"] for row in read_metrics(folder / "train") if "loss" in row])
    assert len(curves[0]) == 4
    assert curves[0] == pytest.approx(curves[1], abs=1e-6)

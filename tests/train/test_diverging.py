"""Runs that explode stop with the last good checkpoint named; real processes, real explosions."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from clinsynth.errors import DivergedError
from clinsynth.train import checkpoints

pytestmark = pytest.mark.slow


def rows_of(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_run_whose_loss_explodes_keeps_its_last_good_checkpoint(start_run, trained, launch):
    path = start_run("llama-untied")
    folder = path.parent / "train"
    shutil.copytree(trained("llama-untied").folder, folder)
    done = launch(
        path,
        *("steps=60", "resume=step-00000025", "optimizer.lr=9", "optimizer.schedule=constant"),
        *("guard.window=20", "guard.patience=5"),
    )
    assert done.code == DivergedError.exit_code, done.error
    assert "Traceback" not in done.error
    # The first step takes a rate that is far too high, the five after it see what came of it.
    assert done.last_line.startswith("error: step 31: the loss is ")
    # Of these only two are this run's own: the others were read from metrics.jsonl.
    assert re.search(r", spike 5 in a row; usual was [34]\.\d+ \(median of 20 steps\), ", done.last_line)
    assert done.last_line.endswith(
        "; the last good checkpoint is step-00000025: go on with resume=step-00000025 optimizer.lr=4.5, "
        "or guard.spike=null to let spikes pass"
    )
    kept = [checkpoint.name for checkpoint in checkpoints.complete(folder)]
    assert kept == ["step-00000025"], "step 30 was one of the spikes, and the old step 30 another run's"
    steps = [row["step"] for row in rows_of(folder) if "loss" in row]
    assert steps == list(range(1, 32)), "the spikes are on record"
    assert not done.out.exists()


def test_a_run_without_a_number_stops_at_once(tmp_path, write_run, launch):
    shape = {"architecture": "llama", "hidden_size": 32, "layers": 1, "heads": 2}
    path = write_run(tmp_path, steps=20, model=shape, guard={"spike": None}, trackers=[])
    done = launch(path, "optimizer.lr=1e38", "optimizer.warmup_steps=0", "checkpoints.every_steps=1")
    assert done.code == DivergedError.exit_code, done.error
    numbers = r"error: step 2: the loss is (nan|inf) and the norm of the gradient (nan|inf); "
    way = r"step-00000001 was .* may be bad: try resume=step-00000001, else --overwrite, with optimizer.lr=5e\+37"
    assert re.fullmatch(numbers + way, done.last_line)
    assert [(row["step"], row["loss"] is None) for row in rows_of(tmp_path / "train")] == [
        (1, False),
        (2, True),
    ]
    assert [path.name for path in checkpoints.complete(tmp_path / "train")] == ["step-00000001"]

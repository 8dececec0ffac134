"""Dropout under tensor parallelism: copies of hidden states agree, heads do not."""

from __future__ import annotations

import json

import pytest
import torch

from clinsynth.train import checkpoints
from clinsynth.train.dropout import HeadRandomness


def drop(tensor):
    return torch.nn.functional.dropout(tensor, 0.5)


def test_heads_of_each_process_drop_places_of_their_own():
    whole = torch.ones(64, 64)
    masks, after = [], []
    for rank in (0, 1):
        torch.manual_seed(3)
        masks.append(HeadRandomness(rank).wrap(drop)(whole))
        after.append(drop(whole))
    assert not torch.equal(*masks)
    assert torch.equal(*after), "the common numbers must stand at the same place again"


def test_a_block_that_is_computed_again_drops_the_same_places():
    attend = HeadRandomness(1).wrap(drop)
    weights = torch.ones(32, 32, requires_grad=True)
    seen = []

    def block(tensor):
        seen.append(attend(tensor))
        return seen[-1] * tensor

    torch.utils.checkpoint.checkpoint(block, weights, use_reentrant=False).sum().backward()
    assert len(seen) == 2
    assert torch.equal(*seen)


@pytest.mark.slow
def test_what_two_processes_hold_twice_stays_the_same(tmp_path, write_run, launch):
    curves = []
    for recompute in (False, True):
        folder = tmp_path / str(recompute)
        folder.mkdir()
        path = write_run(
            folder,
            steps=6,
            dropout=0.2,
            model={"architecture": "gpt2", "hidden_size": 32, "layers": 2, "heads": 4},
            layout={"tp": 2, "oversubscribe": True},
            activation_checkpointing=recompute,
        )
        done = launch(path)
        assert done.code == 0, done.error
        rows = [json.loads(line) for line in (folder / "train/metrics.jsonl").read_text().splitlines()]
        curves.append([row["loss"] for row in rows if "loss" in row])
    assert curves[0] == pytest.approx(curves[1], abs=1e-5), "recomputing must draw the same numbers"
    (written,) = checkpoints.complete(tmp_path / "False" / "train")
    compared = 0
    for file in written.glob("layer_*-model_00-model_states.pt"):
        one = torch.load(file)
        other = torch.load(str(file).replace("model_00-", "model_01-"))
        for name in (key for key in one if "ln_" in key or "norm." in key):
            torch.testing.assert_close(one[name], other[name], atol=1e-7, rtol=0)
            compared += 1
    assert compared == 2 * 4 + 2, "two norms a block and the last one"

"""Writing from a thread: what is written is what was taken, whole or told."""

from __future__ import annotations

import pytest
import torch

from clinsynth.errors import ClinsynthError
from clinsynth.folders import file_sha256
from clinsynth.train.writing import BackgroundWriter


class Plain:
    """DeepSpeed's own writer, of which only the unused calls are asked."""

    name = "plain"


def test_what_changes_after_saving_is_not_what_is_written(tmp_path):
    writer, state, told = BackgroundWriter(Plain()), {"a": [torch.zeros(3)]}, []
    writer.save(state, str(tmp_path / "state.pt"))
    state["a"][0] += 1
    writer.finish(tmp_path, 0, 1, told.append)
    writer.wait()
    assert torch.equal(torch.load(tmp_path / "state.pt")["a"][0], torch.zeros(3))
    file = tmp_path / "state.pt"
    assert told == [{"state.pt": (file.stat().st_size, file_sha256(file))}]
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


def test_the_first_process_waits_for_what_the_others_say(tmp_path):
    writers, told = [BackgroundWriter(Plain()) for _ in range(3)], []
    for rank in (0, 2, 1):
        writers[rank].save({"rank": rank}, str(tmp_path / f"{rank}.pt"))
        writers[rank].finish(tmp_path, rank, 3, told.append if rank == 0 else None)
    for writer in writers:
        writer.wait()
    assert [sorted(files) for files in told] == [["0.pt", "1.pt", "2.pt"]]


def test_a_checkpoint_that_cannot_be_written_is_told(tmp_path):
    writer = BackgroundWriter(Plain())
    writer.save({}, str(tmp_path / "nowhere" / "state.pt"))
    writer.finish(tmp_path, 0, 1, lambda files: pytest.fail("it is not whole"))
    with pytest.raises(ClinsynthError, match="the checkpoint cannot be written"):
        writer.wait()
    writer.check()

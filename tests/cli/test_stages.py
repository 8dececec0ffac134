"""Stages: real processes, measured, skipped when their folder stands."""

import sys
from pathlib import Path

import pytest

from clinsynth.cli.stages import Cost, Stage, cost_table, peak_memory, run_stage, start_stage
from clinsynth.errors import ClinsynthError
from clinsynth.folders import Manifest, new_folder


def test_a_stage_is_done_when_its_folder_is_whole(tmp_path: Path) -> None:
    stage = Stage("prepare", ("prepare", "x.yaml"), tmp_path / "corpus")
    assert not stage.done
    with new_folder(tmp_path / "corpus", Manifest("corpus")):
        assert not stage.done
    assert stage.done


def test_a_stage_without_a_folder_is_never_done() -> None:
    assert not Stage("serve", ("serve",)).done


def test_cost_of_a_real_command() -> None:
    cost = run_stage(Stage("version", ("--version",)))
    assert cost.name == "version"
    assert cost.seconds > 0


def test_a_failing_stage_is_named_and_carries_its_exit_code() -> None:
    with pytest.raises(ClinsynthError, match="stage prepare failed") as caught:
        run_stage(Stage("prepare", ("prepare", "missing.yaml")))
    assert caught.value.exit_code == 2


def test_peak_memory_sees_what_a_child_takes() -> None:
    import subprocess

    code = "import time; block = bytearray(200 * 2**20); time.sleep(2)"
    with subprocess.Popen([sys.executable, "-c", code]) as process, peak_memory(process.pid) as peak:
        process.wait()
    assert peak.mib > 200


def test_a_running_stage_is_ended_with_its_block() -> None:
    with start_stage(["demo", "--help"]) as process:
        pass
    assert process.poll() is not None


def test_table_has_a_row_a_stage_and_a_sum() -> None:
    table = cost_table([Cost("train", 61, 1024), Cost("eval", 60, 2048)])
    assert "| train | 1:01 | 1,024 MiB |" in table
    assert "| together | 2:01 | |" in table

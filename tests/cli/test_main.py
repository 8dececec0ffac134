"""The command as a user meets it: help, unknown commands, one clear line for errors."""

import subprocess
import sys
from pathlib import Path

import pytest


def clinsynth(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "clinsynth.cli", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )


def test_help_lists_every_command_in_the_order_of_the_flow() -> None:
    lines = clinsynth("--help").stdout.split("Commands:")[1].splitlines()
    names = [line.split()[0] for line in lines if line.startswith("  ") and line.strip()]
    flow = ["demo", "simulate", "inject", "deid", "prepare", "train", "serve", "export", "eval"]
    assert [name for name in names if name in flow] == flow


def test_unknown_command_names_those_that_exist() -> None:
    run = clinsynth("expotr")
    assert run.returncode == 2
    assert "expotr" in run.stderr
    assert "export" in run.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["prepare", "missing.yaml"], 2, "missing.yaml"),
        (["train", "missing.yaml"], 2, "missing.yaml"),
        (["export", "missing.yaml"], 2, "missing.yaml"),
        (["demo", "--configs", "nowhere"], 2, "nowhere"),
        (["simulate", "out.jsonl", "--notes", "0", "--seed", "1"], 2, "notes"),
        (["serve", "--model", "nowhere", "--port", "8000"], None, "nowhere"),
    ],
)
def test_a_wrong_argument_is_one_line_without_traceback(
    tmp_path: Path, arguments: list[str], code: int | None, line: str
) -> None:
    run = clinsynth(*arguments, cwd=tmp_path)
    assert run.returncode == code if code is not None else run.returncode != 0
    assert "Traceback" not in run.stderr
    assert line in run.stderr.strip().splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_dry_run_of_the_demo_prints_the_commands_and_writes_nothing(tmp_path: Path) -> None:
    configs = Path(__file__).parents[2] / "configs"
    run = clinsynth("demo", "--dry-run", "--configs", str(configs), cwd=tmp_path)
    assert run.returncode == 0
    commands = [line.split()[1] for line in run.stdout.splitlines()]
    assert commands == ["simulate", "inject", "deid", "prepare", "train", "serve", "export", "eval"]
    assert list(tmp_path.iterdir()) == []

"""``--help`` of every command works, teaches, and loads nothing heavy."""

import importlib.metadata
import json
import subprocess
import sys
from typing import Any

import pytest

HEAVY = ("torch", "pyarrow", "pydantic", "transformers", "vllm", "deepspeed", "presidio_analyzer", "numpy")

# Walks the commands as a user would; prints {command line: [exit code, help, heavy modules it loaded]}.
# The top asks every command for its line of help, so it comes last: whoever loads something is named.
WALK = """
import json, sys
import click
from click.testing import CliRunner
from clinsynth.cli import main
from clinsynth.cli.main import cli

found, seen = {}, set()

def newly_loaded():
    loaded = [name for name in sys.argv[1:] if name in sys.modules and name not in seen]
    seen.update(loaded)
    return loaded

def walk(group, path):
    context = click.Context(group)
    for name in group.list_commands(context):
        here = [*path, name]
        try:
            command = group.get_command(context, name)
        except ImportError as error:
            found[" ".join(here)] = [1, str(error), newly_loaded()]
            continue
        result = CliRunner().invoke(command, ["--help"])
        found[" ".join(here)] = [result.exit_code, result.output, newly_loaded()]
        if isinstance(command, click.Group):
            walk(command, here)

walk(cli, [])
top = CliRunner().invoke(cli, ["--help"])
found[""] = [top.exit_code, top.output, newly_loaded()]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def helps() -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-c", WALK, *HEAVY], capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_every_command_has_help(helps: dict[str, Any]) -> None:
    names = {point.name for point in importlib.metadata.entry_points(group="clinsynth.commands")}
    assert {"demo", "simulate", "deid", "prepare", "train", "serve", "export", "eval"} <= names
    assert names <= set(helps)
    assert "eval run" in helps
    assert {path: code for path, (code, _, _) in helps.items() if code != 0} == {}


def test_the_top_lists_every_command_with_a_line(helps: dict[str, Any]) -> None:
    lines = [line.split() for line in helps[""][1].split("Commands:")[1].splitlines() if line]
    listed = {words[0]: words for words in lines}
    for point in importlib.metadata.entry_points(group="clinsynth.commands"):
        assert len(listed[point.name]) > 3, point.name


def test_help_teaches(helps: dict[str, Any]) -> None:
    """More than a list of options: what goes in, what comes out, an example."""
    for path, (_, text, _) in helps.items():
        prose = text.split("Options:")[0].partition("\n")[2]
        assert len(prose.split()) >= 8, f"{path}: {text}"


def test_help_loads_nothing_heavy(helps: dict[str, Any]) -> None:
    """A command's package is imported with it, so what its ``__init__`` imports counts too."""
    assert {path: loaded for path, (_, _, loaded) in helps.items() if loaded} == {}

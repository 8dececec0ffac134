"""What waits to be imported is there when asked for, and type checkers know it by name."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(
    path.parent
    for root in ("training", "serving", "eval")
    for path in (ROOT / root / "clinsynth").glob("*/__init__.py")
    if "lazily(" in path.read_text("utf-8")
)


def branches(package: Path) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Module -> names, as type checkers read it and as it happens."""
    tree = ast.parse((package / "__init__.py").read_text("utf-8"))
    [fork] = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        str(node.module).rpartition(".")[2]: {alias.name for alias in node.names}
        for node in fork.body
        if isinstance(node, ast.ImportFrom)
    }
    [assignment] = fork.orelse
    assert isinstance(assignment, ast.Assign)
    assert isinstance(assignment.value, ast.Call)
    told = ast.literal_eval(assignment.value.args[1])
    return seen, {module: set(names) for module, names in told.items()}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: p.name)
def test_both_branches_say_the_same(package: Path) -> None:
    seen, told = branches(package)
    assert seen == told
    module = importlib.import_module(f"clinsynth.{package.name}")
    assert set().union(*told.values()) <= set(module.__all__)
    for home, names in told.items():
        for name in names:
            held = getattr(importlib.import_module(f"clinsynth.{package.name}.{home}"), name)
            assert getattr(module, name) is held


def test_every_package_that_must_wait_does() -> None:
    assert [p.name for p in PACKAGES] == ["report", "export", "corpus", "deid", "inject", "prepare"]
    code = "import clinsynth.deid, sys; print('clinsynth.deid.detector' in sys.modules)"
    code += "; clinsynth.deid.Detector; print('Detector' in vars(clinsynth.deid))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "True"]


def test_another_name_is_missing_as_from_any_module() -> None:
    module = importlib.import_module("clinsynth.prepare")
    with pytest.raises(AttributeError, match=r"module 'clinsynth\.prepare' has no attribute 'prepair'"):
        _ = module.prepair
    with pytest.raises(ImportError, match="cannot import name 'prepair'"):
        exec("from clinsynth.prepare import prepair")

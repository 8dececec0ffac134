"""The rules that hold the repository together hold, and breaking each is noticed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
ROOTS = ("training", "serving", "eval")

# The sources under test are those of a folder, not the installed ones.
LINT = """
import sys
from pathlib import Path
installed = {Path(root) for root in sys.argv[1].split(":")}
sys.path[:] = [*sys.argv[2].split(":"), *(p for p in sys.path if Path(p) not in installed)]
from importlinter.cli import lint_imports
sys.exit(lint_imports(config_filename="pyproject.toml", no_cache=True, no_logo=True))
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of the three roots that a test may spoil."""
    for root in ROOTS:
        shutil.copytree(
            REPOSITORY / root, tmp_path / root, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    return tmp_path


def lint(sources: Path) -> subprocess.CompletedProcess[str]:
    installed, here = (":".join(str(base / root) for root in ROOTS) for base in (REPOSITORY, sources))
    return subprocess.run(
        [sys.executable, "-c", LINT, installed, here],
        cwd=sources,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_import_contracts_hold(sources: Path) -> None:
    run = lint(sources)
    assert run.returncode == 0, run.stdout
    assert "2 kept, 0 broken" in run.stdout


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("eval/clinsynth/measure/__init__.py", "clinsynth.train"),
        ("eval/clinsynth/report/__init__.py", "clinsynth.serve"),
        ("eval/clinsynth/measure/__init__.py", "clinsynth.export"),
        ("training/clinsynth/corpus/__init__.py", "clinsynth.gate"),
        ("training/clinsynth/tokens/__init__.py", "clinsynth.prepare"),
        ("training/clinsynth/tokens/__init__.py", "clinsynth.checkpoint"),
        ("serving/clinsynth/serve/__init__.py", "clinsynth.export"),
        ("training/clinsynth/errors.py", "clinsynth.folders"),
    ],
)
def test_a_forbidden_import_breaks_a_contract(sources: Path, importer: str, imported: str) -> None:
    with (sources / importer).open("a", encoding="utf-8") as file:
        file.write(f"\nimport {imported}\n")
    run = lint(sources)
    assert run.returncode == 1, run.stdout
    package = "clinsynth." + importer.split("/")[2].removesuffix(".py")
    assert f"{package} is not allowed to import {imported}" in run.stdout


def test_every_package_stands_in_the_flow() -> None:
    """A package that the layers don't name is one that no contract guards."""
    layers = (REPOSITORY / "pyproject.toml").read_text("utf-8").split("[tool.importlinter]")[1]
    found = [p for root in ROOTS for p in (REPOSITORY / root / "clinsynth").iterdir()]
    names = {p.stem for p in found if p.suffix == ".py" or (p / "__init__.py").is_file()}
    assert names
    assert sorted(name for name in names if f"clinsynth.{name}" not in layers) == []


def test_no_root_makes_the_namespace_its_own() -> None:
    """An ``__init__.py`` there would hide what the other two roots hold."""
    for root in ROOTS:
        assert (REPOSITORY / root / "clinsynth").is_dir()
        assert not (REPOSITORY / root / "clinsynth" / "__init__.py").exists()
        assert not (REPOSITORY / root / "__init__.py").exists()


@pytest.mark.parametrize(
    ("code", "banned"),
    [
        *((f"import {root}\n", True) for root in ROOTS),
        ("import training.clinsynth.corpus\n", True),
        ("from eval.clinsynth import measure\n", True),
        ("import clinsynth.corpus\n", False),
        ("import evaluate_me\n", False),
    ],
)
def test_the_names_of_the_roots_are_not_for_import(code: str, banned: bool) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--select", "TID251", "--stdin-filename", "x.py", "-"],
        input=code,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == banned, run.stdout + run.stderr
    assert ("the folder is a source root" in run.stdout) == banned

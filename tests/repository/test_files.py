"""Configs are YAML, links lead somewhere, and the tree is the one the README draws."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
CONFIGS = sorted((REPOSITORY / "configs").rglob("*.y*ml"))
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])


def test_there_is_a_config_for_each_stage() -> None:
    stages = {p.parent.name for p in CONFIGS}
    assert {"corpus", "train", "export", "eval"} <= stages


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.relative_to(REPOSITORY).as_posix())
def test_a_config_is_yaml_with_keys(path: Path) -> None:
    data = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(data, dict)
    assert data


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(REPOSITORY).as_posix())
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    local = [link for link in links if link and "://" not in link and not link.startswith("mailto:")]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_the_readme_names_every_package() -> None:
    readme = (REPOSITORY / "README.md").read_text("utf-8").split("## What lies where")[1]
    roots = ("training", "serving", "eval")
    packages = [p.parent.name for r in roots for p in (REPOSITORY / r / "clinsynth").glob("*/__init__.py")]
    assert packages
    assert [name for name in packages if not re.search(rf"\b{name}\b", readme)] == []


def test_the_lock_holds_what_the_project_asks_for() -> None:
    """``make lock`` was run after the last change of dependencies."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    optional = [name for e in ("train", "serve", "eval", "cpu", "dev") for name in extras[e]]
    wanted = {normal(name) for name in [*project["dependencies"], *optional]}
    lock = (REPOSITORY / "requirements" / "cpu.txt").read_text("utf-8")
    locked = {normal(line) for line in lock.splitlines() if "==" in line}
    assert sorted(wanted - locked) == []


def normal(requirement: str) -> str:
    """``PyYAML>=6`` -> ``pyyaml``."""
    name = re.match(r"[\w.-]+", requirement)
    assert name is not None, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def test_the_lock_leaves_out_what_breaks_imports() -> None:
    lock = (REPOSITORY / "requirements" / "cpu.txt").read_text("utf-8")
    assert not re.search(r"^(torchvision|torchaudio|torchcodec|nvidia-)", lock, re.MULTILINE)

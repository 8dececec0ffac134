"""A run from YAML: overrides, types, and errors that name the key."""

from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, ValidationError

from clinsynth.config import Config, load_config
from clinsynth.errors import UsageError


class Inner(Config):
    rate: float = 0.1
    name: str | None = None


class Square(Config):
    kind: Literal["square"] = "square"
    side: int


class Circle(Config):
    kind: Literal["circle"]
    radius: int


class Run(Config):
    steps: int = Field(default=10, ge=1)
    inner: Inner = Inner()
    items: list[Inner] = Field(default=[])
    shape: Square | Circle | None = None
    out: Path | None = None


def load(tmp_path: Path, text: str, *overrides: str) -> Run:
    (tmp_path / "run.yaml").write_text(text, "utf-8")
    return load_config(tmp_path / "run.yaml", Run, overrides)


@pytest.mark.parametrize(
    ("text", "overrides", "expected"),
    [
        ("", [], Run()),
        ("steps: 3", [], Run(steps=3)),
        ("steps: 3", ["steps=4", "steps=5"], Run(steps=5)),
        ("", ["inner.rate=3e-4"], Run(inner=Inner(rate=3e-4))),
        ("inner:\n  rate: 1e3", ["inner.name=x"], Run(inner=Inner(rate=1000, name="x"))),
        ("inner:", ["inner.rate=1"], Run(inner=Inner(rate=1))),
        ("items: [{rate: 1}, {rate: 2}]", ["items.1.rate=3"], Run(items=[Inner(rate=1), Inner(rate=3)])),
        ("items: [{rate: 1}]", ["items.0={name: y}"], Run(items=[Inner(name="y")])),
        ("", ["items=[{rate: 7}]"], Run(items=[Inner(rate=7)])),
        ("", ["out=runs/a=b"], Run(out=Path("runs/a=b"))),
        ("", ["inner.name=null"], Run()),
        ("shape: {kind: circle, radius: 2}", [], Run(shape=Circle(kind="circle", radius=2))),
    ],
)
def test_values(tmp_path: Path, text: str, overrides: list[str], expected: Run) -> None:
    assert load(tmp_path, text, *overrides) == expected


@pytest.mark.parametrize(
    ("text", "overrides", "problem"),
    [
        ("step: 3", [], "unknown key step: did you mean steps?"),
        ("inner: {rat: 3}", [], "unknown key inner.rat: did you mean rate?"),
        ("items: [{}, {nam: x}]", [], "unknown key items.1.nam: did you mean name?"),
        ("zebra: 1", [], "unknown key zebra: known keys: inner, items, out, shape, steps"),
        ("steps: many", [], "key steps: input should be a valid integer"),
        ("steps: 0", [], "key steps: input should be greater than or equal to 1"),
        ("inner: 3", [], "key inner: input should be a valid dictionary"),
        ("shape: {kind: circle}", [], "key shape"),
        ("steps: [1", [], "run.yaml, line 1: not YAML"),
        ("a: 1\nb: : 2", [], "run.yaml, line 2: not YAML"),
        ("- 1", [], "expected keys and values, found a list"),
        ("", ["steps"], "override 'steps': write it as key=value"),
        ("", ["=3"], "write it as key=value"),
        ("steps: 3", ["steps.x=3"], "x is not in a section"),
        ("items: [{}]", ["items.1.rate=3"], "the list has 1 items, counted from 0; no 1"),
        ("items: [{}]", ["items.first=3"], "the list has 1 items, counted from 0; no first"),
        ("", ["items.0.rate=3"], "items is not in a section"),
        ("", ["steps=[1"], "override 'steps=[1': the value is not YAML"),
        ("", ["inner.rat=3"], "unknown key inner.rat: did you mean rate?"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_key(
    tmp_path: Path, text: str, overrides: list[str], problem: str
) -> None:
    with pytest.raises(UsageError) as error:
        load(tmp_path, text, *overrides)
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        load_config(tmp_path / "none.yaml", Run)
    with pytest.raises(UsageError, match="directory"):
        load_config(tmp_path, Run)
    (tmp_path / "latin.yaml").write_bytes("steps: ä".encode("latin-1"))
    with pytest.raises(UsageError, match="not UTF-8 text"):
        load_config(tmp_path / "latin.yaml", Run)


def test_values_do_not_change_after_loading() -> None:
    with pytest.raises(ValidationError):
        Run().steps = 4  # type: ignore[misc]

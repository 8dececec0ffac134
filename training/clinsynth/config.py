"""A run is one YAML file: read it, apply ``key=value`` overrides, check every key.

The schema is a pydantic model that forbids unknown keys; errors name the file, the dotted key, and the
nearest key that exists.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from clinsynth.errors import UsageError


class Config(BaseModel):
    """Base of every config section: unknown keys are errors, values don't change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


C = TypeVar("C", bound=Config)


def load_config(path: Path, schema: type[C], overrides: Sequence[str] = ()) -> C:
    """The run described by the YAML file at ``path``, with ``a.b=value`` overrides applied in order.

    Values of overrides are read as YAML (``lr=3e-4``, ``layout.tp=2``, ``splits=[0.8,0.2]``).

    Raises:
        UsageError: no such file, not YAML, an unknown key, a value of the wrong type or out of range.
    """
    try:
        data = yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a subclass of SafeLoader
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8 text") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        raise UsageError(f"{path}{place}: not YAML: {getattr(error, 'problem', error)}") from None
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise UsageError(f"{path}: expected keys and values, found a {type(data).__name__}")
    apply_overrides(data, overrides)
    return parse_config(data, schema, source=str(path))


def expanded(path: Path | None) -> Path | None:
    """``path`` with ``~`` and ``$VARIABLE`` replaced.

    Raises:
        ValueError: a variable is not set.
    """
    if path is None:
        return None
    text = os.path.expandvars(str(path))
    unset = re.search(r"\$\{?(\w+)", text)
    if unset:
        raise ValueError(f"the environment variable {unset[1]} is not set")
    return Path(text).expanduser()


def apply_overrides(data: dict[str, Any], overrides: Sequence[str]) -> None:
    """Sets ``a.b=value`` in nested ``data``, in order; values are read as YAML.

    Raises:
        UsageError: an override has no ``=``, no YAML behind it, or goes through something without keys.
    """
    for override in overrides:
        _apply(data, override)


def parse_config(data: Any, schema: type[C], *, source: str) -> C:
    """``data`` checked against ``schema``; ``source`` names it in errors.

    Raises:
        UsageError: names the first key that is wrong.
    """
    try:
        return schema.model_validate(data)
    except ValidationError as error:
        raise UsageError(f"{source}: {_explain(error, schema)}") from None


class _Loader(yaml.SafeLoader):
    """YAML 1.1 reads ``3e-4`` as a string; people write learning rates like that."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$"),
    list("-+0123456789"),
)


def _apply(data: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise UsageError(f"override {override!r}: write it as key=value, for example steps=100")
    *parents, last = key.split(".")
    node: Any = data
    for part, inner in zip(parents, [*parents[1:], last]):
        if isinstance(node, dict) and node.get(part) is None and not inner.isdecimal():
            node[part] = {}
        node = node[_place(node, part, override)]
    place = _place(node, last, override, new=True)
    try:
        node[place] = yaml.load(value, Loader=_Loader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.YAMLError:
        raise UsageError(f"override {override!r}: the value is not YAML") from None


def _place(node: Any, part: str, override: str, *, new: bool = False) -> str | int:
    """``part`` as a key of the section or as an index of the list that ``node`` is."""
    if isinstance(node, dict) and (new or part in node):
        return part
    if isinstance(node, list):
        if part.isdecimal() and int(part) < len(node):
            return int(part)
        raise UsageError(
            f"override {override!r}: the list has {len(node)} items, counted from 0; no {part}"
        )
    raise UsageError(f"override {override!r}: {part} is not in a section")


def _explain(error: ValidationError, schema: type[BaseModel]) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    location = [part for part in first["loc"] if not _is_union_branch(part)]
    key = ".".join(str(part) for part in location) or "(top level)"
    if first["type"] == "extra_forbidden":
        known = _keys_beside(schema, location)
        near = difflib.get_close_matches(str(location[-1]), known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(sorted(known))}"
        return f"unknown key {key}: {hint}"
    if first["type"] == "missing":
        return f"key {key} is missing"
    message = first["msg"].removeprefix("Value error, ")
    if not message[1:2].isupper():  # a name in capitals stays as it is
        message = message[:1].lower() + message[1:]
    return f"key {key}: {message}"


def _is_union_branch(part: object) -> bool:
    # pydantic puts the name of the union's branch ("LlamaShape", "function-after[...]") into the place
    return isinstance(part, str) and (part[:1].isupper() or "[" in part)


def _keys_beside(schema: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    models = [schema]
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        fields = [m.model_fields[part].annotation for m in models if part in m.model_fields]
        models = [model for annotation in fields for model in _models_in(annotation)] or models
    return [field.alias or name for model in models for name, field in model.model_fields.items()]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)

"""Tasks are data: a versioned YAML file that names its measure, its numbers and its parameters.

The files of this package are in ``task_files``; ``--tasks`` also takes the path of a file of yours, for
example the same measure under another name with other parameters. A change of a parameter's default or of a
measure's meaning raises the file's ``version``: numbers of two versions are not compared.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from clinsynth.config import Config, load_config, parse_config
from clinsynth.errors import UsageError

if TYPE_CHECKING:
    from clinsynth.measure.inputs import Inputs
    from clinsynth.measure.results import TaskResult

FOLDER: Final = Path(__file__).parent / "task_files"
MEASURES: Final = ("copied_spans", "deid", "descriptive", "identifiers", "ner_parity")


class MetricEntry(Config):
    """One number that a task reports."""

    metric: str
    higher_is_better: bool | None = None
    unit: str = ""
    meaning: str


class TaskFile(Config):
    """A task file as it lies on disk."""

    task: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    version: int = Field(ge=1)
    measure: str
    group: str
    title: str
    question: str
    meaning: str
    limits: str
    metric_list: list[MetricEntry] = Field(min_length=1)
    parameters: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Context:
    """What every measure is given beside its inputs."""

    seed: int
    encoder: Path | None


@dataclass(frozen=True, slots=True)
class Task:
    """A task with its parameters resolved, ready to run."""

    file: TaskFile
    parameters: Config
    measure: Callable[[Inputs, Any, Context], TaskResult]
    needs: tuple[str, ...]
    """The inputs that it cannot do without: ``real``, ``synthetic``, ``test``."""

    @property
    def name(self) -> str:
        """What ``--tasks`` calls it."""
        return self.file.task

    def resolved(self) -> dict[str, Any]:
        """The file with every parameter filled in, as JSON data."""
        return {**self.file.model_dump(mode="json"), "parameters": self.parameters.model_dump(mode="json")}

    def sha256(self) -> str:
        """Hash of the resolved task: equal hashes mean the same question, asked in the same way."""
        return hashlib.sha256(json.dumps(self.resolved(), sort_keys=True).encode()).hexdigest()

    def run(self, inputs: Inputs, context: Context) -> TaskResult:
        """Measures, and checks that every number was promised in the file's ``metric_list``."""
        result = self.measure(inputs, self.parameters, context)
        promised = {entry.metric for entry in self.file.metric_list}
        surplus = {metric for metric, _ in result.metrics} - promised
        assert not surplus, f"{self.name} reports {sorted(surplus)} but its metric_list does not"
        return result


def list_tasks() -> list[TaskFile]:
    """The tasks of this package, by name."""
    return [_read(path) for path in sorted(FOLDER.glob("*.yaml"))]


def load_task(name: str, overrides: Mapping[str, Any] | None = None, *, source: str = "parameters") -> Task:
    """The task called ``name`` (or in the YAML file ``name``), ``overrides`` laid over its parameters.

    Raises:
        UsageError: no such task (the message names the nearest), or a parameter is wrong.
    """
    file = _read(_find(name))
    if file.measure not in MEASURES:
        raise UsageError(f"task {file.task}: unknown measure {file.measure}; one of {', '.join(MEASURES)}")
    module = importlib.import_module(f"clinsynth.measure.{file.measure}")
    where = f"{source}.{file.task}" if overrides else f"task {file.task}, parameters"
    parameters = parse_config(_laid_over(file.parameters, overrides or {}), module.Parameters, source=where)
    return Task(file, parameters, module.measure, module.NEEDS)


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(below.get(key), Mapping)
        merged[key] = _laid_over(below[key], value) if both else value
    return merged


def _find(name: str) -> Path:
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    path = FOLDER / f"{name}.yaml"
    if path.is_file():
        return path
    known = sorted(p.stem for p in FOLDER.glob("*.yaml"))
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"tasks: {', '.join(known)}"
    raise UsageError(f"--tasks: no task {name!r}: {hint}")


def _read(path: Path) -> TaskFile:
    return load_config(path, TaskFile)

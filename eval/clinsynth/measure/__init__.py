"""Measures of synthetic text: is it as useful as real text, and is anybody in it?

Measures read files only (a corpus folder, an export, or notes in any corpus format) and import nothing of
what they judge, so they judge any generator. A task is a versioned YAML file in ``task_files`` plus one
module; what it found is a ``TaskResult``, and a run's ``results.json`` is the contract in ``results``.
"""

from clinsynth.measure.inputs import Inputs, open_inputs
from clinsynth.measure.results import ResultsJson, TaskResult, read_results
from clinsynth.measure.run import RunOptions, run_tasks
from clinsynth.measure.tasks import Task, list_tasks, load_task

__all__ = [
    "Inputs",
    "ResultsJson",
    "RunOptions",
    "Task",
    "TaskResult",
    "list_tasks",
    "load_task",
    "open_inputs",
    "read_results",
    "run_tasks",
]

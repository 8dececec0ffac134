"""The YAML of an evaluation: what is judged, by which tasks, with which parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from clinsynth.config import Config

DEFAULT_TASKS = ("ner_parity", "identifiers", "copied_spans", "descriptive")


class EvalConfig(Config):
    """One evaluation.

    Args:
        tasks: names of tasks, or paths of task files.
        real: a corpus folder, or notes in any corpus format.
        synthetic: an export folder, or notes in any corpus format.
        test: gold notes; the corpus folder's own when left out.
        identified: notes as text with their identifiers marked in ``phi``, for task ``deid``.
        output_path: the report folder that is written.
        encoder: a Hugging Face encoder folder to fine-tune; the dev extra's when left out.
        limit: take at most so many notes of every source: for trying out, never for a figure.
        show_notes: synthetic notes printed in the report.
        parameters: parameters by task, laid over those of the task file.
    """

    tasks: tuple[str, ...] = DEFAULT_TASKS
    real: Path | None = None
    synthetic: Path | None = None
    test: Path | None = None
    identified: Path | None = None
    output_path: Path | None = None
    encoder: Path | None = None
    seed: int = Field(default=0, ge=0)
    limit: int | None = Field(default=None, ge=1)
    show_notes: int = Field(default=0, ge=0)
    parameters: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("tasks")
    @classmethod
    def _some_and_once(cls, tasks: tuple[str, ...]) -> tuple[str, ...]:
        if not tasks:
            raise ValueError("name at least one task")
        if len(set(tasks)) < len(tasks):
            raise ValueError("a task is named twice")
        return tasks

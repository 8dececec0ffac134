"""Writes the report folder: results.json and report.html, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clinsynth.corpus import Note
from clinsynth.folders import Manifest, new_folder, write_json
from clinsynth.measure.results import RESULTS, ResultsJson
from clinsynth.report.page import render

PAGE = "report.html"


def write_report(path: Path, results: ResultsJson, notes: Sequence[Note], *, overwrite: bool) -> None:
    """Writes the report folder at ``path``.

    Args:
        notes: synthetic notes to print in the page; none unless the user asked.

    Raises:
        FolderError: something stands at ``path`` and ``overwrite`` is false.
    """
    manifest = Manifest(
        kind="report",
        config=results["config"],
        inputs={name: str(given["sha256"]) for name, given in results["inputs"].items()},
        counts={"notes": {task: dict(samples) for task, samples in results["n-samples"].items()}},
        seeds={"eval": int(results["config"].get("seed", 0))},
    )
    with new_folder(path, manifest, overwrite=overwrite) as folder:
        write_json(folder / RESULTS, results)
        (folder / PAGE).write_text(render(results, notes), "utf-8")

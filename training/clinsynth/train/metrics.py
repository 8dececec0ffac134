"""The run's numbers, one JSON object a line, and what is left of them in the card."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any, Final

FILE: Final = "metrics.jsonl"
_CARD_POINTS: Final = 200


class Metrics:
    """``metrics.jsonl`` of a run folder: a line a step (``loss``) and a line a validation (``valid_loss``).

    Args:
        step: steps done when the run goes on; later lines are of work that was lost and are dropped.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._path = folder / FILE
        kept = [row for row in read_metrics(folder) if row["step"] <= step]
        folder.mkdir(parents=True, exist_ok=True)
        with self._path.open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row) + "\n" for row in kept)

    def add(self, **row: Any) -> None:
        """Appends a line, which is on disk when this returns."""
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of ``metrics.jsonl``; none when there is no file. A last line cut short is left out."""
    path = folder / FILE
    if not path.is_file():
        return []
    rows = []
    for line in path.read_text("utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows


def curve(folder: Path, key: str) -> tuple[tuple[int, float], ...]:
    """(step, value) of ``key``, at most some two hundred points, the last one among them."""
    points = [(int(row["step"]), float(row[key])) for row in read_metrics(folder) if key in row]
    stride = max(1, -(-len(points) // _CARD_POINTS))
    return tuple(points[::-1][::stride][::-1])


def memory_mib() -> float:
    """Peak memory of this process in MiB: of the accelerator, or resident where there is none."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10

"""The run's numbers, one JSON object a line, and what is left of them in the card."""

from __future__ import annotations

import json
import math
import resource
from pathlib import Path
from typing import Any, Final

FILE: Final = "metrics.jsonl"
_CARD_POINTS: Final = 200


class Metrics:
    """``metrics.jsonl`` of a run folder: a line a step (``loss``), a line a validation (``valid_loss``)."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def add(self, **row: Any) -> None:
        """Appends a line, which outlives this process when this returns. What is not finite is null."""
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(_line(row))


def go_back(folder: Path, step: int) -> tuple[list[dict[str, Any]], int]:
    """Drops the lines after ``step``: they are of work that was lost, or that will be done anew.

    Returns:
        The lines that remain, and the last step that there was a line of before.
    """
    there = read_metrics(folder)
    kept = [row for row in there if row["step"] <= step]
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{FILE}"
    temporary.write_text("".join(map(_line, kept)), "utf-8")
    temporary.rename(folder / FILE)
    return kept, there[-1]["step"] if there else 0


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
    points = [
        (int(row["step"]), float(row[key])) for row in read_metrics(folder) if row.get(key) is not None
    ]
    stride = max(1, -(-len(points) // _CARD_POINTS))
    return tuple(points[::-1][::stride][::-1])


def memory_mib() -> float:
    """Peak memory of this process in MiB: of the accelerator, or resident where there is none."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def memory_reserved_mib() -> float | None:
    """Peak of the accelerator's memory that PyTorch held, free blocks too, in MiB; None without one."""
    import torch

    return torch.cuda.max_memory_reserved() / 2**20 if torch.cuda.is_available() else None


def _line(row: dict[str, Any]) -> str:
    numbers = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
    return json.dumps(numbers, allow_nan=False) + "\n"

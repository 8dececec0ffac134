"""Bulk corpora: shards, card, manifest, sums. ``run_export`` makes one."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from clinsynth.export.config import Cell, Conditions, ExportConfig
    from clinsynth.export.drawing import PlanNotMetError
    from clinsynth.export.plan import Plan, make_plan
    from clinsynth.export.run import prepare_export, run_export

__all__ = [
    "Cell",
    "Conditions",
    "ExportConfig",
    "Plan",
    "PlanNotMetError",
    "make_plan",
    "prepare_export",
    "run_export",
]

_HOMES: Final = {
    "Cell": "config",
    "Conditions": "config",
    "ExportConfig": "config",
    "Plan": "plan",
    "PlanNotMetError": "drawing",
    "make_plan": "plan",
    "prepare_export": "run",
    "run_export": "run",
}


def __getattr__(name: str) -> Any:
    # Loaded when asked for: the command's module lies in this package, and `clinsynth --help` loads it.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

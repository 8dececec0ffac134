"""What people read: ``results.json``, one HTML file that works offline, and a short table.

The parts are imported when first asked for: the command line looks into this package for its list of
commands and must stay instant.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clinsynth.report.markdown import comparison_table, results_table
    from clinsynth.report.page import render
    from clinsynth.report.write import write_report

__all__ = ["comparison_table", "render", "results_table", "write_report"]

_HOMES = {
    "comparison_table": "markdown",
    "results_table": "markdown",
    "render": "page",
    "write_report": "write",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

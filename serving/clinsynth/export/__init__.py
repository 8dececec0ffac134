"""Bulk corpora: shards, card, manifest, sums. ``run_export`` makes one.

The parts are imported when first asked for: the command line looks into this package for its list of
commands and must stay instant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinsynth.lazy import lazily

if TYPE_CHECKING:
    from clinsynth.export.config import Cell, Conditions, ExportConfig
    from clinsynth.export.drawing import PlanNotMetError
    from clinsynth.export.plan import Plan, make_plan
    from clinsynth.export.run import prepare_export, run_export
else:
    __getattr__ = lazily(
        __name__,
        {
            "config": ("Cell", "Conditions", "ExportConfig"),
            "drawing": ("PlanNotMetError",),
            "plan": ("Plan", "make_plan"),
            "run": ("prepare_export", "run_export"),
        },
    )

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

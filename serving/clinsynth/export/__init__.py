"""Bulk corpora: shards, card, manifest, sums. ``run_export`` makes one."""

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

"""What people read: ``results.json``, one HTML file that works offline, and a short table."""

from clinsynth.report.markdown import comparison_table, results_table
from clinsynth.report.page import render
from clinsynth.report.write import write_report

__all__ = ["comparison_table", "render", "results_table", "write_report"]

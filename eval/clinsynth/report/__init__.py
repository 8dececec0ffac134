"""What people read: ``results.json``, one HTML file that works offline, and a short table.

The parts are imported when first asked for: the command line looks into this package for its list of
commands and must stay instant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinsynth.lazy import lazily

if TYPE_CHECKING:
    from clinsynth.report.markdown import comparison_table, results_table
    from clinsynth.report.page import render
    from clinsynth.report.write import write_report
else:
    __getattr__ = lazily(
        __name__,
        {
            "markdown": ("comparison_table", "results_table"),
            "page": ("render",),
            "write": ("write_report",),
        },
    )

__all__ = ["comparison_table", "render", "results_table", "write_report"]

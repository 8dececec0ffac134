"""Plots as inline SVG: no files, no fonts, no links; colours follow the page, light, dark or on paper."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from clinsynth.report.words import MINUS

# matplotlib writes these colours into the SVG; there they become the page's own.
_INK, _MUTED, _GRID = "#010101", "#020202", "#030303"
SYNTHETIC, REAL, THIRD, FOURTH = "#040404", "#050505", "#060606", "#070707"
_CSS: Final = {
    _INK: "var(--ink)",
    _MUTED: "var(--muted)",
    _GRID: "var(--line)",
    SYNTHETIC: "var(--synthetic)",
    REAL: "var(--real)",
    THIRD: "var(--third)",
    FOURTH: "var(--fourth)",
}
_STYLE: Final = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 11,
    "text.color": _INK,
    "axes.edgecolor": _GRID,
    "axes.labelcolor": _MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _GRID,
    "grid.linewidth": 0.8,
    "xtick.color": _MUTED,
    "ytick.color": _INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
}
_WIDTH = 4.7  # inches, at 72 units each: about the width of a phone, where letters stay as large as drawn
_LEGEND_COLUMNS = 2  # so many of the longest names fit beside one another

Estimate = tuple[str, float, tuple[float, float] | None, str]
"""A row of ``dots``: its name, its value, its interval if it has one, its colour."""


def dots(rows: Sequence[Estimate], label: str, *, name: str, zero: bool = False, unit: float = 1.0) -> str:
    """Values with their intervals, one a line.

    Args:
        name: unique in the page.
        zero: draw a line at zero, for differences.
        unit: values are divided by this (0.01 to show shares as percent).
    """

    def draw(ax: Any) -> None:
        for y, (_, value, interval, colour) in enumerate(reversed(rows)):
            if interval is not None:
                ax.plot([interval[0] / unit, interval[1] / unit], [y, y], color=colour, lw=3.5, alpha=0.45,
                        solid_capstyle="round")  # fmt: skip
            ax.plot([value / unit], [y], "o", color=colour, ms=8)
            text = f"{value / unit:.1f}".replace("-", MINUS)
            ax.annotate(text, (value / unit, y), (0, 8), textcoords="offset points",
                        ha="center", color=_INK, fontsize=10)  # fmt: skip
        ax.set_yticks(range(len(rows)), [row[0] for row in reversed(rows)])
        ax.set_ylim(-0.6, len(rows) - 0.25)
        ax.grid(axis="y", visible=False)
        ax.set_xlabel(label)
        ax.margins(x=0.1)
        if zero:
            ax.axvline(0, color=_MUTED, lw=1.2)
        ax.locator_params(axis="x", nbins=6)

    return _svg(draw, 0.9 + 0.48 * len(rows), name)


def grouped_dots(
    groups: Sequence[str], series: Sequence[tuple[str, str, Sequence[float]]], label: str, *, name: str
) -> str:
    """For each group (an entity type) the value of each series (name, colour, values), in percent."""

    def draw(ax: Any) -> None:
        rows = list(range(len(groups)))[::-1]
        for y, beside in zip(rows, zip(*(s[2] for s in series))):
            ax.plot([100 * min(beside), 100 * max(beside)], [y, y], color=_GRID, lw=4, zorder=1)
        for title, colour, values in series:
            ax.plot([100 * v for v in values], rows, "o", color=colour, ms=8, label=title)
        ax.set_yticks(rows, list(groups))
        ax.set_ylim(-0.6, len(groups) - 0.4)
        ax.grid(axis="y", visible=False)
        ax.set_xlabel(label)
        _legend(ax)

    return _svg(draw, 1.4 + 0.36 * len(groups), name)


def bars(
    groups: Sequence[str], series: Sequence[tuple[str, str, Sequence[float]]], label: str, *, name: str
) -> str:
    """For each group a bar for each series (name, colour, values)."""

    def draw(ax: Any) -> None:
        thick = 0.76 / len(series)
        rows = list(range(len(groups)))[::-1]
        for i, (title, colour, values) in enumerate(series):
            at = [y + (len(series) - 1) * thick / 2 - i * thick for y in rows]
            ax.barh(at, values, height=thick * 0.92, color=colour, label=title)
        ax.set_yticks(rows, list(groups))
        ax.grid(axis="y", visible=False)
        ax.set_xlabel(label)
        _legend(ax)

    return _svg(draw, 1.4 + (0.16 + 0.2 * len(series)) * len(groups), name)


def histogram(
    edges: Sequence[float], series: Sequence[tuple[str, str, Sequence[float]]], label: str, *, name: str
) -> str:
    """Shares of notes by bin, one outline a series."""

    def draw(ax: Any) -> None:
        for title, colour, shares in series:
            values = [100 * s for s in shares]
            ax.stairs(values, edges, color=colour, lw=2.2, label=title)
            ax.stairs(values, edges, color=colour, fill=True, alpha=0.12)
        ax.set_xlabel(label)
        ax.set_ylabel("% of notes")
        ax.set_ylim(bottom=0)
        ax.grid(axis="x", visible=False)
        _legend(ax)

    return _svg(draw, 2.9, name)


def lines(
    ticks: Sequence[str], series: Sequence[tuple[str, str, Sequence[float]]], label: str, *, name: str
) -> str:
    """Shares in percent over ordered steps."""

    def draw(ax: Any) -> None:
        for title, colour, values in series:
            ax.plot(
                range(len(ticks)), [100 * v for v in values], "-o", color=colour, lw=2.2, ms=6, label=title
            )
        ax.set_xticks(range(len(ticks)), list(ticks))
        ax.set_xlabel(label)
        ax.set_ylabel("% of notes")
        ax.set_ylim(bottom=0)
        ax.grid(axis="x", visible=False)
        _legend(ax)

    return _svg(draw, 2.9, name)


def _legend(ax: Any) -> None:
    # Of the figure, not of the axes: beside long names of groups these are too narrow for it.
    ax.figure.legend(loc="outside upper left", ncols=_LEGEND_COLUMNS, handlelength=1.0, borderaxespad=0.2,
                     columnspacing=1.4)  # fmt: skip


def _svg(draw: Callable[[Any], None], height: float, name: str) -> str:
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    style: Mapping[str, Any] = {**_STYLE, "svg.hashsalt": name}
    with mpl.rc_context(dict(style)):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        FigureCanvasSVG(figure)
        ax = figure.add_subplot()
        draw(ax)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    return _inline(stream.getvalue(), name)


def _inline(svg: str, name: str) -> str:
    """The ``<svg>`` element alone: no prologue, metadata or namespaces; its ids are unique in the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'(url\(#|href="#)', rf"\1{name}-", svg)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    for colour, variable in _CSS.items():
        svg = svg.replace(colour, variable)
    return svg.replace("<svg", '<svg role="img" aria-hidden="true"', 1).strip()

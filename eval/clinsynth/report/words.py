"""Numbers as people read them."""

from __future__ import annotations

from typing import Final

from clinsynth.measure.results import IntervalJson, ResultsJson

MINUS: Final = "\N{MINUS SIGN}"


def percent(value: float, digits: int = 1) -> str:
    """``0.1234`` -> ``12.3 %``."""
    return f"{100 * value:.{digits}f} %"


def points(value: float) -> str:
    """A difference of shares in points, with its sign: ``0.083`` -> ``+8.3``."""
    return f"{100 * value:+.1f}".replace("-", MINUS)


def count(value: float) -> str:
    """``12345.0`` -> ``12,345``."""
    return f"{value:,.0f}"


def number(metric: str, value: float) -> str:
    """A metric's value in its own manner: shares as percent, differences as points, counts plain."""
    if metric.endswith("_difference"):
        return f"{points(value)} points"
    if metric.endswith("_kept"):
        return percent(value, 0)
    if metric.startswith(("f1", "precision", "recall")) or metric.endswith("_share"):
        return percent(value)
    if metric.endswith("_distance"):
        return f"{value:.3f}"
    if "_per_100" in metric or metric == "words_per_note":
        return f"{value:,.1f}"
    return count(value)


def interval(metric: str, found: IntervalJson | None) -> str:
    """``12.1 to 15.0 %``, in the manner of the metric; nothing where there is no interval."""
    if found is None:
        return ""
    low, high = number(metric, found["low"]), number(metric, found["high"])
    unit = " points" if metric.endswith("_difference") else " %" if low.endswith(" %") else ""
    return f"{low.removesuffix(unit)} to {high}" if unit else f"{low} to {high}"


def value_of(results: ResultsJson, task: str, key: str) -> float | None:
    """The number under ``metric,arm``, or None where the run has none."""
    found = results["results"].get(task, {}).get(key)
    return float(found) if isinstance(found, int | float) else None


def interval_of(results: ResultsJson, task: str, key: str) -> IntervalJson | None:
    """The interval of the number under ``metric,arm``."""
    return results["intervals"].get(task, {}).get(key)

"""Short Markdown tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from clinsynth.corpus import SAFE_HARBOR
from clinsynth.measure.results import ResultsJson
from clinsynth.report.words import MINUS, interval, interval_of, number, value_of

_SHOWN = (
    "f1_strict", "f1_strict_difference", "f1_strict_kept", "undeclared", "notes_with_undeclared_per_1000",
    "copied_word_share", "copied_word_share_difference", "longest_copied_words", "length_distance",
    "entity_type_distance", "recall", "precision", "f1", "recall_words", "precision_words",
    "false_per_1000_words",
)  # fmt: skip


def results_table(results: ResultsJson) -> str:
    """The numbers that a verdict rests on, one a row; those of single classes stand in the report."""
    rows = ["| task | measure | of | value | interval |", "| --- | --- | --- | ---: | --- |"]
    for task, key, metric, arm in _numbers(results):
        if metric not in _SHOWN or arm in SAFE_HARBOR:
            continue
        value = value_of(results, task, key)
        assert value is not None, key
        found = interval_of(results, task, key)
        level = f" ({found['level']:.0%})" if found else ""
        rows.append(
            f"| {task} | {metric} | {arm} | {number(metric, value)} | {interval(metric, found)}{level} |"
        )
    return "\n".join(rows)


def comparison_table(first: ResultsJson, second: ResultsJson) -> str:
    """Every number of either run; tasks that were asked differently are marked with a star."""
    rows = ["| task | measure | of | first | second | change |", "| --- | --- | --- | ---: | ---: | ---: |"]
    differ = False
    for task, key, metric, arm in dict.fromkeys([*_numbers(first), *_numbers(second)]):
        old, new = value_of(first, task, key), value_of(second, task, key)
        same = first["task_hashes"].get(task) == second["task_hashes"].get(task)
        star = "" if same or old is None or new is None else "*"
        differ = differ or bool(star)
        cells = ["-" if v is None else number(metric, v) for v in (old, new)]
        change = "-" if old is None or new is None else _change(metric, old, new)
        rows.append(f"| {task}{star} | {metric} | {arm} | {cells[0]} | {cells[1]} | {change} |")
    if differ:
        rows.append("\n\\* another version or other parameters of the task: these are two questions")
    return "\n".join(rows)


def _change(metric: str, old: float, new: float) -> str:
    text = number(metric, new - old)
    return text if text.startswith(("+", "-", MINUS)) else f"+{text}"


def _numbers(results: ResultsJson) -> Iterator[tuple[str, str, str, str]]:
    for task, numbers in results["results"].items():
        for key in numbers:
            metric, comma, arm = key.partition(",")
            if comma and not metric.endswith("_stderr"):
                yield task, key, metric, arm

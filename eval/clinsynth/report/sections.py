"""One section a task: plots, a table of numbers with their intervals, meaning and limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clinsynth.corpus import SAFE_HARBOR
from clinsynth.measure.results import IntervalJson, ResultsJson
from clinsynth.report import plots
from clinsynth.report.words import interval, interval_of, number, percent, value_of

_COLOURS = {
    "real": plots.REAL,
    "synthetic": plots.SYNTHETIC,
    "annotated": plots.THIRD,
    "shuffled": plots.FOURTH,
    "holdout": plots.REAL,
}
_ARMS = {
    "real": "real notes",
    "synthetic": "synthetic",
    "annotated": "synthetic, relabelled",
    "shuffled": "shuffled labels",
    "holdout": "hold-out (control)",
    "all": "all classes",
    "real_halves": "two halves of real (control)",
}
_MOST_GROUPS = 12
_MOST_ERRORS = 40


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot and what it shows, for those who read and those who listen."""

    svg: str
    caption: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text; the first column names the row, the others are numbers."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A task's part of the page."""

    name: str
    title: str
    question: str
    meaning: str
    limits: str
    remarks: Sequence[str]
    figures: Sequence[Figure]
    table: Table
    more: Sequence[Table] = field(default=())


def sections(results: ResultsJson) -> list[Section]:
    """The sections of all tasks of the run, in its order."""
    made = []
    for task, config in results["configs"].items():
        draw = _BY_MEASURE[config["measure"]]
        figures, more = draw(results, task)
        made.append(
            Section(
                task,
                config["title"],
                config["question"],
                config["meaning"],
                config["limits"],
                results["remarks"].get(task, []),
                figures,
                _numbers(results, task),
                more,
            )
        )
    return made


def _numbers(results: ResultsJson, task: str) -> Table:
    """Every number that the task promised, a row a metric and arm; classes have a table of their own."""
    rows = []
    for entry in results["configs"][task]["metric_list"]:
        metric = entry["metric"]
        for key in results["results"][task]:
            name, comma, arm = key.partition(",")
            if not comma or name != metric or arm in SAFE_HARBOR:
                continue
            value, found = value_of(results, task, key), interval_of(results, task, key)
            assert value is not None, key
            rows.append(
                [entry["meaning"], _ARMS.get(arm, arm), number(metric, value), interval(metric, found)]
            )
    for before, row in zip(rows[-2::-1], rows[:0:-1]):
        if row[0] == before[0]:
            row[0] = ""
    return Table(["measure", "of", "value", _level(results, task)], rows)


def _level(results: ResultsJson, task: str) -> str:
    levels = {found["level"] for found in results["intervals"].get(task, {}).values()}
    return f"{levels.pop():.0%} interval" if len(levels) == 1 else "interval"


def _row(results: ResultsJson, task: str, metric: str, arm: str) -> plots.Estimate | None:
    value = value_of(results, task, f"{metric},{arm}")
    if value is None:
        return None
    return _ARMS.get(arm, arm), value, _ends(interval_of(results, task, f"{metric},{arm}")), _COLOURS[arm]


def _ends(found: IntervalJson | None) -> tuple[float, float] | None:
    return None if found is None else (found["low"], found["high"])


def _rows(results: ResultsJson, task: str, metric: str, arms: Sequence[str]) -> list[plots.Estimate]:
    rows = [_row(results, task, metric, arm) for arm in arms]
    return [row for row in rows if row is not None]


def _ner_parity(results: ResultsJson, task: str) -> tuple[list[Figure], list[Table]]:
    details = results["details"][task]
    arms: Mapping[str, Any] = details["arms"]
    figures = [
        Figure(
            plots.dots(
                _rows(results, task, "f1_strict", list(arms)), "strict F1, %", name=f"{task}-f1", unit=0.01
            ),
            "Strict F1 on real gold notes, by what the model was trained on, with interval.",
        )
    ]
    differences = _rows(results, task, "f1_strict_difference", list(arms))
    if differences:
        svg = plots.dots(differences, "points of F1", name=f"{task}-gap", zero=True, unit=0.01)
        figures.append(
            Figure(svg, "Difference from the model trained on real notes; zero is no difference.")
        )
    labels = [label for label in details["labels"] if arms["real"]["types"][label]["gold"]][:_MOST_GROUPS]
    series = [
        (_ARMS[a], _COLOURS[a], [arm["types"][label]["f1_strict"] for label in labels])
        for a, arm in arms.items()
    ]
    by_type = plots.grouped_dots(labels, series, "strict F1, %", name=f"{task}-types")
    figures.append(Figure(by_type, "Strict F1 by type of entity."))
    return figures, [_types_table(details), _arms_table(details)]


def _types_table(details: Mapping[str, Any]) -> Table:
    rows = []
    for label in details["labels"]:
        for i, (arm, found) in enumerate(details["arms"].items()):
            of = found["types"][label]
            name = f"{label} ({of['gold']:,} in gold)" if i == 0 else ""
            shares = (of["precision_strict"], of["recall_strict"], of["f1_strict"], of["f1_ent_type"])
            rows.append([name, _ARMS[arm], *(percent(s) for s in shares)])
    head = ["type", "trained on", "precision", "recall", "F1", "F1, overlap"]
    return Table(head, rows, "By type of entity")


def _arms_table(details: Mapping[str, Any]) -> Table:
    rows = [
        [
            _ARMS[arm],
            f"{found['words']:,}",
            f"{found['entities']:,}",
            ", ".join(percent(f) for f in found["f1_strict_by_seed"]),
            f"{found['seconds']:,.0f} s",
        ]
        for arm, found in details["arms"].items()
    ]
    return Table(["trained on", "words", "entities", "strict F1 by seed", "time"], rows, "The arms")


def _identifiers(results: ResultsJson, task: str) -> tuple[list[Figure], list[Table]]:
    details = results["details"][task]
    notes: Mapping[str, int] = details["notes"]
    classes = details["classes"]
    figures = []
    hit = [c for c in classes if any(c[arm]["undeclared"] for arm in notes)]
    if hit:
        series = [
            (_ARMS[arm], _COLOURS[arm], [1000 * c[arm]["undeclared"] / notes[arm] for c in hit])
            for arm in notes
        ]
        svg = plots.bars(
            [f"{c['letter']}  {c['label']}" for c in hit],
            series,
            "undeclared per 1,000 notes",
            name=f"{task}-rate",
        )
        figures.append(
            Figure(svg, "Undeclared identifiers by Safe Harbor class; classes without any are left out.")
        )
    head = ["class", "declared", "undeclared"] + (["undeclared in control"] if "holdout" in notes else [])
    rows = [
        [
            f"{c['letter']}  {c['label']}",
            f"{c['synthetic']['declared']:,}",
            f"{c['synthetic']['undeclared']:,}",
            *([f"{c['holdout']['undeclared']:,}"] if "holdout" in notes else []),
        ]
        for c in classes
    ]
    searched = " and ".join(
        f"{n:,} {'synthetic' if a == 'synthetic' else 'control'}" for a, n in notes.items()
    )
    return figures, [Table(head, rows, f"By Safe Harbor class, in {searched} notes")]


def _deid(results: ResultsJson, task: str) -> tuple[list[Figure], list[Table]]:
    details = results["details"][task]
    classes = [found for found in details["classes"] if found["gold"] or found["found"]]
    figures, rows = [], []
    recalls = []
    for found in classes:
        label = found["label"]
        name = f"{found['letter']}  {label}"
        cells = [name, f"{found['gold']:,}", f"{found['found']:,}"]
        for metric in ("recall", "precision", "f1", "recall_strict"):
            value = value_of(results, task, f"{metric},{label}")
            ends = interval_of(results, task, f"{metric},{label}")
            cells.append("" if value is None else number(metric, value))
            if metric in ("recall", "precision"):
                cells.append(interval(metric, ends))
            if metric == "recall" and value is not None:
                recalls.append((name, value, _ends(ends), plots.REAL))
        rows.append(cells)
    if recalls:
        svg = plots.dots(recalls, "recall, %", name=f"{task}-recall", unit=0.01)
        figures.append(Figure(svg, "Identifiers of which no word is left, by Safe Harbor class."))
    level = _level(results, task)
    head = ["class", "in gold", "found", "recall", level, "precision", level, "F1", "strict recall"]
    more = [Table(head, rows, f"By Safe Harbor class, in {details['notes']:,} notes")]
    if details["errors"]:
        to_read = [
            [e["id"], e["kind"], e["label"], f"{e['start']:,}", f"{e['end']:,}"]
            for e in details["errors"][:_MOST_ERRORS]
        ]
        shown = f"{len(to_read):,} of {details['errors_in_all']:,}"
        more.append(
            Table(
                ["note", "what", "class", "from", "to"], to_read, f"Errors, {shown}; characters of the text"
            )
        )
    return figures, more


def _copied_spans(results: ResultsJson, task: str) -> tuple[list[Figure], list[Table]]:
    details = results["details"][task]
    sides: Mapping[str, Any] = details["sides"]
    share = plots.dots(
        _rows(results, task, "copied_word_share", list(sides)),
        "% of words copied",
        name=f"{task}-share",
        unit=0.01,
    )
    steps = list(next(iter(sides.values()))["share_of_notes_with_at_least"])
    curves = [
        (_ARMS[a], _COLOURS[a], [side["share_of_notes_with_at_least"][s] for s in steps])
        for a, side in sides.items()
    ]
    longest = plots.lines(
        steps, curves, "longest copied stretch, at least so many words", name=f"{task}-longest"
    )
    rows = [
        [
            _ARMS[arm],
            f"{side['notes']:,}",
            f"{side['words']:,}",
            f"{side['copied_words']:,}",
            *(f"{side['longest_words'][q]:,.0f}" for q in ("median", "p95", "max")),
        ]
        for arm, side in sides.items()
    ]
    head = ["notes", "number", "words", "copied words", "longest: median", "95th percentile", "largest"]
    more = [Table(head, rows, "Copied stretches, in words")]
    if details["long_copies"]:
        to_read = [[found["id"], f"{found['words']:,}"] for found in details["long_copies"]]
        more.append(
            Table(["synthetic note", "words in a row"], to_read, "Long copied passages: read these notes")
        )
    return [
        Figure(share, "Words in copied stretches, with interval."),
        Figure(longest, "Share of notes whose longest copied stretch has at least so many words."),
    ], more


def _descriptive(results: ResultsJson, task: str) -> tuple[list[Figure], list[Table]]:
    details = results["details"][task]
    arms = ("real", "synthetic")
    series = [(_ARMS[a], _COLOURS[a], details["lengths"][a]) for a in arms]
    figures = [
        Figure(
            plots.histogram(details["lengths"]["edges"], series, "words in a note", name=f"{task}-lengths"),
            "Length of notes.",
        )
    ]
    for key, caption in (
        ("entity_types", "% of entities, by type."),
        ("note_types", "% of notes, by type."),
    ):
        shares: Mapping[str, Mapping[str, float]] = details[key]
        groups = list(dict.fromkeys([*shares["real"], *shares["synthetic"]]))[:_MOST_GROUPS]
        if len(groups) < 2:
            continue
        found = [(_ARMS[a], _COLOURS[a], [100 * shares[a].get(g, 0.0) for g in groups]) for a in arms]
        figures.append(
            Figure(plots.bars(groups, found, "%", name=f"{task}-{key.replace('_', '-')}"), caption)
        )
    return figures, []


_BY_MEASURE: Mapping[str, Callable[[ResultsJson, str], tuple[list[Figure], list[Table]]]] = {
    "ner_parity": _ner_parity,
    "identifiers": _identifiers,
    "deid": _deid,
    "copied_spans": _copied_spans,
    "descriptive": _descriptive,
}

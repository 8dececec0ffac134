"""The page: one HTML file with everything in it, made from results alone."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from clinsynth.corpus import Note
from clinsynth.measure.results import ResultsJson
from clinsynth.report.sections import sections
from clinsynth.report.verdict import cards

_TEMPLATE: Final = Path(__file__).parent / "report.html.j2"
_QUESTION: Final = "Is this synthetic text useful, and is anybody in it?"


def render(results: ResultsJson, notes: Sequence[Note] = ()) -> str:
    """The report as one HTML document.

    Args:
        notes: synthetic notes to print, marked as such; their text is escaped. None by default.
    """
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_TEMPLATE.read_text("utf-8"))
    parts = sections(results)
    return template.render(
        results=results,
        title=_QUESTION if "synthetic" in results["inputs"] else parts[0].question,
        measured=_measured(results),
        cards=cards(results),
        sections=parts,
        seconds=sum(results["seconds"].values()),
        config=json.dumps(results["config"], indent=2, ensure_ascii=False),
        parameters={
            task: json.dumps(config["parameters"], indent=2, ensure_ascii=False)
            for task, config in results["configs"].items()
        },
        notes=[(note.id, list(_marked(note))) for note in notes],
    )


def _measured(results: ResultsJson) -> str:
    """What was measured, when, and against what."""
    judged, *others = (
        results["inputs"][name]["path"]
        for name in ("synthetic", "real", "test", "identified")
        if name in results["inputs"]
    )
    date = time.strftime("%d %B %Y, %H:%M UTC", time.gmtime(results["date"])).lstrip("0")
    against = f" against {' and '.join(others)}" if others else ""
    return f"{judged}, measured on {date}{against}"


def _marked(note: Note) -> list[tuple[str, str]]:
    """A note's text in pieces, each with its entity label or an empty one."""
    pieces, end = [], 0
    for span in note.entities:
        pieces += [(note.text[end : span.start], ""), (note.text[span.start : span.end], span.label)]
        end = span.end
    return [(text, label) for text, label in [*pieces, (note.text[end:], "")] if text]

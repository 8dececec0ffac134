"""Laboratory values and studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from clinsynth.simulate.context import Context
from clinsynth.simulate.measures import is_abnormal
from clinsynth.simulate.phrase import TEST, Phrase, chained, joined, plain
from clinsynth.simulate.table import Finding

_MOST_LABS: Final = 12
_PANEL_NAMES: Final = {"CBC": "CBC", "BMP": "BMP", "LFT": "LFTs", "urinalysis": "UA", "CSF": "CSF"}


def write_labs(context: Context, labs: Mapping[str, str]) -> None:
    """Values as lines, one run-on line, by panel, or in a sentence."""
    if not labs:
        return
    context.heading("labs")
    names = _shown(context, labs)
    form = context.rng.random()
    if form < 0.3:
        context.note.end_line()
        flagged = context.chance(0.7)
        for name in names:
            context.note.line(_value(context, name, labs[name], ": ", flag=flagged, unit=True))
    elif form < 0.6:
        phrases = [_value(context, name, labs[name], " ", flag=False, unit=False) for name in names]
        context.note.sentence(joined(phrases, ", ", context.pick(", ", ", ", " | ", "; ")))
    elif form < 0.8:
        _write_panels(context, labs, names)
    else:
        phrases = [
            _value(
                context,
                name,
                labs[name],
                " of ",
                flag=False,
                unit=context.chance(0.5),
            )
            for name in names[:6]
        ]
        context.note.sentence(
            context.say_one(
                (
                    "laboratory studies showed {x}",
                    "labs were notable for {x}",
                    "initial labs: {x}",
                    "results included {x}",
                ),
                x=joined(phrases),
            )
        )
    context.close()


def _shown(context: Context, labs: Mapping[str, str]) -> list[str]:
    """All abnormal values, and normal ones until the list is long enough."""
    patient = context.case.patient
    abnormal = [n for n, v in labs.items() if is_abnormal(context.table.analytes[n], v, patient)]
    room = max(0, context.rng.randint(5, _MOST_LABS) - len(abnormal))
    normal = [n for n in labs if n not in abnormal][:room]
    return [n for n in labs if n in abnormal or n in normal]


def _value(context: Context, name: str, value: str, joint: str, *, flag: bool, unit: bool) -> Phrase:
    analyte = context.table.analytes[name]
    text = value
    if unit and analyte.unit and value[:1].isdigit():
        text += analyte.unit if analyte.unit == "%" else f" {analyte.unit}"
    mark = is_abnormal(analyte, value, context.case.patient) if flag else ""
    if mark:
        text += f" ({mark})" if mark != "A" else " (abnormal)"
    return chained(context.analyte(name), f"{joint}{text}")


def _write_panels(context: Context, labs: Mapping[str, str], names: Sequence[str]) -> None:
    panels: dict[str, list[Phrase]] = {}
    for name in names:
        panel = context.table.analytes[name].panel
        panels.setdefault(panel, []).append(_value(context, name, labs[name], " ", flag=False, unit=False))
    context.note.end_line()
    for panel, phrases in panels.items():
        short = _PANEL_NAMES.get(panel)
        lead: Phrase = ((short, TEST), (": ", "")) if short else plain(f"{panel.title()}: ")
        context.note.line(chained(lead, joined(phrases, ", ")))


def lab_sentence(context: Context) -> Phrase:
    """The abnormal results that matter, as problems or with their values."""
    findings = context.case.lab_findings[:3]
    if not findings:
        return ()
    if context.chance(0.5):
        return context.say_one(
            (
                "laboratory tests showed {x}",
                "labs were significant for {x}",
                "blood work revealed {x}",
                "results were notable for {x}",
            ),
            x=context.findings(findings, spoken=True),
        )
    labs = context.case.labs
    phrases = [
        _value(
            context, f.test, labs[f.test], context.pick(" of ", " "), flag=False, unit=context.chance(0.4)
        )
        for f in findings
        if f.test in labs
    ]
    if not phrases:
        return ()
    return context.say_one(
        ("labs showed {x}", "pertinent results: {x}", "{x} at presentation", "testing gave {x}"),
        x=joined(phrases),
    )


def write_studies(context: Context) -> None:
    """What imaging and other studies showed."""
    studies = context.case.studies
    if not studies:
        return
    context.heading("studies")
    for i, _ in enumerate(studies):
        context.note.sentence(study_sentence(context, i))
    context.close()


def study_sentence(context: Context, index: int) -> Phrase:
    """One study and what it showed."""
    name, findings = context.case.studies[index]
    template = context.pick(
        "{study} showed {found}",
        "{study} revealed {found}",
        "{study}: {found}",
        "{study} demonstrated {found}",
        "{study} was notable for {found}",
        "{study} ({day}) showed {found}",
        "{study} with {found}",
    )
    return context.say(
        template,
        study=context.study(name),
        found=_found(context, findings),
        day=context.on(context.admitted, full=False),
    )


def _found(context: Context, findings: Sequence[Finding]) -> Phrase:
    return context.findings(findings[:3], spoken=True)


def all_studies(context: Context) -> list[Phrase]:
    """One sentence for each study."""
    return [study_sentence(context, i) for i in range(len(context.case.studies))]

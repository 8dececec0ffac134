"""Vital signs and the physical examination."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from clinsynth.simulate.context import Context
from clinsynth.simulate.measures import Vitals
from clinsynth.simulate.phrase import TEST, Phrase, chained, joined, plain
from clinsynth.simulate.table import Finding

_USUAL: Final = ("general", "heent", "neck", "lungs", "heart", "abdomen", "extremities", "skin", "neuro")
_BRIEF: Final = ("general", "lungs", "heart", "abdomen", "extremities")


def write_vitals(context: Context, vitals: Vitals) -> None:
    """Vital signs on one line or several; each is a test."""
    context.heading("vitals", break_line=False)
    write_vitals_line(context, vitals)
    context.close()


def write_vitals_line(context: Context, vitals: Vitals) -> None:
    """The vital signs themselves."""
    fahrenheit = context.chance(0.6)
    degrees = vitals.temperature * 1.8 + 32 if fahrenheit else vitals.temperature
    unit = context.pick(" F", "F", " °F", "") if fahrenheit else context.pick(" C", "C", " °C")
    oxygen = (
        context.pick("on room air", "RA", "on RA")
        if vitals.saturation >= 92
        else context.pick("on room air", "on 2 L", "RA")
    )
    values = [
        (context.pick("T", "Temp", "Temperature"), f"{degrees:.1f}{unit}"),
        (context.pick("HR", "P", "Pulse", "heart rate"), f"{vitals.heart_rate}"),
        (context.pick("BP", "BP", "blood pressure"), f"{vitals.systolic}/{vitals.diastolic}"),
        (context.pick("RR", "R", "Resp"), f"{vitals.respiratory_rate}"),
        (context.pick("SpO2", "O2 sat", "Sat", "oxygen saturation"), f"{vitals.saturation}% {oxygen}"),
    ]
    if context.chance(0.25):
        values.append((context.pick("Wt", "Weight"), f"{context.case.patient.weight_kg:g} kg"))
    joint = context.pick(" ", ": ", " ")
    phrases: list[Phrase] = [((name, TEST), (f"{joint}{value}", "")) for name, value in values]
    context.note.sentence(joined(phrases, ", ", context.pick(", ", ", ", "; ")), end=context.pick("", "."))


def write_exam(
    context: Context, signs: Sequence[Finding], absent: Sequence[Finding], *, brief: bool = False
) -> None:
    """The examination by region, as lines or as one paragraph."""
    context.heading("exam")
    regions = _regions(context, signs, brief=brief)
    as_lines = context.chance(0.6)
    if as_lines:
        context.note.end_line()
    for region in regions:
        headings, _, _ = context.table.regions[region]
        found = [f for f in signs if f.group == region]
        missing = [f for f in absent if f.group == region]
        heading = headings[0] if context.style.headings == "title" else context.rng.choice(headings)
        phrase = chained(f"{heading}: ", _region(context, region, found, missing))
        if as_lines:
            context.note.line(chained(phrase, context.pick(".", "")))
        else:
            context.note.sentence(phrase)
    context.close()


def _regions(context: Context, signs: Sequence[Finding], *, brief: bool) -> list[str]:
    usual = [region for region in (_BRIEF if brief else _USUAL) if context.chance(0.75)]
    wanted = {f.group for f in signs if f.group != "vital"} | {*usual, "general"}
    return [r for r in context.table.regions if r in wanted]


def _region(context: Context, region: str, found: Sequence[Finding], absent: Sequence[Finding]) -> Phrase:
    _, normal, brief = context.table.regions[region]
    missing = context.findings(absent[:2], " or ", present=False) if absent else ()
    if found:
        phrase = context.say_one(
            ("{found}", "{found}", "{found} present", "notable for {found}", "there is {found}"),
            found=context.findings(found, " and ", spoken=context.chance(0.5)),
        )
        return chained(phrase, context.pick(", no ", "; no ", ", without "), missing) if missing else phrase
    if missing and context.chance(0.6):
        return chained("no ", missing)
    short = context.chance(max(0.15, context.style.shorthand))
    return plain(context.rng.choice(brief if short else normal))


def exam_sentence(context: Context) -> Phrase:
    """The examination in one sentence, for letters and courses."""
    case = context.case
    signs = [f for f in case.signs if f.group != "vital"][:4]
    if not signs:
        return context.say_one(
            (
                "physical examination was unremarkable",
                "on examination {he} looked well and there were no abnormal findings",
                "examination was within normal limits",
            ),
            he=context.he,
        )
    absent = context.findings(case.absent_signs[:2], " or ", present=False)
    return context.say_one(
        (
            "on examination there was {found}{without}",
            "physical examination revealed {found}{without}",
            "exam was notable for {found}{without}",
            "{found} was noted on examination{without}",
            "clinically {he} had {found}{without}",
        ),
        he=context.he,
        found=context.findings(signs, spoken=True),
        without=chained(", but no ", absent) if absent else "",
    )

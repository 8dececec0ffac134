"""A plot can be read on a phone, and nothing stands outside of it."""

from __future__ import annotations

import re

from clinsynth.report import plots

PHONE = 326  # CSS pixels that a plot has on a screen of 390
ARMS = ("real notes", "synthetic", "synthetic, relabelled", "shuffled labels")
TEXT = re.compile(
    r'<text style="font-size: ([\d.]+)px[^"]*text-anchor: (\w+)[^"]*" x="([\d.]+)"[^>]*rotate\(-0 [^>]*>([^<]*)<'
)
BEFORE = {"start": 0.0, "middle": 0.5, "end": 1.0}  # share of a text that lies left of its place


def drawn() -> list[str]:
    colours = (plots.REAL, plots.SYNTHETIC, plots.THIRD, plots.FOURTH)
    groups = ["emergency department note", "TEST"]
    series = [(name, colour, [0.2, 0.6]) for name, colour in zip(ARMS, colours)]
    rows = [(name, -0.2, (-0.3, 0.1), colour) for name, colour in zip(ARMS, colours)]
    return [
        plots.grouped_dots(groups, series, "strict F1, %", name="a"),
        plots.bars(groups, series, "%", name="b"),
        plots.lines(["13", "20"], series, "words", name="c"),
        plots.dots(rows, "points", name="d", zero=True, unit=0.01),
    ]


def width_of(text: str, size: float) -> float:
    """In DejaVu Sans, which is wider than what browsers take."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    return float(TextPath((0, 0), text, size=size, prop=FontProperties("DejaVu Sans")).get_extents().width)


def test_letters_are_large_enough_on_a_phone_and_stay_inside() -> None:
    for svg in drawn():
        found = re.search(r'viewBox="0 0 ([\d.]+) ', svg)
        assert found is not None
        width = float(found[1])
        texts = [
            (float(size), BEFORE[anchor], float(x), text) for size, anchor, x, text in TEXT.findall(svg)
        ]
        assert {text for *_, text in texts} >= set(ARMS)
        for size, before, x, text in texts:
            long = width_of(text, size)
            assert size * PHONE / width >= 9
            assert x - before * long >= 0
            assert x + (1 - before) * long <= width

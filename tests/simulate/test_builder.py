"""Offsets are right by construction, whatever noise a style puts in."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsynth.simulate.builder import NoteBuilder
from clinsynth.simulate.phrase import article, capitalised, fill, joined, plain, text_of
from clinsynth.simulate.style import Style, draw_style

_WORDS = ("chest pain", "metoprolol", "CT", "Núñez", "2021-03-04", "no", "with some fever", "pH")
_LABELS = ("", "PROBLEM", "TEST", "TREATMENT", "NAME", "DATE")


def _styles(seed: int) -> Style:
    return draw_style(Random(seed), formal=seed % 2 == 0, dictated=seed % 3 == 0)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.lists(st.tuples(st.sampled_from(_WORDS), st.sampled_from(_LABELS)), min_size=1),
)
def test_spans_cover_their_pieces(seed: int, pieces: list[tuple[str, str]]) -> None:
    builder = NoteBuilder(Random(seed), _styles(seed), protected=_WORDS)
    for piece in pieces:
        builder.sentence((piece,))
    text, entities, phi = builder.build()
    found = sorted((*entities, *phi))
    expected = [word for word, label in pieces if label]
    assert [text[s.start : s.end].lower() for s in found] == [word.lower() for word in expected]
    assert [s.label for s in found] == [label for _, label in pieces if label]


def test_identifiers_are_never_misspelt() -> None:
    style = _styles(1)
    noisy = Style(**{**{n: getattr(style, n) for n in Style.__slots__}, "typos": 1.0, "upper": False})
    builder = NoteBuilder(Random(3), noisy)
    builder.add(
        (("Alexandersson", "NAME"), (" presented yesterday with ", ""), ("pneumothorax", "PROBLEM"))
    )
    text, entities, phi = builder.build()
    assert text[phi[0].start : phi[0].end] == "Alexandersson"
    assert text[entities[0].start : entities[0].end] != "pneumothorax"


def test_lines_break_outside_spans_only() -> None:
    style = _styles(1)
    narrow = Style(
        **{**{n: getattr(style, n) for n in Style.__slots__}, "wrap": 20, "typos": 0.0, "upper": False}
    )
    builder = NoteBuilder(Random(3), narrow)
    for _ in range(6):
        builder.sentence((("there was ", ""), ("right lower lobe airspace consolidation", "PROBLEM")))
    text, entities, _ = builder.build()
    assert "\n" in text
    assert {text[s.start : s.end] for s in entities} == {"right lower lobe airspace consolidation"}


@pytest.mark.parametrize(
    ("template", "text", "labels"),
    [
        ("no {P:chest pain}", "no chest pain", ["", "PROBLEM"]),
        ("{T:CT} and {R:aspirin}.", "CT and aspirin.", ["TEST", "", "TREATMENT", ""]),
        ("{x} done", "X-ray done", ["", ""]),
        ("plain", "plain", [""]),
        ("{X:odd}", "{X:odd}", [""]),
    ],
)
def test_templates(template: str, text: str, labels: list[str]) -> None:
    phrase = fill(template, x="X-ray")
    assert text_of(phrase) == text
    assert [label for _, label in phrase] == labels


def test_a_missing_slot_is_an_error() -> None:
    with pytest.raises(KeyError):
        fill("{who} denies")


def test_shorthand_leaves_entities_alone() -> None:
    assert text_of(fill("presents with {P:pain with movement}", True)) == "p/w pain with movement"


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("cough", "a "),
        ("irregular murmur", "an "),
        ("nausea", ""),
        ("rash of the trunk", "a "),
        ("multiple rash", ""),
        ("pain in the mass", ""),
    ],
)
def test_articles(phrase: str, expected: str) -> None:
    assert article(phrase) == expected


def test_words() -> None:
    assert text_of(joined([plain("a"), plain("b"), plain("c")])) == "a, b and c"
    assert text_of(joined([])) == ""
    assert text_of(capitalised(plain("pH was low"))) == "pH was low"
    assert text_of(capitalised((("", ""), ("fever", "PROBLEM")))) == "Fever"

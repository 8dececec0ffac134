"""Tags in the place of identifiers: offsets hold, nothing is left, entities move along."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clinsynth.corpus import PHI_LABELS, Note, Span
from clinsynth.deid import TAG, neutralise, to_tags


def note(text: str, *entities: tuple[str, str]) -> Note:
    spans = [Span(text.index(words), text.index(words) + len(words), label) for words, label in entities]
    return Note("n1", text, entities=tuple(spans))


def at(text: str, words: str, label: str) -> Span:
    return Span(text.index(words), text.index(words) + len(words), label)


def marked(tagged: Note) -> list[str]:
    return [tagged.text[s.start : s.end] for s in tagged.entities]


def test_each_span_becomes_its_tag() -> None:
    text = "Ann Lee, seen 3/14/2019."
    tagged = to_tags(note(text), [at(text, "3/14/2019", "DATE"), at(text, "Ann Lee", "NAME")])
    assert tagged.text == "<|NAME|>, seen <|DATE|>."
    assert [(tagged.text[s.start : s.end], s.label) for s in tagged.phi] == [
        ("<|NAME|>", "NAME"),
        ("<|DATE|>", "DATE"),
    ]


@pytest.mark.parametrize(
    ("text", "identifier", "entity", "left"),
    [
        ("on Smith diet plan", "Smith", "Smith diet", ["<|NAME|> diet"]),  # within, at the edge
        ("the old Smith diet plan", "Smith", "old Smith diet", ["old <|NAME|> diet"]),  # within
        ("took aspirin Smith said", "Smith said", "aspirin Smith", ["aspirin"]),  # across the end
        ("told Ann Smith diet plan", "Ann Smith", "Smith diet", ["diet"]),  # across the start
        ("seen by Smith today", "Smith", "Smith", []),  # nothing is left
        ("seen by Ann Smith today", "Ann Smith", "Smith", []),  # inside the identifier
        ("seen by (Smith) today", "Smith", "(Smith)", []),  # no word is left
        ("Smith has chest pain", "Smith", "chest pain", ["chest pain"]),  # apart: moved
        ("chest pain, Smith", "Smith", "chest pain", ["chest pain"]),  # apart: where it was
    ],
)
def test_entities_move_along(text: str, identifier: str, entity: str, left: list[str]) -> None:
    tagged = to_tags(note(text, (entity, "PROBLEM")), [at(text, identifier, "NAME")])
    assert marked(tagged) == left


def test_overlapping_spans_leave_no_character_of_either() -> None:
    text = "call 617-555-0101 x22 now"
    tagged = to_tags(note(text), [at(text, "617-555-0101", "PHONE"), at(text, "0101 x22", "OTHER_ID")])
    assert tagged.text == "call <|PHONE|> now"


def test_the_declared_identifiers_are_replaced_only_when_passed() -> None:
    plain = Note("n1", "Ann Lee", phi=(Span(0, 7, "NAME"),))
    assert to_tags(plain, []).text == "Ann Lee"
    assert to_tags(plain, []).phi == ()
    assert to_tags(plain, plain.phi).text == "<|NAME|>"


def test_look_alikes_in_the_source_are_neutralised() -> None:
    opening = "\u2039|"
    assert neutralise("<|NAME|> <|end|> <<|") == f"{opening}NAME|> {opening}end|> <{opening}"
    mixed = to_tags(note("a <|end|> b <|NOPE|> c <|<|NAME|>"), []).text
    assert mixed == f"a {opening}end|> b {opening}NOPE|> c {opening}<|NAME|>"


def test_a_span_over_a_tag_is_cut_back_to_the_words_beside_it() -> None:
    text = "Dr. <|NAME|> Smith said"
    assert to_tags(note(text), [Span(4, 18, "NAME")]).text == "Dr. <|NAME|><|NAME|> said"
    assert to_tags(note(text), [Span(3, 13, "NAME")]).text == text


@pytest.mark.parametrize("span", [Span(0, 9, "NAME"), Span(0, 3, "PROBLEM")])
def test_a_span_that_cannot_be_is_refused(span: Span) -> None:
    with pytest.raises(ValueError, match="span 0-"):
        to_tags(note("Ann Lee"), [span])


TEXTS = st.text(alphabet="aB3 <|>\n." + "é", max_size=60) | st.lists(
    st.sampled_from(["<|NAME|>", "<|DATE|>", "<|end|>", "Ann", " ", "\n", "<", "|", "3/4"]), max_size=20
).map("".join)


@st.composite
def noted(draw: st.DrawFn) -> tuple[Note, list[Span]]:
    text = draw(TEXTS)
    cuts = draw(st.lists(st.integers(0, len(text)), max_size=12))
    spans = [Span(a, b, draw(st.sampled_from(PHI_LABELS))) for a, b in itertools.pairwise(cuts) if a < b]
    edges = sorted(set(draw(st.lists(st.integers(0, len(text)), max_size=8))))
    entities = tuple(Span(a, b, "PROBLEM") for a, b in zip(edges[::2], edges[1::2]))
    return Note("n", text, entities=entities), spans


@given(noted())
@example((Note("n", "Ann <|NAME|>", entities=(Span(0, 5, "PROBLEM"),)), [Span(1, 4, "NAME")]))
def test_tagged_text_parses_back_and_tagging_again_changes_nothing(drawn: tuple[Note, list[Span]]) -> None:
    plain, spans = drawn
    tagged = to_tags(plain, spans)
    assert [Span(m.start(), m.end(), m[1]) for m in TAG.finditer(tagged.text)] == list(tagged.phi)
    assert tagged.text.count("<|") == len(tagged.phi)
    assert to_tags(tagged, tagged.phi) == tagged
    for entity in tagged.entities:
        assert not any(t.start < edge < t.end for t in tagged.phi for edge in (entity.start, entity.end))
        assert re.search(r"[^\W_]", TAG.sub("", tagged.text[entity.start : entity.end]))


@given(noted())
def test_what_lies_outside_the_spans_is_kept_and_what_lies_inside_is_gone(
    drawn: tuple[Note, list[Span]],
) -> None:
    plain, spans = drawn
    old_tags = {i for m in TAG.finditer(plain.text) for i in range(m.start(), m.end())}
    hidden = {i for s in spans for i in range(s.start, s.end)}
    words = [c for i, c in enumerate(plain.text) if i not in hidden and i not in old_tags and c.isalnum()]
    left = [c for c in TAG.sub("", to_tags(plain, spans).text) if c.isalnum()]
    assert left == words

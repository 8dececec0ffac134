"""Long notes are cut between sentences, and nothing but white space is lost."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsynth.corpus import Note, Span
from clinsynth.prepare.cut import PIECE_OF, cut

PARAGRAPHS = "\n\n".join(f"Heading {i}\n" + f"Sentence number {i} is here. " * 5 for i in range(6))


def spanned(text: str, *words: str) -> tuple[Span, ...]:
    return tuple(
        Span(m.start(), m.end(), "X") for word in words for m in re.finditer(re.escape(word), text)
    )


def test_a_short_note_stays_as_it_is() -> None:
    note = Note("x", "short")
    assert cut(note, 200) == [note]


def test_pieces_are_numbered_and_remember_their_note() -> None:
    pieces = cut(Note("x", PARAGRAPHS, patient_id="p", provenance={"source": "s"}), 400)
    assert [piece.id for piece in pieces] == ["x#1", "x#2", "x#3"]
    assert {piece.patient_id for piece in pieces} == {"p"}
    assert all(piece.provenance == {"source": "s", PIECE_OF: "x"} for piece in pieces)


@pytest.mark.parametrize(
    ("text", "most", "starts"),
    [
        (PARAGRAPHS, 400, ["Heading 0", "Heading 2", "Heading 4"]),  # paragraphs before lines
        (
            "\n".join(f"{i} " + "word " * 20 for i in range(6)),
            230,
            ["0", "2", "4"],
        ),  # lines before sentences
        ("This one is of forty characters or so. " * 10, 250, ["This", "This"]),  # sentences before words
        ("word " * 100, 260, ["word", "word"]),
        ("x" * 500, 200, ["x", "x", "x"]),
    ],
)
def test_where_a_note_is_cut(text: str, most: int, starts: list[str]) -> None:
    pieces = cut(Note("x", text), most)
    assert [piece.text[: len(start)] for piece, start in zip(pieces, starts)] == starts
    assert len(pieces) == len(starts)


def test_pieces_are_about_equally_long() -> None:
    pieces = cut(Note("x", "Some words. " * 105), 1_000)  # a greedy cut would leave a tail of 260
    assert [round(len(piece.text), -2) for piece in pieces] == [600, 600]


def test_a_span_longer_than_a_piece_stays_whole() -> None:
    text = "a " * 50 + "b" * 300 + " c" * 50
    pieces = cut(Note("x", text, entities=(Span(100, 400, "X"),)), 200)
    assert [s for p in pieces for s in p.entities if s.end - s.start == 300]
    assert max(len(p.text) for p in pieces if not p.entities) <= 200


def test_spans_that_hold_others_are_not_cut_through() -> None:
    text = "word " * 60
    entity = Span(90, 220, "X")
    inner = tuple(Span(i, i + 4, "NAME") for i in range(95, 215, 5))
    pieces = cut(Note("x", text, entities=(entity,), phi=inner), 200)
    (holder,) = [p for p in pieces if p.entities]
    assert len(holder.phi) == len(inner)
    assert len(holder.text[holder.entities[0].start : holder.entities[0].end]) == 130


words = st.text(alphabet="abc.", min_size=1, max_size=12)
gaps = st.sampled_from([" ", " ", " ", ". ", "\n", "\n\n", "  \n \n"])


@settings(max_examples=200, deadline=None)
@given(st.data(), st.lists(st.tuples(words, gaps), min_size=5, max_size=120), st.integers(30, 200))
def test_nothing_but_white_space_is_lost(
    data: st.DataObject, parts: list[tuple[str, str]], most: int
) -> None:
    text = "".join(word + gap for word, gap in parts)
    if not text.strip():
        return

    def spans() -> tuple[Span, ...]:
        edges = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=16)))
        return tuple(Span(a, b, "X") for a, b in zip(edges[::2], edges[1::2]))

    note = Note("x", text, entities=spans(), phi=spans())
    pieces = cut(note, most)
    assert "".join("".join(piece.text.split()) for piece in pieces) == "".join(text.split())
    for kind in ("entities", "phi"):
        whole = [text[s.start : s.end] for s in getattr(note, kind)]
        assert [p.text[s.start : s.end] for p in pieces for s in getattr(p, kind)] == whole
    held = [s for piece in pieces for s in (*piece.entities, *piece.phi)]
    longest = max((s.end - s.start for s in held), default=0)
    assert all(len(piece.text) <= most for piece in pieces) or longest > most or both_ways(note, most)


def both_ways(note: Note, most: int) -> bool:
    """Whether entities and identifiers chained together make a stretch longer than a piece."""
    end = start = 0
    for span in sorted([*note.entities, *note.phi]):
        start, end = (start, max(end, span.end)) if span.start < end else (span.start, span.end)
        if end - start > most:
            return True
    return False

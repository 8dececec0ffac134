"""Random tagged notes, and a small tokenizer that the tests share."""
# ruff: noqa: RUF001

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from clinsynth.corpus import AGE_BANDS, PHI_LABELS, SEXES, Attributes, Note, Span
from clinsynth.tokens.special import ENTITY_LABELS, tag
from clinsynth.tokens.template import render
from clinsynth.tokens.tokenizer import NoteTokenizer, train_tokenizer

settings.register_profile("tokens", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tokens")

TEXT = "denies chest pain and dyspnea on exertion BP 120/80 mmHg HR 72 metoprolol 25 mg p.o. b.i.d."


def _source_notes(count: int) -> list[Note]:
    rng = random.Random(7)
    notes = []
    for i in range(count):
        words = rng.choices(TEXT.split(), k=40)
        text = (
            f"Seen on {tag('DATE')}. " + " ".join(words) + ".\n\nPlan: follow up with " + tag("NAME") + "."
        )
        start = text.index(words[3], text.index(">") + 2)
        notes.append(
            Note(
                id=f"n{i}",
                text=text,
                attributes=Attributes("progress note", "cardiology", "female", "60-69", ("heart failure",)),
                entities=(Span(start, start + len(words[3]), "PROBLEM"),),
                phi=tuple(
                    Span(text.index(t), text.index(t) + len(t), t.strip("<|>"))
                    for t in (tag("DATE"), tag("NAME"))
                ),
            )
        )
    return notes


@pytest.fixture(scope="session")
def source_notes() -> list[Note]:
    return _source_notes(200)


@pytest.fixture(scope="session")
def small_tokenizer(source_notes: list[Note]) -> NoteTokenizer:
    return train_tokenizer((render(note) for note in source_notes), 600)


@pytest.fixture(scope="session")
def tokenizer_folder(small_tokenizer: NoteTokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "tokenizer"
    small_tokenizer.save(folder)
    return folder


# Text with what trips a parser: near-tokens, spaces at edges, line breaks, marks outside the BMP.
_awkward = st.sampled_from(
    [
        " ",
        "  ",
        "\n",
        "\r\n",
        "<",
        "|",
        ">",
        "|>",
        "/",
        ";",
        ": ",
        "‹|",
        "é",
        "😀",
        "e\u0301",
        "\u2028",
        "\x00",
    ]
)
_plain = st.one_of(_awkward, st.text(st.characters(exclude_categories=["Cs"]), max_size=8)).map(
    lambda s: s.replace("<|", "‹|")
)
_piece = st.one_of(_plain, st.sampled_from(PHI_LABELS).map(tag))
_content = st.lists(_piece, min_size=1, max_size=3).map(tuple).filter(lambda parts: any(parts))
_block = st.one_of(_piece, st.tuples(st.sampled_from(ENTITY_LABELS), _content))
_value = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@st.composite
def tagged_notes(draw: st.DrawFn) -> Note:
    """Notes as ``deid`` leaves them, entities at all kinds of places."""
    text, entities, phi = "", [], []

    def add(piece: str) -> None:
        nonlocal text
        if text.endswith("<") and piece.startswith("|"):
            piece = "¦" + piece[1:]
        label = piece[2:-2]
        if piece == tag(label) and label in PHI_LABELS:
            phi.append(Span(len(text), len(text) + len(piece), label))
        text += piece

    for block in draw(st.lists(_block, max_size=8)):
        if isinstance(block, str):
            add(block)
        else:
            start = len(text)
            for piece in block[1]:
                add(piece)
            entities.append(Span(start, len(text), block[0]))
    attributes = Attributes(
        note_type=draw(_value),
        specialty=draw(_value),
        sex=draw(st.none() | st.sampled_from(SEXES)),
        age_band=draw(st.none() | st.sampled_from(AGE_BANDS)),
        diagnoses=tuple(draw(st.lists(st.text(max_size=8), max_size=3))),
    )
    return Note("random", text, attributes, tuple(entities), tuple(phi))

"""Spans to classes and back, windows that lose no word."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsynth.corpus import Span
from clinsynth.tagging import Labels, encode, encoder_folder, load_tokenizer
from clinsynth.tagging.labels import WORD

LABELS = Labels(("PROBLEM", "TEST"))


@pytest.fixture(scope="module")
def minilm():
    return load_tokenizer(encoder_folder(None))


def words_of(text):
    found = np.array([m.span() for m in WORD.finditer(text)], np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["PROBLEM", "TEST", ""])), max_size=12))
def test_spans_on_word_ends_come_back(runs):
    text = " ".join(f"w{i}" for i in range(sum(length for length, _ in runs)))
    starts, ends = words_of(text)
    spans, at = [], 0
    for length, label in runs:
        if label:
            spans.append(Span(int(starts[at]), int(ends[at + length - 1]), label))
        at += length
    assert LABELS.decode(LABELS.encode(spans, starts, ends), starts, ends) == spans


def test_words_that_a_span_cuts_belong_to_it_and_other_labels_are_outside():
    text = "nonsmoker with chest pain."
    starts, ends = words_of(text)
    classes = LABELS.encode([Span(3, 9, "TEST"), Span(15, 25, "PROBLEM"), Span(10, 14, "X")], starts, ends)
    assert classes.tolist() == [3, 0, 1, 2, 0]


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ([1, 2, 0, 0], [(0, 5, "PROBLEM")]),
        ([2, 2, 0, 0], [(0, 5, "PROBLEM")]),  # goes on without having begun
        ([1, 1, 0, 0], [(0, 2, "PROBLEM"), (3, 5, "PROBLEM")]),
        ([1, 4, 0, 0], [(0, 2, "PROBLEM"), (3, 5, "TEST")]),
        ([0, 0, 0, 3], [(9, 11, "TEST")]),
        ([0, 0, 0, 0], []),
    ],
)
def test_decoding(classes, expected):
    starts, ends = words_of("aa bb cc dd")
    assert LABELS.decode(classes, starts, ends) == [Span(*e) for e in expected]


@given(
    texts=st.lists(
        st.text(st.sampled_from("ab1 .\n,-\u00e9\u4e16<|>_"), max_size=300), min_size=1, max_size=3
    ),
    room=st.integers(16, 60),
)
@settings(max_examples=60, deadline=None)
def test_every_word_is_in_exactly_one_window_that_fits(minilm, texts, room):
    encoded = encode(texts, minilm, room)
    seen = {}
    for window in encoded.windows:
        assert 2 < len(window.pieces) <= room
        assert window.pieces[0] == minilm.cls_token_id
        assert window.pieces[-1] == minilm.sep_token_id
        assert (window.heads >= 1).all()
        assert (window.heads < len(window.pieces) - 1).all()
        assert (np.diff(window.heads) >= 0).all()
        for word in range(window.first, window.first + len(window.heads)):
            assert (window.document, word) not in seen
            seen[window.document, word] = True
    pieces = [len(minilm(t, add_special_tokens=False)["input_ids"]) for t in texts]
    for i, document in enumerate(encoded.documents):
        if pieces[i]:
            assert sum(d == i for d, _ in seen) == len(document.starts)


def test_heads_point_at_the_first_piece_of_their_word(minilm):
    text = "Hydrochlorothiazide 25 mg was given.\nEchocardiogram: normal."
    encoded = encode([text], minilm, 16)
    assert len(encoded.windows) > 1, "sixteen pieces hold no whole note"
    document = encoded.documents[0]
    for window in encoded.windows:
        for word, head in enumerate(window.heads, window.first):
            piece = minilm.convert_ids_to_tokens(int(window.pieces[head]))
            assert text[document.starts[word] :].lower().startswith(piece)


def test_windows_end_where_sentences_do(minilm):
    text = "One two three four five. Six seven eight nine ten. Eleven twelve."
    encoded = encode([text], minilm, 16)
    firsts = [text[encoded.documents[0].starts[w.first] :].split()[0] for w in encoded.windows]
    assert firsts == ["One", "Eleven"]

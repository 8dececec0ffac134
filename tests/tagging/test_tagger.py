"""A tagger's thresholds, and capitals for an encoder that reads none."""

from __future__ import annotations

import random

import pytest
import torch

from clinsynth.corpus import Span
from clinsynth.tagging import FineTuning, Labels, Tagger, encode, encoder_folder, fine_tune, load_tokenizer
from clinsynth.tagging.encoders import ignores_case
from clinsynth.tagging.tagger import autocast

HOW = FineTuning(
    epochs=12, learning_rate=2e-3, batch_windows=8, max_pieces=32, warmup_share=0.1, weight_decay=0.0,
    dropout=0.0, frozen_layers=3,
)  # fmt: skip
WORDS = ("rose", "hunter", "baker", "stone", "wood", "grey")


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(encoder_folder(None))


def sentences(count, seed):
    """The same words are names with a capital first, and nothing in small letters."""
    rng = random.Random(seed)
    for _ in range(count):
        word = rng.choice(WORDS)
        name = rng.random() < 0.5
        text = f"the {word.title() if name else word} was seen today"
        yield text, [Span(4, 4 + len(word), "NAME")] if name else []


def trained(tokenizer, capitals) -> Tagger:
    labels, rows = Labels(("NAME",)), list(sentences(120, 1))
    notes = encode([text for text, _ in rows], tokenizer, HOW.max_pieces)
    classes = [labels.encode(rows[w.document][1], *_words(notes, w)) for w in notes.windows]
    return fine_tune(
        encoder_folder(None), labels, notes.windows, classes, HOW,
        seed=0, pad=0, title="test", capitals=capitals,
    )  # fmt: skip


def _words(notes, window):
    document = notes.documents[window.document]
    return document.starts, document.ends


@pytest.fixture(scope="module")
def told(tokenizer):
    return trained(tokenizer, True)


def test_the_default_encoder_reads_no_capitals(tokenizer):
    assert ignores_case(tokenizer)


def test_words_are_told_apart_by_their_capitals_alone(tokenizer, told):
    rows = list(sentences(40, 2))
    notes = encode([text for text, _ in rows], tokenizer, HOW.max_pieces)
    right = sum(found == gold for found, (_, gold) in zip(told.predict(notes), rows))
    assert right >= 38
    blind = trained(tokenizer, False)
    assert sum(found == gold for found, (_, gold) in zip(blind.predict(notes), rows)) <= 30


def test_a_threshold_moves_between_all_and_nothing(tokenizer, told):
    notes = encode([text for text, _ in sentences(10, 3)], tokenizer, HOW.max_pieces)
    assert not any(told.predict(notes, 1.1))
    everything = told.predict(notes, 0.0)
    assert all(sum(s.end - s.start for s in spans) >= 15 for spans in everything)


def test_how_words_are_written():
    tokenizer = load_tokenizer(encoder_folder(None))
    (window,) = encode(["Seen by OKAFOR and McDuff iPhone 3 x X"], tokenizer, 64).windows
    written = [int(window.capitals[head]) for head in window.heads]
    assert written == [1, 0, 2, 0, 1, 0, 0, 0, 1]
    assert len(window.capitals) == len(window.pieces)


@pytest.mark.parametrize("fast", [True, False])
def test_a_machine_that_is_slow_in_bfloat16_does_not_multiply_in_it(monkeypatch, fast):
    monkeypatch.setattr("clinsynth.tagging.tagger.fast_bfloat16", lambda device: fast)
    ones = torch.ones(2, 2)
    with autocast(torch.device("cpu"), torch.float32):
        assert (ones @ ones).dtype == (torch.bfloat16 if fast else torch.float32)
    with autocast(torch.device("cpu"), torch.bfloat16):
        assert (ones @ ones).dtype == torch.float32, "a model of another kind is left alone"

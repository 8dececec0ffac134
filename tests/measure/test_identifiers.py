"""A planted phone number is counted once, under its class, and only where nobody declared it."""

import pytest
from tests.measure.handmade import handmade_notes, write_corpus, write_notes

from clinsynth.corpus import Note, Span
from clinsynth.measure import load_task, open_inputs
from clinsynth.measure.identifiers import _Tally, count
from clinsynth.measure.tasks import Context

CALL = "Please call (617) 555-0143 with any questions about the results."


def declared_span(text, part, label):
    return Span(text.index(part), text.index(part) + len(part), label)


def row(result, label):
    return next(r for r in result.details["classes"] if r["label"] == label)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("identifiers")
    clean = handmade_notes(20, 1)
    synthetic = [
        *clean,
        Note("planted", CALL),
        Note("declared", CALL, phi=(declared_span(CALL, "(617) 555-0143", "PHONE"),)),
        Note("tagged", "Seen by <|NAME|> on <|DATE|>.", phi=(Span(8, 16, "NAME"), Span(20, 28, "DATE"))),
    ]
    corpus = write_corpus(folder / "corpus", clean, clean, handmade_notes(10, 2))
    inputs = open_inputs(corpus, write_notes(folder / "s.parquet", synthetic))
    return load_task("identifiers").run(inputs, Context(0, None))


def test_a_planted_phone_number_is_found(result):
    assert row(result, "PHONE")["synthetic"] == {"declared": 1, "undeclared": 1}
    assert row(result, "PHONE")["letter"] == "D"


def test_tags_are_declared_and_nothing_else_is_found(result):
    assert row(result, "NAME")["synthetic"]["declared"] == 1
    assert result.metrics["undeclared", "synthetic"].value == 1
    assert result.metrics["declared", "synthetic"].value == 3


def test_the_rate_has_its_interval_and_control(result):
    rate = result.metrics["notes_with_undeclared_per_1000", "synthetic"]
    assert rate.value == pytest.approx(1000 / 23)
    assert rate.interval is not None
    assert 0 < rate.interval.low < rate.value < rate.interval.high < 300
    control = result.metrics["notes_with_undeclared_per_1000", "holdout"]
    assert control.value == 0
    assert control.interval is not None
    assert control.interval.high > 200  # ten notes prove little


def test_every_safe_harbor_letter_has_a_row(result):
    letters = {r["letter"] for r in result.details["classes"]}
    assert letters == set("ABCDEFGHIJKLMNOPQR")


def test_an_identifier_that_sticks_out_of_its_declaration_is_declared():
    tally = _Tally()
    note = Note("n", "John Smith came.", phi=(Span(0, 4, "NAME"),))
    count(note, [Span(0, 10, "NAME")], tally)
    count(note, [Span(5, 10, "NAME")], tally)
    assert (tally.notes, tally.notes_with_undeclared, tally.undeclared["NAME"]) == (2, 1, 1)

"""A pasted note is found; notes by the same hand are not."""

import dataclasses

import pytest
from tests.measure.handmade import handmade_notes, write_corpus, write_notes

from clinsynth.corpus import Note, Span
from clinsynth.measure import load_task, open_inputs
from clinsynth.measure.copied_spans import tagged_text
from clinsynth.measure.tasks import Context


def random_notes(count, seed, words=60):
    """Notes of random words: no thirteen in a row stand in two of them."""
    import random

    rng = random.Random(seed)
    lexicon = [f"{a}{b}{c}" for a in "bdgklm" for b in "aeiou" for c in "nrstx"]
    return [Note(f"r{seed}-{i}", " ".join(rng.choices(lexicon, k=words))) for i in range(count)]


def measured(tmp_path, train, holdout, synthetic, **parameters):
    corpus = write_corpus(tmp_path / "corpus", train, holdout, holdout)
    file = write_notes(tmp_path / "synthetic.parquet", synthetic)
    task = load_task("copied_spans", parameters)
    return task.run(open_inputs(corpus, file), Context(0, None))


def test_pasted_notes_are_found_and_beyond_the_control(tmp_path):
    train, holdout, clean = random_notes(40, 1), random_notes(40, 2), random_notes(36, 3)
    pasted = [dataclasses.replace(n, id=f"s{i}") for i, n in enumerate(train[:4])]
    result = measured(tmp_path, train, holdout, clean + pasted)
    m = result.metrics
    assert m["copied_word_share", "synthetic"].value == pytest.approx(0.1)
    assert m["copied_note_share", "synthetic"].value == pytest.approx(0.1)
    assert m["longest_copied_words", "synthetic"].value == 60
    assert m["copied_word_share", "holdout"].value == 0
    difference = m["copied_word_share_difference", "synthetic"]
    assert difference.interval is not None
    assert difference.interval.low > 0
    assert result.details["sides"]["synthetic"]["share_of_notes_with_at_least"]["50"] == pytest.approx(0.1)


def shared_stretch(note, other, words):
    """``note`` with the first words of ``other`` before its own."""
    return dataclasses.replace(note, text=f"{' '.join(other.text.split()[:words])} {note.text}")


def test_one_note_pasted_whole_among_a_thousand_stands_out(tmp_path):
    train, holdout = random_notes(300, 1), random_notes(300, 2)
    # the control has long passages too, as notes by one hand do: more often than the synthetic side
    holdout[:3] = [shared_stretch(h, t, 52) for h, t in zip(holdout[:3], train)]
    pasted = dataclasses.replace(random_notes(1, 7, words=200)[0], id="real")
    synthetic = [*random_notes(999, 3), dataclasses.replace(pasted, id="pasted")]
    result = measured(tmp_path, [*train, pasted], holdout, synthetic)
    m = result.metrics
    assert m["notes_with_long_copy", "synthetic"].value == 1
    assert m["notes_with_long_copy", "holdout"].value == 3
    assert result.details["beyond_words"] == 104
    assert m["notes_copied_beyond_control", "synthetic"].value == 1
    assert result.details["long_copies"] == [{"id": "pasted", "words": 200}]
    difference = m["long_copy_note_share_difference", "synthetic"]
    assert difference.value == pytest.approx(1 / 1000 - 3 / 300)
    assert difference.interval.low < difference.value < difference.interval.high < 0.01


def test_many_long_passages_are_beyond_chance_and_few_are_not(tmp_path):
    train, holdout = random_notes(100, 1), random_notes(100, 2)
    holdout[0] = shared_stretch(holdout[0], train[0], 52)
    clean = random_notes(100, 3)
    for copies, shown in ((3, False), (20, True)):
        synthetic = [shared_stretch(n, t, 52) for n, t in zip(clean[:copies], train)] + clean[copies:]
        result = measured(tmp_path / str(copies), train, holdout, synthetic)
        interval = result.metrics["long_copy_note_share_difference", "synthetic"].interval
        assert (interval.low > 0) is shown
        assert result.metrics["notes_copied_beyond_control", "synthetic"].value == 0
        assert len(result.details["long_copies"]) == copies


def test_pieces_of_one_document_are_one(tmp_path):
    """What a long document repeats in its pieces is its own, not boilerplate."""
    phrase = " ".join(f"phrase{i}" for i in range(20))
    pieces = [
        dataclasses.replace(n, text=f"{n.text} {phrase}", provenance={"piece_of": "one"})
        for n in random_notes(5, 1)
    ]
    synthetic = [dataclasses.replace(n, text=f"{phrase} {n.text}") for n in random_notes(10, 3)]
    found = measured(tmp_path, [*pieces, *random_notes(5, 4)], random_notes(10, 2), synthetic)
    assert found.metrics["copied_note_share", "synthetic"].value == 1


def test_clean_text_is_cleared(tmp_path):
    result = measured(tmp_path, random_notes(40, 1), random_notes(40, 2), random_notes(40, 3))
    difference = result.metrics["copied_word_share_difference", "synthetic"]
    assert difference.interval is not None
    assert difference.interval.low <= difference.value == 0 <= difference.interval.high
    assert result.metrics["long_copy_note_share", "synthetic"].value == 0
    assert result.details["long_copies"] == []


def test_boilerplate_is_not_counted_and_a_patients_own_history_is(tmp_path):
    phrase = " ".join(f"phrase{i}" for i in range(20))
    train = [dataclasses.replace(n, text=f"{n.text} {phrase}") for n in random_notes(10, 1)]
    synthetic = [dataclasses.replace(n, text=f"{phrase} {n.text}") for n in random_notes(10, 3)]
    shared = measured(tmp_path / "a", train, random_notes(10, 2), synthetic)
    assert shared.metrics["copied_note_share", "synthetic"].value == 0
    one_patient = [dataclasses.replace(n, patient_id="p") for n in train]
    carried = measured(tmp_path / "b", one_patient, random_notes(10, 2), synthetic)
    assert carried.metrics["copied_note_share", "synthetic"].value == 1


def test_surrogates_do_not_hide_a_copy(tmp_path):
    words = random_notes(1, 5)[0].text.split()

    # a name every ten words: no thirteen words in a row are equal as they stand
    def with_names(name, value):
        text, spans = "", []
        for i, word in enumerate(words):
            if i % 10 == 5:
                spans.append(Span(len(text), len(text) + len(value), "NAME"))
                text += f"{value} "
            text += f"{word} "
        return Note(name, text, phi=tuple(spans))

    train = [with_names("t", "<|NAME|>"), *random_notes(5, 1)]
    copy = with_names("s", "Marigold")
    assert tagged_text(copy) == train[0].text
    found = measured(tmp_path / "a", train, random_notes(5, 2), [copy])
    assert found.metrics["copied_word_share", "synthetic"].value == 1
    undeclared = dataclasses.replace(copy, phi=())
    hidden = measured(tmp_path / "b", train, random_notes(5, 2), [undeclared])
    assert hidden.metrics["copied_word_share", "synthetic"].value == 0


def test_few_notes_are_remarked_on(tmp_path):
    result = measured(tmp_path, handmade_notes(5, 1), handmade_notes(5, 2), handmade_notes(5, 3))
    assert any("Only 5 hold-out documents" in remark for remark in result.remarks)

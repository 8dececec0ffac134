"""Fine-tuning of the real encoder learns what the labels say, and only that."""

import dataclasses

import numpy as np
import pytest
from tests.measure.handmade import handmade_notes, write_corpus, write_notes

from clinsynth.corpus import Note, Span
from clinsynth.errors import DataError, FolderError, UsageError
from clinsynth.measure import load_task, open_inputs
from clinsynth.measure.arms import draw_windows, labelled_notes, shuffled_entities
from clinsynth.measure.inputs import NoteSource
from clinsynth.measure.tasks import Context
from clinsynth.tagging import encode, encoder_folder, load_tokenizer

FAST = {"max_words": 3000, "fine_tuning": {"epochs": 3, "learning_rate": 1e-3, "frozen_layers": 2}}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parity")
    corpus = write_corpus(folder / "corpus", *(handmade_notes(n, n) for n in (60, 31, 5)))
    synthetic = write_notes(folder / "synthetic.parquet", handmade_notes(50, 7))
    task = load_task("ner_parity", {"arms": ["real", "synthetic", "annotated", "shuffled"], **FAST})
    return task.run(open_inputs(corpus, synthetic), Context(0, None))


@pytest.mark.slow
def test_arms_with_right_labels_learn_and_the_shuffled_one_does_not(result):
    f1 = {arm: result.metrics["f1_strict", arm].value for arm in result.details["arms"]}
    assert f1["real"] > 0.6
    assert f1["synthetic"] > 0.6
    assert f1["annotated"] > 0.5
    assert f1["shuffled"] < 0.3


@pytest.mark.slow
def test_differences_are_paired_and_their_intervals_hold_them(result):
    m = result.metrics
    for arm in ("synthetic", "annotated", "shuffled"):
        difference = m["f1_strict_difference", arm]
        assert difference.value == pytest.approx(m["f1_strict", arm].value - m["f1_strict", "real"].value)
        assert difference.interval is not None
        assert difference.interval.low <= difference.value <= difference.interval.high
        assert m["f1_strict_kept", arm].value == pytest.approx(
            m["f1_strict", arm].value / m["f1_strict", "real"].value
        )
    shuffled = m["f1_strict_difference", "shuffled"].interval
    assert shuffled is not None
    assert shuffled.high < -0.2


@pytest.mark.slow
def test_arms_train_on_equal_words_and_say_so(result):
    arms = result.details["arms"]
    assert result.details["equal_words"] is True
    words = [arm["words"] for arm in arms.values()]
    assert max(words) - min(words) < 150  # one window
    assert all(3000 <= w < 3150 for w in words)
    assert arms["real"]["entities"] > 100
    assert [len(arm["f1_strict_by_seed"]) for arm in arms.values()] == [1, 1, 1, 1]


@pytest.mark.slow
def test_types_are_scored_on_all_gold(result):
    types = result.details["arms"]["real"]["types"]
    gold = [s.label for n in handmade_notes(31, 31) for s in n.entities]
    assert {label: row["gold"] for label, row in types.items()} == {x: gold.count(x) for x in set(gold)}
    assert result.details["test"]["documents"] == result.effective == 31


def test_windows_are_drawn_up_to_the_words_asked_for_and_by_seed():
    tokenizer = load_tokenizer(encoder_folder(None))
    encoded = encode([n.text for n in handmade_notes(20, 1)], tokenizer, 32)
    drawn = draw_windows(encoded, 300, seed=1)
    words = sum(len(w.heads) for w in drawn)
    assert 300 <= words < 332
    assert drawn == draw_windows(encoded, 300, seed=1)
    assert [w.document for w in drawn] != [w.document for w in draw_windows(encoded, 300, seed=2)]
    assert len(draw_windows(encoded, 10**9, seed=1)) == len(encoded.windows)


def test_shuffled_entities_are_as_many_and_elsewhere():
    tokenizer = load_tokenizer(encoder_folder(None))
    notes = handmade_notes(30, 1)
    encoded = encode([n.text for n in notes], tokenizer, 64)
    moved = [shuffled_entities(n, d, 0) for n, d in zip(notes, encoded.documents)]
    for note, spans in zip(notes, moved):
        assert sorted(s.label for s in spans) == sorted(s.label for s in note.entities)
        dataclasses.replace(note, entities=spans)  # a note refuses overlapping spans
    same = np.mean([s in n.entities for n, spans in zip(notes, moved) for s in spans])
    assert same < 0.2


def source(tmp_path, notes, name="notes.parquet"):
    return NoteSource("the real notes", (write_notes(tmp_path / name, notes),))


@pytest.mark.parametrize(("empty", "left"), [("drop", 2), ("auto", 2), ("keep", 3)])
def test_notes_without_entities(tmp_path, empty, left):
    found = labelled_notes(source(tmp_path, [*handmade_notes(2, 1), Note("e", "Nothing.")]), None, empty)
    assert (len(found.notes), found.read, found.unlabelled) == (left, 3, 3 - left)


def test_sentences_of_conll_are_labelled_even_without_entities(tmp_path):
    file = tmp_path / "gold.conll"
    file.write_text("No\tO\npain\tB-PROBLEM\n\nAll\tO\nfine\tO\n")
    found = labelled_notes(NoteSource("the gold notes", (file,)), None, "auto")
    assert (len(found.notes), found.unlabelled, found.entities) == (2, 0, 1)


def test_tagged_text_is_read_as_surrogates(tmp_path):
    text = "Seen by <|NAME|> for chest pain on <|DATE|>."
    at = text.index("chest pain")
    note = Note("n", text, entities=(Span(at, at + 10, "PROBLEM"),), phi=(Span(8, 16, "NAME"),))
    (read,) = labelled_notes(source(tmp_path, [note]), None, "auto").notes
    assert "<|" not in read.text
    assert [read.text[s.start : s.end] for s in read.entities] == ["chest pain"]
    plain = Note("p", "Chest pain.", entities=(Span(0, 10, "PROBLEM"),))
    assert labelled_notes(source(tmp_path, [plain]), None, "auto").notes == [plain]


def run_with(tmp_path, real, synthetic, gold, encoder=None):
    paths = [
        write_notes(tmp_path / f"{name}.parquet", notes)
        for name, notes in (("real", real), ("synthetic", synthetic), ("gold", gold))
    ]
    return load_task("ner_parity", FAST).run(open_inputs(*paths), Context(0, encoder))


def unlabelled(notes):
    return [dataclasses.replace(n, entities=()) for n in notes]


def relabelled(notes, label):
    return [
        dataclasses.replace(n, entities=tuple(Span(s.start, s.end, label) for s in n.entities))
        for n in notes
    ]


def test_what_cannot_be_measured_is_refused_with_the_reason(tmp_path):
    notes = handmade_notes(3, 1)
    with pytest.raises(DataError, match=r"gold.parquet: none of 3 notes has entities: the gold notes"):
        run_with(tmp_path, notes, notes, unlabelled(notes))
    with pytest.raises(DataError, match=r"synthetic.parquet: none of 3 notes has entities"):
        run_with(tmp_path, notes, unlabelled(notes), notes)
    with pytest.raises(DataError, match="real notes DRUG: no entity label in common"):
        run_with(tmp_path, relabelled(notes, "DRUG"), notes, notes)
    with pytest.raises(UsageError, match=r"encoder .*nowhere: no such folder"):
        run_with(tmp_path, notes, notes, notes, tmp_path / "nowhere")
    with pytest.raises(FolderError, match=r"needs config.json, a tokenizer and \*.safetensors"):
        run_with(tmp_path, notes, notes, notes, tmp_path)

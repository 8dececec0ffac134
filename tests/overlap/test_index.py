"""Copied stretches are found where they stand, and nothing else is."""

import itertools
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsynth.errors import DataError, FolderError
from clinsynth.overlap import NgramIndex, NgramIndexBuilder
from clinsynth.overlap.words import ngram_hashes, word_hashes, word_places

VOCABULARY = [f"w{i}" for i in range(50)]
sentences = st.lists(st.sampled_from(VOCABULARY), max_size=60)
separators = st.sampled_from([" ", ", ", ".\n", " - "])


def ngrams(words: list[str], n: int) -> set[tuple[str, ...]]:
    return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}


@settings(max_examples=100, deadline=None)
@given(sentences, sentences, st.lists(st.sampled_from(VOCABULARY), min_size=20, max_size=20), separators)
def test_a_pasted_stretch_of_20_words_is_always_found(
    before: list[str], after: list[str], pasted: list[str], separator: str
) -> None:
    training = " ".join(["start", *pasted, "end"])
    text = separator.join([*before, *(w.upper() for w in pasted), *after])
    start = len(separator.join([*before, "x"])) - 1
    end = start + len(separator.join(pasted))
    index = NgramIndex.build([training, "another note"])
    assert any(a <= start and end <= b for a, b in index.copied(text))


@settings(max_examples=200, deadline=None)
@given(sentences, sentences, st.integers(2, 13))
def test_copies_are_exactly_the_words_in_a_shared_ngram(a: list[str], b: list[str], n: int) -> None:
    index = NgramIndex.build([" ".join(a), "x"], n=n)
    shared = ngrams(a, n) & ngrams(b, n)
    words = {k for i in range(len(b) - n + 1) if tuple(b[i : i + n]) in shared for k in range(i, i + n)}
    text = " ".join(b)
    places = word_places(text)[1]
    found = {k for s, e in index.copied(text) for k, (ws, we) in enumerate(places) if s <= ws and we <= e}
    assert found == words


def longest_common(a: list[str], b: list[str]) -> int:
    """Words of the longest run that stands in both."""
    return max(
        (
            next(k for k in range(len(a) + 1) if a[i : i + k + 1] != b[j : j + k + 1] or i + k >= len(a))
            for i in range(len(a))
            for j in range(len(b))
        ),
        default=0,
    )


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("abcd"), max_size=25), min_size=1, max_size=5),
    st.lists(st.sampled_from("abcd"), max_size=40),
    st.integers(2, 5),
    st.sampled_from([1, 2, None]),
)
def test_matches_are_the_runs_of_known_ngrams_with_one_that_makes_a_copy(
    notes: list[list[str]], words: list[str], n: int, most: int | None
) -> None:
    index = NgramIndex.build([" ".join(note) for note in notes], n=n, max_documents=most)
    holders = [
        sum(gram in ngrams(note, n) for note in notes) for gram in zip(*(words[i:] for i in range(n)))
    ]
    runs, start = [], 0
    for held, group in itertools.groupby(holders, bool):
        size = len(counts := list(group))
        if held and min(counts) <= (most or len(notes)):
            runs.append((start, start + size + n - 1))
        start += size
    found = index.matches(" ".join(words))
    assert found == [(2 * first, 2 * end - 1) for first, end in runs]
    # No note has more in common with the text than its longest run, unless all of it is boilerplate.
    if most is None:
        common = max(longest_common(note, words) for note in notes)
        assert common < n or common <= max(end - first for first, end in runs)


def test_a_copy_goes_on_through_boilerplate() -> None:
    phrase = "the patient was taken to the operating room in stable condition"
    note = f"he broke the left wrist while picking cherries {phrase} and asked for his ladder"
    index = NgramIndex.build([note, *(f"{i} {phrase} {i}" for i in range(5))], n=5)
    assert index.matches(f"then {note} again") == [(5, 5 + len(note))]
    assert len(index.copied(f"then {note} again")) == 2
    assert index.matches(f"then {phrase} again") == []


def test_a_text_without_a_shared_ngram_never_hits() -> None:
    rng = random.Random(1)
    notes = [" ".join(rng.choices(VOCABULARY, k=200)) for _ in range(300)]
    index = NgramIndex.build(notes)
    others = [" ".join(rng.choices(VOCABULARY, k=200)) for _ in range(300)]
    assert len(index) > 50_000
    assert [index.copied(text) for text in others] == [[]] * 300
    assert all(index.copied(text) == [(0, len(text))] for text in notes[:20])


@pytest.mark.parametrize(
    ("training", "text", "found"),
    [
        ("a b c", "x A, b\n- c! y", ["A, b\n- c"]),
        ("a b c d", "a b c d", ["a b c d"]),
        ("a b c d e f g", "a b c z e f g", ["a b c", "e f g"]),
        ("a b c", "a b", []),
        ("a b", "a b", []),
        ("", "a b c", []),
        ("seen by <|NAME|> today", "Seen by <|NAME|> today", ["Seen by <|NAME|> today"]),
        ("seen by <|NAME|> today", "seen by <|DATE|> today", []),
        ("seen by NAME", "seen by <|NAME|>", []),
        ("öl und ärger", "ÖL und Ärger", ["ÖL und Ärger"]),
        ("İstanbul a b", "x İstanbul a b", ["İstanbul a b"]),  # its lower case is longer than itself
    ],
)
def test_words_are_what_counts(training: str, text: str, found: list[str]) -> None:
    index = NgramIndex.build([training], n=3)
    assert [text[a:b] for a, b in index.copied(text)] == found


def test_boilerplate_is_what_many_notes_share() -> None:
    rng = random.Random(2)
    phrase = "the patient was taken to the operating room in stable condition"
    notes = [" ".join([*rng.choices(VOCABULARY, k=30), phrase]) for _ in range(4)]
    for limit, copied in ((3, False), (4, True), (None, True)):
        index = NgramIndex.build(notes, n=8, max_documents=limit)
        assert bool(index.copied(phrase)) is copied
        assert index.copied(notes[0].removesuffix(phrase))  # a note's own words stay


def test_a_phrase_that_a_note_repeats_counts_once() -> None:
    index = NgramIndex.build(["a b c " * 10, "d e f"], n=3, max_documents=1)
    assert index.copied("a b c")


def test_what_one_patients_notes_repeat_is_not_boilerplate() -> None:
    history = "fell from a ladder while picking cherries and broke the left wrist"
    notes = [f"day {i} {history}" for i in range(5)]
    assert not NgramIndex.build(notes, n=8).copied(history)
    assert NgramIndex.build(notes, n=8, groups=["p1"] * 5).copied(history)
    two = NgramIndex.build(notes, n=8, max_documents=1, groups=["p1", "p1", "p2", "p1", "p1"])
    assert not two.copied(history)


def test_an_index_is_the_same_after_it_was_saved(tmp_path: Path) -> None:
    rng = random.Random(3)
    notes = [" ".join(rng.choices(VOCABULARY, k=80)) for _ in range(50)]
    index = NgramIndex.build(notes, n=5, max_documents=None)
    some = NgramIndex.build([*notes, *notes[:3], *notes[:3]], n=5)
    some.save(tmp_path / "some.npy")
    assert some.common.size > 100
    assert np.array_equal(NgramIndex.load(tmp_path / "some.npy").common, some.common)
    index.save(tmp_path / "overlap" / "ngrams.npy")
    loaded = NgramIndex.load(tmp_path / "overlap" / "ngrams.npy")
    assert (loaded.n, loaded.max_documents, len(loaded)) == (5, None, len(index))
    assert np.array_equal(loaded.hashes, index.hashes)
    assert np.array_equal(loaded.common, index.common)
    assert (np.diff(loaded.hashes.astype(object)) > 0).all()  # sorted, each once
    assert isinstance(loaded.hashes, np.memmap)
    assert loaded.copied(notes[7]) == index.copied(notes[7]) == [(0, len(notes[7]))]


def test_hashes_do_not_depend_on_the_run() -> None:
    code = "from clinsynth.overlap.words import *; print(ngram_hashes(word_hashes('a B ä <|NAME|> c'), 2))"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    here = ngram_hashes(word_hashes("a B ä <|NAME|> c"), 2)
    assert runs == {f"{here}\n"}
    # What is stored is compared years later: these numbers must not change without HASH_VERSION.
    assert here.tolist() == [
        8064652577661087557,
        2055484290191761522,
        16138201976949122755,
        12341473715291955899,
    ]


def test_order_matters_and_collisions_are_rare() -> None:
    words = [f"{i}" for i in range(200)]
    hashes = {int(ngram_hashes(word_hashes(f"{a} {b}"), 2)[0]) for a in words for b in words}
    assert len(hashes) == 200 * 200


def test_many_notes_take_several_flushes(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(4)
    notes = [" ".join(rng.choices(VOCABULARY, k=40)) for _ in range(200)]
    whole = NgramIndex.build([*notes, *notes[:50], *notes[:20]], n=4)
    monkeypatch.setattr("clinsynth.overlap.owners._PENDING", 100)
    builder = NgramIndexBuilder(n=4)
    for note in [*notes, *notes[:50], *notes[:20]]:
        builder.add(note)
    assert np.array_equal(builder.finish().hashes, whole.hashes)


def test_nothing_to_index_is_an_error() -> None:
    with pytest.raises(DataError, match="no text to index"):
        NgramIndex.build([])


def test_files_that_are_no_index(tmp_path: Path) -> None:
    path = tmp_path / "ngrams.npy"
    with pytest.raises(FolderError, match="is missing"):
        NgramIndex.load(path)
    path.write_bytes(b"nothing")
    with pytest.raises(FolderError, match="is damaged"):
        NgramIndex.load(path)
    np.save(path, np.arange(5, dtype=np.uint64))
    with pytest.raises(FolderError, match="is not an index of n-grams"):
        NgramIndex.load(path)
    np.save(path, np.zeros(3, [("hash1_n13_max2", "<u8")]))
    with pytest.raises(FolderError, match="was written by an older release"):
        NgramIndex.load(path)
    np.save(path, np.zeros(3, [("hash9_n13_max2", "<u8")]))
    with pytest.raises(FolderError, match="has hashes of version 9"):
        NgramIndex.load(path)
    NgramIndex.build(["a b c d"], n=2).save(path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(FolderError, match="is damaged"):
        NgramIndex.load(path)


def test_an_index_without_ngrams_can_be_saved(tmp_path: Path) -> None:
    NgramIndex.build(["too short"]).save(tmp_path / "n.npy")
    assert NgramIndex.load(tmp_path / "n.npy").copied("a b c " * 10) == []

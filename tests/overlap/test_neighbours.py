"""A note that is a training note in other words is found, and others are let be."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsynth.errors import DataError, FolderError
from clinsynth.overlap import (
    NEIGHBOURS,
    NGRAMS,
    NeighbourIndex,
    NeighbourIndexBuilder,
    NgramIndex,
    check_joinable,
    least_estimate,
    write_indexes,
)
from clinsynth.overlap.neighbours import BANDS, LENGTH, ROWS
from clinsynth.overlap.sketch import missed_by_bands, shingles, signatures

WORDS = [f"w{i}" for i in range(2_000)]


def pair(rng: random.Random, similarity: float, words: int = 400) -> tuple[str, str]:
    """Two texts of about the similarity, or a little more: a stretch in common, the rest apart."""
    common = round((words - 4) * 2 * similarity / (1 + similarity)) + 5
    rest = words - common
    shared = rng.choices(WORDS, k=common)
    one, other = (" ".join([*shared, *rng.choices(WORDS, k=rest)]) for _ in range(2))
    return one, other


def likeness(a: str, b: str) -> float:
    left, right = shingles(a), shingles(b)
    return np.intersect1d(left, right).size / np.union1d(left, right).size


@pytest.mark.parametrize("threshold", [0.5, 0.6, 0.8, 0.95, 1.0])
def test_pairs_at_the_threshold_are_missed_in_less_than_one_case_of_a_hundred(threshold: float) -> None:
    rng = random.Random(int(threshold * 100))
    pairs = [pair(rng, threshold) for _ in range(1_000)]
    assert all(likeness(a, b) >= threshold for a, b in pairs[:50])
    assert sum(likeness(a, b) for a, b in pairs[:50]) / 50 < threshold + 0.02
    index = NeighbourIndex.build([a for a, _ in pairs])
    missed = sum(index.similarity(b) < least_estimate(threshold) for _, b in pairs)
    assert missed <= 20, "a binomial of 1,000 at 1 % is over 20 in 1 of 600 runs"


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9, 1.0])
def test_the_formula(threshold: float) -> None:
    """The two errors are summed as they are, without simulation."""
    equal = round(least_estimate(threshold) * LENGTH)
    draws = np.random.default_rng(0).binomial(LENGTH, threshold, 400_000)
    assert (draws < equal).mean() + missed_by_bands(threshold, BANDS, ROWS) <= 0.0105
    assert threshold == 1 or (draws <= equal).mean() + missed_by_bands(threshold, BANDS, ROWS) > 0.0095


def test_less_alike_is_let_be() -> None:
    rng = random.Random(1)
    pairs = [pair(rng, 0.6) for _ in range(500)]
    index = NeighbourIndex.build([a for a, _ in pairs])
    assert sum(index.similarity(b) >= least_estimate(0.8) for _, b in pairs) <= 10
    assert all(index.similarity(" ".join(rng.choices(WORDS, k=300))) == 0 for _ in range(50))


def test_the_estimate_is_near_the_truth() -> None:
    rng = random.Random(2)
    pairs = [pair(rng, rng.uniform(0.5, 1)) for _ in range(300)]
    index = NeighbourIndex.build([a for a, _ in pairs])
    errors = [index.similarity(b) - likeness(a, b) for a, b in pairs]
    assert abs(sum(errors) / len(errors)) < 0.015
    assert max(map(abs, errors)) < 0.2


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abc"), max_size=9).map(" ".join), min_size=1, max_size=9))
def test_a_text_is_its_own_neighbour_and_short_ones_are_alike_only_when_the_same(texts: list[str]) -> None:
    index = NeighbourIndex.build(texts)
    assert len(index) == sum(bool(text) for text in texts)
    assert all(index.similarity(text.upper()) == bool(text) for text in texts)
    assert index.similarity("d e f") == 0


def test_many_alike_are_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clinsynth.overlap.neighbours._COMPARED_AT_ONCE", 7)
    rng = random.Random(3)
    form = " ".join(rng.choices(WORDS, k=200))
    notes = [f"{form} {' '.join(rng.choices(WORDS, k=20))}" for _ in range(100)]
    index = NeighbourIndex.build(notes)
    assert [index.similarity(note) for note in notes[::9]] == [1.0] * 12


def test_an_index_is_the_same_after_it_was_saved(tmp_path: Path) -> None:
    rng = random.Random(4)
    notes = [" ".join(rng.choices(WORDS, k=80)) for _ in range(1_300)]
    index = NeighbourIndex.build(notes)
    index.save(tmp_path / NEIGHBOURS)
    assert (tmp_path / NEIGHBOURS).stat().st_size == 1_300 * 840 + 128
    loaded = NeighbourIndex.load(tmp_path / NEIGHBOURS)
    assert isinstance(loaded.signed, np.memmap)
    assert len(loaded) == 1_300
    changed = [note.replace("w1", "v1") for note in notes[::100]]
    assert [loaded.similarity(note) for note in changed] == [index.similarity(note) for note in changed]
    assert list((tmp_path / "overlap").iterdir()) == [tmp_path / NEIGHBOURS]


def test_signatures_do_not_depend_on_the_release() -> None:
    # What is stored is compared years later: these numbers must not change without SKETCH_VERSION.
    signed = signatures([shingles("no fever today, the cough is better and he may go home")], LENGTH)
    assert signed[0, [0, 1, 125]].tolist() == [3343789045, 3534391527, 3533819545]


def test_files_that_are_no_index(tmp_path: Path) -> None:
    path = tmp_path / "neighbours.npy"
    with pytest.raises(FolderError, match="is missing"):
        NeighbourIndex.load(path)
    path.write_bytes(b"nothing")
    with pytest.raises(FolderError, match="is damaged"):
        NeighbourIndex.load(path)
    np.save(path, np.arange(294, dtype=np.uint32))
    with pytest.raises(FolderError, match="is not an index of near neighbours"):
        NeighbourIndex.load(path)
    np.save(path, np.zeros(210, [("minhash9_hash1_b42_r3", "<u4")]))
    with pytest.raises(FolderError, match="holds minhash9_hash1_b42_r3, this release reads minhash1"):
        NeighbourIndex.load(path)
    NeighbourIndex.build(["a b c d"]).save(path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(FolderError, match="is damaged"):
        NeighbourIndex.load(path)


def test_nothing_to_index_is_an_error_and_nothing_said_is_not(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no text to index"):
        NeighbourIndexBuilder().finish()
    NeighbourIndex.build([""]).save(tmp_path / "n.npy")
    assert NeighbourIndex.load(tmp_path / "n.npy").similarity("a b c") == 0


def write(folder: Path, *texts: str, n: int = 3, neighbours: bool = True) -> Path:
    NgramIndex.build(texts, n=n).save(folder / NGRAMS)
    if neighbours:
        NeighbourIndex.build(texts).save(folder / NEIGHBOURS)
    return folder


def test_a_model_knows_the_text_of_all_that_it_comes_from(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a", "one two three four"), write(tmp_path / "b", "five six seven eight")
    (tmp_path / "open").mkdir()
    (tmp_path / "new").mkdir()
    write_indexes(tmp_path / "new", [one, tmp_path / "open", other])
    index = NeighbourIndex.load(tmp_path / "new" / NEIGHBOURS)
    assert [index.similarity(t) for t in ("one two three four", "five six seven eight", "x")] == [1, 1, 0]
    assert len(NgramIndex.load(tmp_path / "new" / NGRAMS)) == 4
    write_indexes(tmp_path / "open", [one])
    assert (tmp_path / "open" / NEIGHBOURS).read_bytes() == (one / NEIGHBOURS).read_bytes()


def test_half_an_index_is_none(tmp_path: Path) -> None:
    one, old = write(tmp_path / "a", "one two three four"), write(tmp_path / "b", "five", neighbours=False)
    (tmp_path / "new").mkdir()
    write_indexes(tmp_path / "new", [one, old])
    assert (tmp_path / "new" / NGRAMS).is_file()
    assert not (tmp_path / "new" / NEIGHBOURS).exists()


def test_indexes_that_do_not_go_together_are_told_of_before_a_run(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a", "one two three four"), write(tmp_path / "b", "five", n=4)
    check_joinable([one, tmp_path])
    with pytest.raises(DataError, match=r"are of 3 and 4 words and cannot be joined: .*overlap\.n"):
        check_joinable([one, other])

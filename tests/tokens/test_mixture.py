"""Shares hold at every moment, every row of a source comes once an epoch, and nothing depends on the past."""

from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsynth.errors import FolderError, UsageError
from clinsynth.tokens.mixture import MixedRows, Mixture, open_sources, source_names
from clinsynth.tokens.shards import TokenWriter

_weight = st.one_of(
    st.integers(0, 40),
    st.integers(0, 10**9),
    st.floats(0, 1).map(lambda x: round(x, 3)),
    st.floats(1e-9, 1e9),
)
_weights = st.lists(_weight, min_size=1, max_size=12).filter(any)


@settings(max_examples=50)
@given(_weights, st.integers(0, 10**12))
def test_no_source_is_ever_a_row_off_its_share(weights: list[float], start: int) -> None:
    mixture = Mixture(weights)
    had = [Fraction(0)] * len(weights)
    first = start // mixture.period * mixture.period  # where all shares are met
    for n in range(1, min(mixture.period, 300) + 1):
        source, nth = mixture.place(first + n - 1)
        assert nth == first * mixture.shares[source] + had[source], "its own samples follow each other"
        had[source] += 1
        assert all(abs(count - n * share) < 1 for count, share in zip(had, mixture.shares))


@settings(max_examples=25)
@given(_weights)
def test_shares_are_the_weights_and_a_turn_meets_them(weights: list[float]) -> None:
    mixture = Mixture(weights)
    turn = Counter(mixture.place(i)[0] for i in range(mixture.period))
    assert [Fraction(turn[i], mixture.period) for i in range(len(weights))] == list(mixture.shares)
    shares, total = mixture.shares, sum(map(Fraction, map(str, weights)))
    assert sum(shares) == 1
    assert [share > 0 for share in shares] == [weight > 0 for weight in weights]
    for share, weight in zip(shares, weights):
        assert abs(share - Fraction(str(weight)) / total) < Fraction(len(weights), 1 << 16)


def test_small_proportions_are_exact_and_spread_out() -> None:
    mixture = Mixture([0.2, 0.8])
    assert mixture.shares == (Fraction(1, 5), Fraction(4, 5))
    assert [mixture.place(i) for i in range(6)] == [(1, 0), (1, 1), (1, 2), (0, 0), (1, 3), (1, 4)]


def test_frozen_order() -> None:
    """A resumed run must read what it would have read: a change here breaks resume."""
    mixture = Mixture([3, 0, 1, 2.5])
    assert [mixture.place(i)[0] for i in range(13)] == [0, 3, 0, 3, 0, 2, 3, 0, 0, 3, 0, 2, 3]


def write_sources(folder: Path, **documents: int) -> Path:
    """``tokens/train`` with one document of ten tokens a row; the first says which source and which row."""
    for number, (name, count) in enumerate(documents.items()):
        with TokenWriter(folder / name, 100_000) as writer:
            for i in range(count):
                writer.append([1_000 * number + i, *range(9)])
    return folder


def firsts(rows: MixedRows, samples: range) -> list[int]:
    return [int(rows.row(i).input_ids[0]) for i in samples]


def test_left_alone_every_row_of_every_source_comes_once_an_epoch(tmp_path: Path) -> None:
    sources = open_sources(write_sources(tmp_path / "t", a=30, b=7, c=1), 10, 3, 99)
    rows = MixedRows(sources)
    epochs = [firsts(rows, range(e * 38, e * 38 + 38)) for e in range(3)]
    everything = [*range(30), *range(1_000, 1_007), 2_000]
    assert [sorted(epoch) for epoch in epochs] == [everything] * 3
    assert epochs[0] != epochs[1] != epochs[2]
    assert rows.targets_per_row == 9
    assert rows.targets_of(5) == 9


def test_each_source_runs_through_epochs_of_its_own(tmp_path: Path) -> None:
    sources = open_sources(write_sources(tmp_path / "t", a=30, b=5), 10, 3, 99)
    rows = MixedRows(sources, {"b": 1, "a": 1})
    seen = firsts(rows, range(60))
    small = [first for first in seen if first >= 1_000]
    assert len(small) == 30
    assert all(sorted(small[i : i + 5]) == list(range(1_000, 1_005)) for i in range(0, 30, 5))
    assert sorted(first for first in seen if first < 1_000) == list(range(30))
    assert firsts(rows, range(59, -1, -1)) == seen[::-1], "in any order"
    assert set(firsts(MixedRows(sources, {"a": 0, "b": 3}), range(50))) == set(range(1_000, 1_005))


def test_the_seed_decides_and_sources_do_not_move_together(tmp_path: Path) -> None:
    folder = write_sources(tmp_path / "t", a=50, b=50)
    one, other = (MixedRows(open_sources(folder, 10, seed, 99)) for seed in (1, 2))
    assert firsts(one, range(100)) != firsts(other, range(100))
    seen = firsts(one, range(100))
    assert [i for i in seen if i < 1_000] != [i - 1_000 for i in seen if i >= 1_000]


@pytest.mark.parametrize(
    ("weights", "problem"),
    [
        ({"a": 1}, "mixture: source b has no weight; 0 leaves it out"),
        ({"a": 1, "b": 1, "c": 1}, "mixture: the corpus has no tokens of a source c; it has a, b"),
        ({"a": 0, "b": 0}, "mixture: every weight is 0"),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path: Path, weights: dict[str, float], problem: str) -> None:
    sources = open_sources(write_sources(tmp_path / "t", a=3, b=3), 10, 0, 99)
    with pytest.raises(UsageError) as caught:
        MixedRows(sources, weights)
    assert str(caught.value) == problem


def test_a_folder_without_sources_is_named(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="train is missing"):
        source_names(tmp_path / "train")
    with TokenWriter(tmp_path / "train", 10) as writer:
        writer.append([1, 2])
    with pytest.raises(FolderError, match="holds no source"):
        source_names(tmp_path / "train")

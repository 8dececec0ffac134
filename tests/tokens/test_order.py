"""A permutation that takes no memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsynth.tokens.order import Permutation


@given(st.integers(1, 3_000), st.integers(0, 2**70), st.integers(0, 100))
def test_every_element_once(size: int, seed: int, epoch: int) -> None:
    order = Permutation(size, seed, epoch)
    assert sorted(order[i] for i in range(size)) == list(range(size))


def test_seed_and_epoch_decide() -> None:
    def drawn(seed: int, epoch: int) -> list[int]:
        return [Permutation(1_000, seed, epoch)[i] for i in range(1_000)]

    assert drawn(1, 0) == drawn(1, 0)
    orders = [drawn(seed, epoch) for seed in (0, 1) for epoch in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4
    # Fixed points of a random permutation: one on average.
    assert all(sum(i == v for i, v in enumerate(order)) < 10 for order in orders)


def test_neighbours_are_torn_apart() -> None:
    order = Permutation(100_000, 3)
    steps = [abs(order[i + 1] - order[i]) for i in range(2_000)]
    assert 30_000 < sum(steps) / len(steps) < 37_000  # a third of the size, if random


def test_a_size_no_memory_could_hold() -> None:
    order = Permutation(10**15, 0)
    assert len({order[i] for i in range(1_000)}) == 1_000


def test_frozen_values() -> None:
    """A resumed run must read what it would have read: a change here breaks resume."""
    assert [Permutation(10, 0)[i] for i in range(10)] == [7, 8, 2, 6, 9, 3, 0, 4, 5, 1]


@pytest.mark.parametrize("index", [-1, 10])
def test_outside(index: int) -> None:
    with pytest.raises(IndexError):
        Permutation(10, 0)[index]

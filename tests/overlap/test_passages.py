"""Passages join exactly those who share one, and boilerplate joins nobody."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsynth.overlap import SharedPassages, shared_passages

NOTES = st.lists(
    st.tuples(st.integers(0, 7), st.lists(st.sampled_from("abc"), max_size=14).map(" ".join)), max_size=12
)


def shared(
    texts: list[tuple[int, str]], owners: int, apart: tuple[int, ...] = (), **keys: int
) -> SharedPassages:
    flags = np.isin(np.arange(owners), apart)
    return shared_passages(iter(texts), flags, **{"words": 4, "max_owners": 10, **keys})


def by_comparing_all(
    texts: list[tuple[int, str]], owners: int, apart: set[int], words: int, max_owners: int
) -> tuple[list[int], int]:
    holders = defaultdict(set)
    for owner, text in texts:
        run = text.split()
        for i in range(len(run) - words + 1):
            holders[tuple(run[i : i + words])].add(owner)
    root = list(range(owners))
    for held in holders.values():
        if len(held) <= max_owners and held - apart:
            old = {root[owner] for owner in held}
            root = [min(old) if r in old else r for r in root]
    return root, sum(len(held) > max_owners for held in holders.values())


@settings(max_examples=300, deadline=None)
@given(NOTES, st.sets(st.integers(0, 7)), st.integers(2, 6), st.integers(2, 4))
def test_groups_are_those_of_comparing_all_with_all(
    texts: list[tuple[int, str]], apart: set[int], words: int, max_owners: int
) -> None:
    found = shared(texts, 8, tuple(apart), words=words, max_owners=max_owners)
    expected, boilerplate = by_comparing_all(texts, 8, apart, words, max_owners)
    assert found.groups.tolist() == expected
    assert found.boilerplate == boilerplate


def test_a_passage_counts_whatever_its_case_and_punctuation() -> None:
    texts = [(0, "x Took, the\nLEFT arm y"), (1, "took the left arm"), (2, "took the left - leg")]
    assert shared(texts, 3).groups.tolist() == [0, 0, 2]


def test_a_chain_is_one_group() -> None:
    texts = [(0, "a b c d"), (1, "a b c d x e f g h"), (2, "e f g h"), (3, "i j k l")]
    assert shared(texts, 4).groups.tolist() == [0, 0, 0, 3]


def test_those_who_stay_apart_are_joined_by_a_third_alone() -> None:
    texts = [(0, "a b c d"), (1, "a b c d e f g h"), (2, "e f g h")]
    assert shared(texts, 3, apart=(0, 1)).groups.tolist() == [0, 1, 1]
    assert shared(texts, 3, apart=(0, 2)).groups.tolist() == [0, 0, 0]


def test_what_one_owner_repeats_is_held_once() -> None:
    texts = [(0, "a b c d a b c d"), (0, "a b c d"), (1, "a b c d")]
    assert shared(texts, 2, max_owners=2).groups.tolist() == [0, 0]


def test_short_texts_and_none_are_fine() -> None:
    assert shared([(0, "a b c"), (1, "a b c"), (2, "")], 3).groups.tolist() == [0, 1, 2]
    assert shared([], 0).groups.tolist() == []


def test_many_texts_take_several_flushes(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [(i, " ".join(f"w{i // 2}x{k}" for k in range(30))) for i in range(100)]
    whole = shared(texts, 100, words=20)
    assert whole.groups.tolist() == [i // 2 * 2 for i in range(100)]
    monkeypatch.setattr("clinsynth.overlap.owners._PENDING", 50)
    assert shared(texts, 100, words=20).groups.tolist() == whole.groups.tolist()

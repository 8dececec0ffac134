"""Clusters hold what is nearly the same, and only that."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsynth.overlap import near_duplicate_clusters
from clinsynth.overlap.duplicates import _PERMUTATIONS, layout

WORDS = [f"w{i}" for i in range(2_000)]


def shingles(text: str) -> set[tuple[str, ...]]:
    words = text.lower().split()
    size = max(1, min(5, len(words)))
    return {tuple(words[i : i + size]) for i in range(len(words) - size + 1)} if words else set()


def likeness(a: str, b: str) -> float:
    left, right = shingles(a), shingles(b)
    return len(left & right) / len(left | right) if left | right else 1.0


def by_comparing_all(texts: list[str], threshold: float) -> list[int]:
    root = list(range(len(texts)))
    for i in range(len(texts)):
        for k in range(i):
            if likeness(texts[i], texts[k]) >= threshold:
                old, new = max(root[i], root[k]), min(root[i], root[k])
                root = [new if r == old else r for r in root]
    seen: dict[int, int] = {}
    return [seen.setdefault(r, len(seen)) for r in root]


def edited(rng: random.Random, text: str, edits: int) -> str:
    words = text.split()
    for place in rng.sample(range(len(words)), edits):
        words[place] = rng.choice(WORDS)
    return " ".join(words)


def test_clusters_are_those_of_comparing_all_with_all() -> None:
    rng = random.Random(5)
    originals = [" ".join(rng.choices(WORDS, k=rng.randint(60, 200))) for _ in range(60)]
    texts = originals + [edited(rng, t, rng.randint(0, 6)) for t in originals for _ in range(2)]
    rng.shuffle(texts)
    for threshold in (0.5, 0.8, 0.95):
        assert near_duplicate_clusters(texts, threshold) == by_comparing_all(texts, threshold)


def test_numbers_count_up_in_the_order_of_first_appearance() -> None:
    long = " ".join(WORDS[:50])
    assert near_duplicate_clusters([long, "other text here", long.upper(), "third one"]) == [0, 1, 0, 2]


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("no fever", "No  FEVER.", True),
        ("no fever", "no cough", False),
        ("no fever", "fever no", False),
        ("no fever today", "no fever", False),
        ("", "  \n", True),
        ("", "x", False),
    ],
)
def test_short_texts_are_alike_only_when_they_are_the_same(a: str, b: str, same: bool) -> None:
    first, second = near_duplicate_clusters([a, b])
    assert (first == second) is same


def test_candidates_that_are_not_alike_are_refused() -> None:
    """Half of the text in common makes a candidate more often than not at this threshold's bands."""
    rng = random.Random(6)
    half = " ".join(rng.choices(WORDS, k=100))
    texts = [f"{half} {' '.join(rng.choices(WORDS, k=60))}" for _ in range(40)]
    assert max(likeness(a, b) for a, b in pairwise(texts)) > 0.4
    assert near_duplicate_clusters(texts, 0.8) == list(range(40))


def test_a_chain_is_one_cluster() -> None:
    rng = random.Random(7)
    chain = [" ".join(rng.choices(WORDS, k=200))]
    for _ in range(6):
        chain.append(edited(rng, chain[-1], 3))
    assert likeness(chain[0], chain[-1]) < 0.8 < min(likeness(a, b) for a, b in pairwise(chain))
    assert set(near_duplicate_clusters(chain, 0.8)) == {0}


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8, 0.9, 0.99, 1.0])
def test_bands_miss_few_pairs_at_the_threshold(threshold: float) -> None:
    bands, rows = layout(threshold)
    assert bands * rows <= _PERMUTATIONS
    assert (1 - threshold**rows) ** bands <= 0.002


def test_texts_are_read_once_and_none_is_fine() -> None:
    assert near_duplicate_clusters(iter([])) == []
    assert near_duplicate_clusters(str(i) for i in range(1_200)) == list(range(1_200))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(alphabet="ab .", max_size=30), max_size=12))
def test_a_repeated_text_joins_its_first(texts: list[str]) -> None:
    clusters = near_duplicate_clusters([*texts, *texts])
    assert clusters[: len(texts)] == clusters[len(texts) :]

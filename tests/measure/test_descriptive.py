from collections import Counter

import numpy as np
import pytest
from scipy import stats
from tests.measure.handmade import handmade_notes, write_notes

from clinsynth.errors import DataError
from clinsynth.measure import load_task, open_inputs
from clinsynth.measure.descriptive import ks_distance, total_variation
from clinsynth.measure.tasks import Context


def described(tmp_path, real, synthetic):
    paths = [
        write_notes(tmp_path / f"{n}.parquet", x) for n, x in (("real", real), ("synthetic", synthetic))
    ]
    return load_task("descriptive").run(open_inputs(*paths), Context(0, None))


def test_like_text_is_as_near_as_two_halves_and_other_text_is_not(tmp_path):
    real = handmade_notes(300, 1)
    alike = described(tmp_path, real, handmade_notes(300, 2)).metrics
    other = described(tmp_path, real, handmade_notes(300, 3, sentences=14)).metrics
    halves = alike["length_distance", "real_halves"].value
    assert alike["length_distance", "synthetic"].value < halves + 0.12
    assert other["length_distance", "synthetic"].value > 0.8
    assert alike["entity_type_distance", "synthetic"].value < 0.05
    assert alike["words_per_note", "real"].value == pytest.approx(
        np.mean([len(n.text.split()) for n in real])
    )


def test_distance_of_lengths_is_scipys():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 80), rng.normal(0.4, 2, 120)
    assert ks_distance(a, b) == pytest.approx(stats.ks_2samp(a, b).statistic)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [("aab", "aab", 0.0), ("aa", "bb", 1.0), ("ab", "aa", 0.5), ("aaab", "ab", 0.25)],
)
def test_total_variation(a, b, expected):
    assert total_variation(Counter(a), Counter(b)) == pytest.approx(expected)


def test_one_note_is_not_described(tmp_path):
    with pytest.raises(DataError, match="1 notes, at least 2 are needed"):
        described(tmp_path, handmade_notes(5, 1), handmade_notes(1, 2))

import math

import numpy as np
import pytest

from clinsynth.measure.statistics import (
    bootstrap_sums,
    grouped_sums,
    newcombe,
    percentile_metric,
    ratio,
    wilson,
)


def test_sums_are_of_whole_resamples_and_chunking_does_not_show(monkeypatch):
    counts = np.ones((50, 2)) * [1, 3]
    sums = bootstrap_sums(counts, 1000, np.random.default_rng(0))
    assert sums.shape == (1000, 2)
    # every resample has as many rows as there are documents
    np.testing.assert_array_equal(sums, np.tile([50.0, 150.0], (1000, 1)))
    monkeypatch.setattr("clinsynth.measure.statistics._CHUNK_CELLS", 70)
    varied = np.arange(100.0).reshape(50, 2)
    assert bootstrap_sums(varied, 1000, np.random.default_rng(0)).shape == (1000, 2)


def test_standard_error_of_a_mean_is_the_textbook_one():
    rng = np.random.default_rng(1)
    values = rng.normal(10, 2, 400)
    means = bootstrap_sums(values[:, None], 4000, rng)[:, 0] / 400
    metric = percentile_metric(values.mean(), means, 0.95)
    expected = values.std() / math.sqrt(400)
    assert metric.stderr == pytest.approx(expected, rel=0.05)
    assert metric.interval is not None
    assert metric.interval.low == pytest.approx(values.mean() - 1.96 * expected, abs=0.15 * expected)
    assert metric.interval.high == pytest.approx(values.mean() + 1.96 * expected, abs=0.15 * expected)


def test_intervals_cover_about_as_often_as_they_say():
    rng = np.random.default_rng(2)
    truth, hits, runs = 0.4, 0, 300
    for _ in range(runs):
        gold = rng.integers(5, 30, 60)
        right = rng.binomial(gold, truth)
        sums = bootstrap_sums(np.stack([right, gold], 1), 1000, rng)
        metric = percentile_metric(right.sum() / gold.sum(), ratio(sums[:, 0], sums[:, 1]), 0.95)
        assert metric.interval is not None
        hits += metric.interval.low <= truth <= metric.interval.high
    # 300 draws at .95 leave .912 to .977 in 99 of 100 cases; few documents cost another point
    assert 0.90 <= hits / runs <= 0.985


def test_paired_difference_is_narrower_than_unpaired():
    rng = np.random.default_rng(3)
    easy = rng.normal(0, 5, 200)  # documents differ far more than the two models do
    first, second = easy + rng.normal(0, 0.1, 200), easy + rng.normal(0.5, 0.1, 200)
    paired = bootstrap_sums(np.stack([first, second], 1), 2000, rng) / 200
    unpaired = bootstrap_sums(first[:, None], 2000, rng)[:, 0] / 200
    assert (paired[:, 1] - paired[:, 0]).std() < 0.1 * (paired[:, 1] - unpaired).std()


def test_notes_of_one_patient_are_drawn_together():
    rng = np.random.default_rng(4)
    patients = rng.normal(0, 1, 100)
    notes = np.repeat(patients, 9)[:, None]  # nine equal notes each: no more news than one
    groups = [f"p{i // 9}" for i in range(900)]
    sums = grouped_sums(notes, groups)
    assert sums.shape == (100, 1)
    assert sums[3, 0] == pytest.approx(9 * patients[3])
    together = (bootstrap_sums(sums, 2000, rng) / 900).std()
    apart = (bootstrap_sums(notes, 2000, rng) / 900).std()
    assert together == pytest.approx(patients.std() / 10, rel=0.1)
    assert apart < 0.45 * together


def test_one_document_has_no_spread_and_undefined_resamples_are_left_out():
    sums = bootstrap_sums(np.array([[3.0, 0.0]]), 1000, np.random.default_rng(0))
    assert percentile_metric(0.5, ratio(sums[:, 0], sums[:, 1]), 0.95).interval is None


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),  # Newcombe 1998, table I and standard tables
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_against_published_values(successes, trials, low, high):
    found = wilson(successes, trials)
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),  # Newcombe 1998, table II, method 10
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_newcombe_against_published_values(first, second, low, high):
    found = newcombe(first, second)
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-5)
    turned = newcombe(second, first)
    assert (turned.low, turned.high) == pytest.approx((-high, -low), abs=6e-5)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (3, 2), (-1, 5)])
def test_wilson_refuses_what_is_no_proportion(successes, trials):
    with pytest.raises(ValueError, match="successes"):
        wilson(successes, trials)

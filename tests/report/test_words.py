import pytest

from clinsynth.measure.results import IntervalJson
from clinsynth.report.words import MINUS, interval, number


@pytest.mark.parametrize(
    ("metric", "value", "expected"),
    [
        ("f1_strict", 0.6284, "62.8 %"),
        ("copied_word_share", 0.0, "0.0 %"),
        ("f1_strict_difference", -0.0834, f"{MINUS}8.3 points"),
        ("copied_word_share_difference", 0.01, "+1.0 points"),
        ("f1_strict_kept", 0.867, "87 %"),
        ("length_distance", 0.1234, "0.123"),
        ("undeclared", 12345.0, "12,345"),
        ("notes_with_undeclared_per_1000", 3.21, "3.2"),
    ],
)
def test_numbers_in_their_own_manner(metric, value, expected):
    assert number(metric, value) == expected


@pytest.mark.parametrize(
    ("metric", "low", "high", "expected"),
    [
        ("f1_strict", 0.5, 0.6, "50.0 to 60.0 %"),
        ("f1_strict_difference", -0.1, 0.02, f"{MINUS}10.0 to +2.0 points"),
        ("notes_with_undeclared_per_1000", 0.0, 3.7, "0.0 to 3.7"),
    ],
)
def test_intervals_name_their_unit_once(metric, low, high, expected):
    assert interval(metric, IntervalJson(low=low, high=high, level=0.95, method="")) == expected
    assert interval(metric, None) == ""

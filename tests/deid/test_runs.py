"""How a pattern's matches begin, when they begin with digits."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsynth.deid.recognizers.runs import Run

DATE = r"(?<!\w)(?:\d{1,2}/\d{1,2}|(?:19|20)\d\d-\d\d|[12]\d[ ]?(?:may|june))(?!\w)"


@pytest.mark.parametrize(
    ("pattern", "digits", "behind", "can"),
    [
        (DATE, 2, "/", True),
        (DATE, 3, "/", False),
        (DATE, 4, "-", True),
        (DATE, 2, "-", False),
        (DATE, 2, " ", True),
        (DATE, 2, "m", True),
        (DATE, 2, "M", False),
        (DATE, 2, "", False),
        (r"\d{5}", 5, "", True),
        (r"\d{5}", 4, "-", False),
        (r"\d{5}", 9, "-", True),
        (r"\d+[A-Z]", 30, "B", True),
        (r"\d[^a-z0-9]", 1, "b", False),
        (r"(?>\d{3})-?[a-z]", 3, "-", True),
        (r"(?i:\d)x", 1, "x", True),
        (r"\d(?i:x)", 1, "X", True),
        (r"\d[a-z]", 1, "\u0130", False),
        (r"(\d)\1", 2, ".", True),  # what is not followed may be anything
    ],
)
def test_how_a_match_can_begin(pattern: str, digits: int, behind: str, can: bool) -> None:
    assert Run(re.compile(pattern)).admits(digits, behind) is can


def test_case_is_as_the_pattern_takes_it() -> None:
    assert Run(re.compile(r"\d[a-z]", re.IGNORECASE)).admits(1, "B")
    assert not Run(re.compile(r"\d[a-z]")).admits(1, "B")
    assert not Run(re.compile(r"\dx", re.IGNORECASE)).admits(1, "\u00df")  # two letters in capitals


@given(
    st.sampled_from(["/", "-", r"\d", r"\d{2,4}", "[a-c]", r"\s?", "(?:x|7)", "[^x]", "[0-4]*"]).flatmap(
        lambda part: st.lists(st.just(part) | st.sampled_from([r"\d", r"\w", "-?", "(?:1|a)+"]), max_size=4)
    ),
    st.from_regex(r"[0-9]{1,6}([a-cx/ -][0-9a-cx/ -]{0,6})?", fullmatch=True),
)
def test_what_matches_is_admitted(parts: list[str], text: str) -> None:
    pattern = re.compile("".join(parts))
    run = re.match(r"[0-9]+", text)
    assert run is not None
    if pattern.match(text) is not None:
        assert Run(pattern).admits(run.end(), text[run.end() : run.end() + 1])

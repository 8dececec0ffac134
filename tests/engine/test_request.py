"""What holds text never shows it."""

from __future__ import annotations

import pytest

from clinsynth.engine import Completion, Delta, RefusedRequestError, Request

_SECRET = "Mrs Bloomquist"


@pytest.mark.parametrize(
    "value",
    [
        Request("a", _SECRET),
        Completion("a", 0, _SECRET, (1, 2), "stop"),
        Delta("a", 0, _SECRET, (1,), None, 3),
    ],
)
def test_repr_shows_lengths_not_text(value: object) -> None:
    for shown in (repr(value), str(value), f"{value}"):
        assert "Bloomquist" not in shown
    assert "14" in repr(value)


def test_a_request_for_nothing_is_refused() -> None:
    with pytest.raises(RefusedRequestError, match="n: is 0"):
        Request("a", "x", n=0)

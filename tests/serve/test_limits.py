"""What a key may use: counted when it comes, refused with how long to wait, forgotten when it ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsynth.serve.errors import ApiError
from clinsynth.serve.limits import Limiter
from clinsynth.serve.settings import LimitsConfig
from clinsynth.serve.store.keys import Allowance, Key


def key(name: str = "ward", **own: int) -> Key:
    return Key(name, name, frozenset({"generate"}), 0, allowance=Allowance(**own))


def limiter(**usual: int | None) -> Limiter:
    none = {"requests_per_minute": None, "tokens_per_minute": None, "concurrency": None}
    return Limiter(LimitsConfig(**{**none, **usual}))


def refused(one: Limiter, who: Key) -> ApiError:
    with pytest.raises(ApiError) as error:
        one.enter(who)
    assert error.value.status == 429
    assert 1 <= int(error.value.headers["retry-after"]) <= 60
    return error.value


def test_requests_of_a_minute() -> None:
    one = limiter(requests_per_minute=3)
    for left in (2, 1, 0):
        one.enter(key())
        one.leave(key(), 10)
        assert one.headers(key())["x-ratelimit-remaining-requests"] == str(left)
    error = refused(one, key())
    assert "3 requests a minute" in error.message
    assert error.headers["x-ratelimit-limit-requests"] == "3"
    assert error.headers["x-ratelimit-reset-requests"].endswith("s")
    one.enter(key("another"))


def test_tokens_of_a_minute_count_when_they_are_known() -> None:
    one = limiter(tokens_per_minute=100)
    one.enter(key())
    one.enter(key())
    one.leave(key(), 90)
    one.enter(key())
    one.leave(key(), 500)
    assert one.headers(key())["x-ratelimit-remaining-tokens"] == "0"
    assert "100 tokens a minute" in refused(one, key()).message


def test_requests_at_once() -> None:
    one = limiter(concurrency=2)
    one.enter(key())
    one.enter(key())
    assert "2 requests at once" in refused(one, key()).message
    one.leave(key(), 0)
    one.enter(key())
    assert one.under_way() == 2


def test_a_key_s_own_limits_go_before_the_server_s() -> None:
    one = limiter(requests_per_minute=1, concurrency=1)
    great = key("great", requests_per_minute=5, concurrency=2)
    one.enter(great)
    one.enter(great)
    assert "2 requests at once" in refused(one, great).message


def test_no_limit_is_no_header() -> None:
    one = limiter()
    one.enter(key())
    assert one.headers(key()) == {}


def test_one_that_is_refused_counts_for_nothing() -> None:
    one = limiter(requests_per_minute=2, concurrency=1)
    one.enter(key())
    for _ in range(5):
        refused(one, key())
    one.leave(key(), 0)
    assert one.headers(key())["x-ratelimit-remaining-requests"] == "1"


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 5))
def test_never_more_at_once_than_allowed_and_none_is_lost(moves: list[bool], most: int) -> None:
    one, inside = limiter(concurrency=most), 0
    for comes in moves:
        if comes and inside < most:
            one.enter(key())
            inside += 1
        elif comes:
            refused(one, key())
        elif inside:
            one.leave(key(), 1)
            inside -= 1
        assert one.under_way() == inside <= most

"""What a key may use a minute and at once. Requests count when they come, tokens when they are known."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass
from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from clinsynth.serve.errors import ApiError
from clinsynth.serve.settings import LimitsConfig
from clinsynth.serve.store.keys import Key

_RETRY_SOON: Final = 1  # seconds until one of a key's own requests may have ended


@dataclass(frozen=True, slots=True)
class Allowed:
    """The allowance of one key: its own, and the server's where it has none. None: as much as it likes."""

    requests: RateLimitItemPerMinute | None
    tokens: RateLimitItemPerMinute | None
    concurrency: int | None


class Limiter:
    """Counts by key in windows of a minute. Behind a balancer each server counts for itself."""

    def __init__(self, config: LimitsConfig) -> None:
        self._config = config
        self._windows = FixedWindowRateLimiter(MemoryStorage())
        self._under_way: Counter[str] = Counter()

    def enter(self, key: Key) -> None:
        """Counts a request of ``key``; every one that enters must ``leave``.

        Raises:
            ApiError: 429, with ``Retry-After`` in seconds; the request counts for nothing.
        """
        allowed = self._allowed(key)
        if allowed.concurrency is not None and self._under_way[key.id] >= allowed.concurrency:
            raise self._refusal(
                key, f"{allowed.concurrency} requests at once is this key's limit", _RETRY_SOON
            )
        if allowed.tokens is not None and not self._windows.test(allowed.tokens, "tokens", key.id):
            raise self._refusal(
                key,
                f"{allowed.tokens.amount} tokens a minute is this key's limit",
                self._seconds_left(allowed.tokens, "tokens", key),
            )
        if allowed.requests is not None and not self._windows.hit(allowed.requests, "requests", key.id):
            raise self._refusal(
                key,
                f"{allowed.requests.amount} requests a minute is this key's limit",
                self._seconds_left(allowed.requests, "requests", key),
            )
        self._under_way[key.id] += 1

    def leave(self, key: Key, tokens: int) -> None:
        """A request has ended, and has read and written so many tokens."""
        allowed = self._allowed(key)
        self._under_way[key.id] -= 1
        if not self._under_way[key.id]:
            del self._under_way[key.id]
        if allowed.tokens is not None and tokens:
            self._windows.hit(allowed.tokens, "tokens", key.id, cost=tokens)

    def under_way(self) -> int:
        """Requests of all keys that have entered and not left."""
        return sum(self._under_way.values())

    def headers(self, key: Key) -> dict[str, str]:
        """OpenAI's ``x-ratelimit-*``; the reset is in whole seconds, as ``12s``."""
        allowed, told = self._allowed(key), dict[str, str]()
        for name, item in (("requests", allowed.requests), ("tokens", allowed.tokens)):
            if item is not None:
                left = self._windows.get_window_stats(item, name, key.id).remaining
                told[f"x-ratelimit-limit-{name}"] = str(item.amount)
                told[f"x-ratelimit-remaining-{name}"] = str(max(0, left))
                told[f"x-ratelimit-reset-{name}"] = f"{self._seconds_left(item, name, key)}s"
        return told

    def _refusal(self, key: Key, message: str, seconds: int) -> ApiError:
        headers = {"retry-after": str(seconds), **self.headers(key)}
        return ApiError(429, message, code="rate_limit_exceeded", headers=headers)

    def _seconds_left(self, item: RateLimitItemPerMinute, name: str, key: Key) -> int:
        reset = self._windows.get_window_stats(item, name, key.id).reset_time
        return max(1, math.ceil(reset - time.time()))

    def _allowed(self, key: Key) -> Allowed:
        own, usual = key.allowance, self._config
        return Allowed(
            _a_minute(own.requests_per_minute or usual.requests_per_minute),
            _a_minute(own.tokens_per_minute or usual.tokens_per_minute),
            own.concurrency or usual.concurrency,
        )


def _a_minute(amount: int | None) -> RateLimitItemPerMinute | None:
    return None if amount is None else RateLimitItemPerMinute(amount)

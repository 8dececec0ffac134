"""Ids that sort by the time they were made, so that lists have one order within a second too."""

from __future__ import annotations

import secrets
import time


def new_id(prefix: str) -> str:
    """The prefix and 32 hexadecimal digits: microseconds since 1970, then 72 random bits."""
    return f"{prefix}{time.time_ns() // 1000:014x}{secrets.token_hex(9)}"

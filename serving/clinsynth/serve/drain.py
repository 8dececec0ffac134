"""The end of a server: nothing new is taken, what is under way may end, what is left then is told so."""

from __future__ import annotations

import asyncio
from typing import Final

LAST_WORDS: Final = 2.0
"""Seconds before the end of the grace period in which what is left is answered with 503."""


class Drain:
    """Knows the tasks of all requests under way."""

    def __init__(self) -> None:
        self.has_begun = False
        self.is_over = False
        self._tasks: set[asyncio.Task[object]] = set()

    def begin(self, grace_seconds: float) -> None:
        """Nothing more is taken; ``LAST_WORDS`` before the grace period ends, the rest is cut off."""
        if self.has_begun:
            return
        self.has_begun = True
        after = max(0.0, grace_seconds - LAST_WORDS)
        asyncio.get_running_loop().call_later(after, self._cut_off)

    def enter(self) -> None:
        """The current task is a request under way."""
        self._tasks.add(_current())

    def leave(self) -> None:
        """It is no more."""
        self._tasks.discard(_current())

    def cut_off_me(self) -> bool:
        """Whether the end of the grace period cancelled the current task; takes the cancelling back."""
        task = _current()
        if not self.is_over or task not in self._tasks:
            return False
        task.uncancel()
        return True

    def _cut_off(self) -> None:
        self.is_over = True
        for task in self._tasks:
            task.cancel()


def _current() -> asyncio.Task[object]:
    task = asyncio.current_task()
    assert task is not None, "a request runs in a task"
    return task

"""Progress of long work: done, rate, time left.

One line that updates on a terminal, plain lines elsewhere.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self, TextIO, TypeVar

T = TypeVar("T")

_TERMINAL_SECONDS = 0.2
_PLAIN_SECONDS = 10.0


class Progress:
    """Counts units of work and says how it goes on standard error.

    Args:
        label: what is going on ("training").
        total: units in all, or None when unknown: then no share and no time left.
        unit: plural name of a unit ("notes").
        stream: where to print; standard error by default.
        plain_seconds: least time between two plain lines.
    """

    def __init__(
        self,
        label: str,
        total: int | None = None,
        unit: str = "notes",
        *,
        stream: TextIO | None = None,
        plain_seconds: float = _PLAIN_SECONDS,
    ) -> None:
        self._label, self._total, self._unit = label, total, unit
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty()
        self._interval = _TERMINAL_SECONDS if self._terminal else plain_seconds
        self._start = self._printed = time.monotonic()
        self._done, self._first, self._detail = 0, 0, ""

    def resume_from(self, done: int) -> None:
        """Counts ``done`` units as done before this run: they don't enter the rate."""
        self._done = self._first = done

    def advance(self, units: int = 1, detail: str = "") -> None:
        """Adds finished units; ``detail`` is shown behind the numbers ("loss 3.21")."""
        self._done += units
        self._detail = detail or self._detail
        now = time.monotonic()
        if now - self._printed >= self._interval:
            self._printed = now
            self._print(end="" if self._terminal else "\n")

    def close(self) -> None:
        """Prints the last line."""
        self._print(end="\n")

    def line(self) -> str:
        """The line as it would be printed now."""
        seconds = max(time.monotonic() - self._start, 1e-9)
        rate = (self._done - self._first) / seconds
        parts = [f"{self._label}: {self._done:,}"]
        if self._total is not None:
            share = f" ({self._done / self._total:.0%})" if self._total else ""
            parts[0] += f"/{self._total:,} {self._unit}{share}"
        else:
            parts[0] += f" {self._unit}"
        parts.append(f"{rate:,.0f} {self._unit}/s" if rate >= 10 else f"{rate:.2f} {self._unit}/s")
        if self._total is not None and rate > 0 and self._done < self._total:
            parts.append(f"{clock((self._total - self._done) / rate)} left")
        else:
            parts.append(clock(seconds))
        if self._detail:
            parts.append(self._detail)
        return ", ".join(parts)

    def _print(self, end: str) -> None:
        start = "\r\x1b[K" if self._terminal else ""
        self._stream.write(f"{start}{self.line()}{end}")
        self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def track(items: Iterable[T], label: str, *, total: int | None = None, unit: str = "notes") -> Iterator[T]:
    """``items``, with progress."""
    with Progress(label, total, unit) as progress:
        for item in items:
            yield item
            progress.advance()


def clock(seconds: float) -> str:
    """``75`` -> ``1:15``; ``3700`` -> ``1:01:40``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

"""Asks a detector or an index in such a way that no answer is never taken for a clean one.

What raises, takes too long, or answers with something else than spans inside the text is an error that
withholds the note. Does not know: a call that never gives up Python's lock cannot be interrupted from a
thread; such a call is timed when it comes back, and its answer thrown away if it is late.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from clinsynth.corpus import PHI_LABELS, Span
from clinsynth.errors import GateError

_log = logging.getLogger(__name__)
_LABELS: Final = frozenset(PHI_LABELS)
_WHO: Final = ("detector", "index", "neighbours")
_LOOKS_AT_ONCE: Final = 32  # that many may hang before every further note is withheld unseen


class Finds(Protocol):
    """What ``deid.Detector`` does for the gate."""

    def detect(self, text: str) -> Sequence[Span]:
        """Identifiers in ``text``."""


class FindsCopies(Protocol):
    """What ``overlap.NgramIndex`` does for the gate."""

    def matches(self, text: str) -> Sequence[tuple[int, int]]:
        """Stretches of ``text`` that stand in the training text; may overlap."""


class FindsNeighbours(Protocol):
    """What ``overlap.NeighbourIndex`` does for the gate."""

    def similarity(self, text: str) -> float:
        """How alike ``text`` is to the nearest training note, from 0 to 1."""


class WatchFailedError(GateError):
    """A look failed. ``how`` is ``timeout``, ``wrong_type`` or the type of the error."""

    def __init__(self, who: str, how: str) -> None:
        super().__init__(f"the {who} failed: {how}")
        self.who, self.how = who, how


class Watch:
    """Runs each look in a thread of its own, under a limit of time.

    The threads are daemons: one that hangs holds up neither the next note nor the end of the process.
    """

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self._slots = {who: threading.BoundedSemaphore(_LOOKS_AT_ONCE) for who in _WHO}

    def identifiers(self, detector: Finds, text: str) -> list[Span]:
        """What the detector finds.

        Raises:
            WatchFailedError: it failed in any way.
        """
        found = self._ask("detector", detector.detect, text)
        if not isinstance(found, (list, tuple)) or not all(_is_identifier(s, len(text)) for s in found):
            raise _failed("detector", "wrong_type", text)
        return sorted(found)

    def copies(self, index: FindsCopies, text: str) -> list[tuple[int, int]]:
        """What the index finds.

        Raises:
            WatchFailedError: it failed in any way.
        """
        found = self._ask("index", index.matches, text)
        if not isinstance(found, (list, tuple)) or not all(_is_stretch(s, len(text)) for s in found):
            raise _failed("index", "wrong_type", text)
        return sorted((int(start), int(end)) for start, end in found)

    def similarity(self, neighbours: FindsNeighbours, text: str) -> float:
        """How alike the nearest training note is.

        Raises:
            WatchFailedError: the look failed in any way.
        """
        found = self._ask("neighbours", neighbours.similarity, text)
        if not isinstance(found, float) or not 0 <= found <= 1:  # NaN is no answer
            raise _failed("neighbours", "wrong_type", text)
        return found

    def _ask(self, who: str, look: Callable[[str], Any], text: str) -> Any:
        start = time.monotonic()
        if not self._slots[who].acquire(timeout=self._timeout):
            raise _failed(who, "timeout", text)
        one = _Look(look, text, self._slots[who].release)
        threading.Thread(target=one.run, name=f"gate-{who}", daemon=True).start()
        done = one.done.wait(max(0.0, start + self._timeout - time.monotonic()))
        if not done or time.monotonic() - start > self._timeout:
            raise _failed(who, "timeout", text)
        if one.error is not None:
            raise _failed(who, one.error, text)
        return one.answer


class _Look:
    """One look: runs in a thread, leaves its answer or the type of its error."""

    def __init__(self, look: Callable[[str], Any], text: str, after: Callable[[], None]) -> None:
        self._look, self._text, self._after = look, text, after
        self.done = threading.Event()
        self.answer: Any = None
        self.error: str | None = None

    def run(self) -> None:
        try:
            self.answer = self._look(self._text)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the note stays here
            self.error = type(error).__name__
        finally:
            self._after()
            self.done.set()


def _failed(who: str, how: str, text: str) -> WatchFailedError:
    # The error's own message may quote the note: its type has to do.
    _log.warning("%s failed (%s) on a note of %d characters: withheld", who, how, len(text))
    return WatchFailedError(who, how)


def _is_identifier(span: object, length: int) -> bool:
    return isinstance(span, Span) and span.label in _LABELS and 0 <= span.start < span.end <= length


def _is_stretch(stretch: Any, length: int) -> bool:
    try:
        start, end = map(int, stretch)
    except (TypeError, ValueError):
        return False
    return 0 <= start < end <= length

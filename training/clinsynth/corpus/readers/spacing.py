"""Text from tokens, with the spaces that a writer would have put between them."""

from __future__ import annotations

import re
from typing import Final

_NO_SPACE_BEFORE: Final = re.compile(r"[.,;:!?%)\]}”’']+|['’](?:s|t|d|m|ll|re|ve)", re.IGNORECASE)  # noqa: RUF001
_NO_SPACE_AFTER: Final = frozenset("([{“<>≤≥")
_TIES: Final = frozenset("-/–~^")  # noqa: RUF001 - tie what stands on both sides
_TAILS: Final = frozenset(("s", "t", "d", "m", "ll", "re", "ve"))  # of contractions
_ORDINALS: Final = frozenset(("st", "nd", "rd", "th"))
_QUOTES: Final = frozenset('"')


class Joiner:
    """Builds a text token by token.

    Tokenisers that wrote a corpus split every sign off: ``34 - yr - old`` was ``34-yr-old``, ``3 . 5`` was
    ``3.5``. A sign keeps its spaces where it more likely had some (``a - b`` is lost, a fair price).
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._last: str | None = None  # token before, None at the start of a line
        self._before_last: str | None = None
        self._quote_open = False

    @property
    def text(self) -> str:
        """What was built; without the line break after the last sentence."""
        return "".join(self._parts).rstrip("\n")

    def add(self, token: str) -> tuple[int, int]:
        """Appends a token; gives its start and end in the text."""
        if self._last is not None and self._spaced(token):
            self._push(" ")
        start = self._length
        self._push(token)
        if token in _QUOTES:
            self._quote_open = not self._quote_open
        self._before_last, self._last = self._last, token
        return start, self._length

    def end_sentence(self) -> None:
        """Ends the line; several ends in a row are one."""
        if self._last is not None:
            self._push("\n")
        self._last, self._before_last, self._quote_open = None, None, False

    def _push(self, part: str) -> None:
        self._parts.append(part)
        self._length += len(part)

    def _spaced(self, token: str) -> bool:
        last, before = self._last or "", self._before_last
        if _NO_SPACE_BEFORE.fullmatch(token) or last in _NO_SPACE_AFTER or token in _TIES:
            return False
        if last in _TIES and before is not None:
            return False
        if last in ("'", "’") and token.lower() in _TAILS:  # noqa: RUF001
            return False
        if last[-1:].isdigit() and token in _ORDINALS:
            return False
        if last in (".", ",") and token[:1].isdigit() and (before or "")[-1:].isdigit():
            # A decimal point ties; a comma does before three digits: thousands are likelier than a list.
            return last == "," and not (len(token) == 3 and token.isdigit())
        if token in _QUOTES:
            return not self._quote_open
        return not (last in _QUOTES and self._quote_open)

"""The keyed pseudo-random map: what is drawn follows from the key, the patient and what was written.

HMAC-SHA-256 under the key gives every draw its seed. Who has the surrogates and not the key can neither
compute nor check an original by it.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

TRIES: Final = 64  # (2/3)**64 is 5e-12
_CLASSES: Final = 3


@dataclass(frozen=True, slots=True, repr=False)
class Keyed:
    """Draws for one patient.

    Args:
        key: the only secret.
        owner: the patient, or the note where no patient is known.
    """

    key: bytes
    owner: str

    def random(self, kind: str, identity: str, again: int = 0) -> Random:
        """Random numbers for an identity; others for each ``again``."""
        return Random(self._digest(kind, identity, str(again)))

    def number(self, kind: str, identity: str, below: int) -> int:
        """A number from 0 to ``below`` (exclusive), much faster than ``random``."""
        return int.from_bytes(self._digest(kind, identity)[:8], "big") % below

    def draw(self, kind: str, written: str, invent: Callable[[Random], str]) -> str | None:
        """What ``invent`` gives for ``written``, in whatever case and with whatever separators it stands.

        The key sorts all texts into three classes, and a value is of the class after that of its original.
        So it is never the original, and the value of a value is not the original either.

        Returns:
            None, where ``invent`` gives nothing of that class.
        """
        identity = normal(written)
        wanted = (self._class(identity) + 1) % _CLASSES
        for again in range(TRIES):
            value = invent(self.random(kind, identity, again))
            if self._class(normal(value)) == wanted:
                return value
        return None

    def _class(self, identity: str) -> int:
        return self.number("class", identity, _CLASSES)

    def _digest(self, *parts: str) -> bytes:
        return hmac.digest(self.key, "\0".join((self.owner, *parts)).encode(), hashlib.sha256)


def normal(text: str) -> str:
    """The letters and digits of ``text``, without case: two ways to write one thing are equal."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))

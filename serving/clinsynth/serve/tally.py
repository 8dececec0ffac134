"""What one request used: routes add to it, the doorkeeper writes it into audit, metrics and limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.types import Scope

_NAME: Final = "clinsynth.tally"


@dataclass(slots=True)
class Tally:
    """Counts of one request.

    Args:
        model: the name of the server's model that was asked.
        notes: notes or choices answered, the withheld ones among them.
    """

    model: str | None = None
    notes: int = 0
    withheld: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def add(self, prompt_tokens: int, completion_tokens: int) -> None:
        """Tokens read and written."""
        self.prompt_tokens += prompt_tokens
        self.completion_tokens += completion_tokens

    def answer(self, *, withheld: bool) -> None:
        """A note or a choice has been answered."""
        self.notes += 1
        self.withheld += withheld


def begin_tally(scope: Scope) -> Tally:
    """A new tally for a request."""
    tally = scope[_NAME] = Tally()
    return tally


def tally_of(scope: Scope) -> Tally:
    """The request's tally; one that nobody reads where no doorkeeper began it."""
    found = scope.get(_NAME)
    return found if isinstance(found, Tally) else Tally()

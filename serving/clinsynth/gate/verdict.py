"""What the gate says of a note: a decision and its reasons, by place, never by text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from clinsynth.corpus import Note

Decision = Literal["pass", "repair", "reject"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a note was changed or withheld.

    Args:
        code: one of ``markup`` (``detail`` is the parser's name for the problem or the repair),
            ``identifier`` (``detail`` is its label), ``identifier_after_surrogates`` (the same),
            ``identifier_in_header`` (``detail`` is the attribute), ``copied``, ``near_neighbour``
            (``detail`` is the estimated similarity), ``too_short``, ``too_long``, ``few_entities``,
            ``repeated_lines``, ``repeated_ngrams``, ``changed_after_release`` (in a stream),
            ``detector_failed``, ``index_failed``, ``neighbours_failed`` and ``surrogates_failed``
            (``detail`` is how: ``timeout``, ``wrong_type`` or the type of the error).
        start: where, in characters of the text that was looked at; 0 and 0 mean the whole note.
        detail: a label, a count or a share. Never text of the note.
        rejects: the note is withheld for it; otherwise it was mended.
    """

    code: str
    start: int = 0
    end: int = 0
    detail: str = ""
    rejects: bool = True

    @property
    def key(self) -> str:
        """What reasons are counted under: ``identifier:PHONE``, ``markup:truncated``, ``copied``."""
        return f"{self.code}:{self.detail}" if self.code in _COUNTED_BY_DETAIL else self.code

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


_COUNTED_BY_DETAIL = frozenset(
    {
        "markup", "identifier", "identifier_after_surrogates", "identifier_in_header", "detector_failed",
        "index_failed", "neighbours_failed", "surrogates_failed",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision and all reasons found."""

    decision: Decision
    reasons: tuple[Reason, ...] = ()

    @classmethod
    def of(cls, reasons: Iterable[Reason]) -> Verdict:
        """Reject when a reason asks for it, repair when there is any other, else pass."""
        found = tuple(reasons)
        if any(reason.rejects for reason in found):
            return cls("reject", found)
        return cls("repair" if found else "pass", found)


@dataclass(frozen=True, slots=True)
class Released:
    """What came through: the note, or None when it is withheld, and why."""

    note: Note | None
    verdict: Verdict

    def __post_init__(self) -> None:
        assert (self.note is None) == (self.verdict.decision == "reject"), "a rejected note stays here"

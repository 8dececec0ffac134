"""The gate for a continuation: the answer is looked at alone and together with the prompt it goes on from.

A number alone may be nothing and behind "MRN:" an identifier; two halves of a copy may each be short. What
shows only in the whole withholds the answer, since the prompt is the client's and can't be mended.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final

from clinsynth.corpus import Attributes, Note
from clinsynth.gate import Gate, Mode, Reason, Released, Verdict
from clinsynth.tokens.special import NOTE, TEXT
from clinsynth.tokens.template import Parsed, parse

_FAILED: Final = frozenset({"detector_failed", "index_failed", "neighbours_failed"})


def body_of(prompt: str) -> str:
    """The part of a prompt that is a note's body."""
    _, mark, body = prompt.rpartition(TEXT)
    return body if mark else prompt.removeprefix(NOTE)


def release_continuation(
    gate: Gate, body: str, answer: Parsed, mode: Mode, key: bytes, entity_labels: Collection[str]
) -> Released:
    """What may leave of ``answer``, which goes on from ``body``."""
    released = gate.release(answer, mode, key, note_id="completion", attributes=Attributes())
    if released.note is None or not body.strip():
        return released
    before = parse(body, entity_labels=entity_labels, finished=True)
    boundary = len(before.text)
    tags = (replace(span, start=span.start + boundary, end=span.end + boundary) for span in answer.phi)
    whole = Note("context", before.text + answer.text, phi=(*before.phi, *tags))
    found = list(_in_context(gate.check(whole), released.verdict, boundary))
    if not found:
        return released
    return Released(None, Verdict.of((*released.verdict.reasons, *found)))


def _in_context(whole: Verdict, alone: Verdict, boundary: int) -> Iterator[Reason]:
    """Reasons against the whole that reach into the answer and were not found, and mended, in it alone."""
    mended = [(r.start + boundary, r.end + boundary) for r in alone.reasons if r.code == "identifier"]
    for reason in whole.reasons:
        if reason.code in _FAILED or reason.code == "near_neighbour":
            yield reason
        elif reason.code == "copied" and reason.end > boundary:
            yield Reason("copied", 0, reason.end - boundary, reason.detail)
        elif reason.code == "identifier" and reason.end > boundary:
            place = (reason.start, reason.end)
            if not any(start <= place[0] and place[1] <= end for start, end in mended):
                yield Reason("identifier", 0, reason.end - boundary, reason.detail)

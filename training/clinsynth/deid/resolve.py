"""From what many recognisers find to spans that do not overlap.

1. Of two findings with the same place, the label higher in ``PRIORITY`` stays.
2. A finding within a longer one goes: the surname in ``12 Baker Street``, the number in a web address.
3. Where findings cross, the higher label keeps its whole and the others what is beside it.

So every character that any recogniser found is covered in the end.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

from clinsynth.corpus import PHI_LABELS, Span
from clinsynth.deid.tags import outside

PRIORITY: Final = (
    "EMAIL", "URL", "PHOTO", "BIOMETRIC",  # a form of their own
    "SSN", "FAX", "MRN", "HEALTH_PLAN", "ACCOUNT", "LICENSE", "VEHICLE", "DEVICE",  # told by a word before
    "IP", "PHONE", "DATE", "AGE", "LOCATION", "NAME", "OTHER_ID",
)  # fmt: skip
"""Which label wins when two findings meet: a fax number has a telephone number's form, the word decides."""

_RANK: Final = {label: rank for rank, label in enumerate(PRIORITY)}
assert set(PRIORITY) == set(PHI_LABELS)


def resolve(text: str, findings: Iterable[Span]) -> list[Span]:
    """The findings without overlaps, sorted; what is left of one has no blanks or marks at its edges."""
    longest = list(_longest(findings))
    if all(before.end <= span.start for before, span in pairwise(longest)):
        return longest
    taken: list[Span] = []
    for span in sorted(longest, key=lambda s: (_RANK[s.label], s.start - s.end, s.start)):
        parts = list(outside(span, taken))
        for part in parts if parts == [span] else _trimmed(text, parts):
            insort(taken, part)
    return taken


def _longest(findings: Iterable[Span]) -> Iterator[Span]:
    """The findings that lie within no other; of several with the same place the first in rank."""
    covered = 0
    for span in sorted(findings, key=lambda s: (s.start, -s.end, _RANK[s.label])):
        if span.end > covered:
            covered = span.end
            yield span


def _trimmed(text: str, parts: Iterable[Span]) -> Iterator[Span]:
    for part in parts:
        start, end = part.start, part.end
        while start < end and not text[start].isalnum():
            start += 1
        while start < end and not text[end - 1].isalnum():
            end -= 1
        if start < end:
            yield Span(start, end, part.label)

"""From what many recognisers find to spans that do not overlap.

1. Of two findings with the same place, the label higher in ``PRIORITY`` stays.
2. A finding within a longer one goes: the surname in ``12 Baker Street``, the number in a web address.
3. Where two findings cross, the higher label keeps its whole and the other what is beside it.

So every character that any recogniser found is covered in the end.
"""

from __future__ import annotations

from collections.abc import Iterable
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
    """The findings without overlaps, sorted."""
    longest_first = sorted(set(findings), key=lambda s: (s.start, -s.end, _RANK[s.label]))
    kept: list[Span] = []
    for span in longest_first:
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
        elif span.end > kept[-1].end:
            _cross(text, kept, span)
    return kept


def _cross(text: str, kept: list[Span], span: Span) -> None:
    last = kept[-1]
    if _RANK[span.label] < _RANK[last.label]:
        kept[-1:] = [*_beside(text, last, span), span]
    else:
        kept += _beside(text, span, last)


def _beside(text: str, span: Span, winner: Span) -> list[Span]:
    """What of ``span`` lies beside ``winner``, without blanks and marks at its edges."""
    parts = []
    for part in outside(span, [winner]):
        start, end = part.start, part.end
        while start < end and not text[start].isalnum():
            start += 1
        while start < end and not text[end - 1].isalnum():
            end -= 1
        if start < end:
            parts.append(Span(start, end, part.label))
    return parts

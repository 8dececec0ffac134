"""What the rules find and what the model finds, made one list of findings.

1. What a rule found by a form of its own, or by a word that tells (a score of ``TOLD`` or more), keeps its
   label: the model keeps what is beside it. The number behind "MRN" is no telephone number.
2. Of the same label, findings that meet become one: "Okafor" of a rule and "Ada Okafor" of the model.
3. Elsewhere both stand, and ``resolve`` decides by length and ``PRIORITY``.
4. Names that the model sees and that cannot be any go: without two letters in a row, or of words that are
   eponyms or everyday words before what follows an eponym ("Foley catheter").

So the union is covered but for (4). Within the model a word has one label, the likeliest: where NAME and
LOCATION compete, the probabilities decide.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from clinsynth.corpus import Span
from clinsynth.deid.lexicons import first_names, word_list
from clinsynth.deid.recognizers.name_cues import EPONYM_AFTER
from clinsynth.deid.recognizers.rules import TOLD
from clinsynth.deid.tags import merged, outside

_INNER: Final = re.compile(r"[^\W_](?:.*[^\W_])?", re.DOTALL)
_WORDS: Final = re.compile(r"[^\W\d_]{2,}")


def joined(text: str, rules: Sequence[tuple[Span, float]], model: Sequence[Span]) -> list[Span]:
    """Findings of both; they may overlap.

    Args:
        rules: findings with their scores.
        model: sorted, not overlapping.
    """
    if not model:
        return [span for span, _ in rules]
    told = merged(span for span, score in rules if score >= TOLD)
    by_label: dict[str, list[Span]] = {}
    for span, _ in rules:
        by_label.setdefault(span.label, []).append(span)
    alike = {label: merged(spans) for label, spans in by_label.items()}
    findings = [span for span, _ in rules]
    for span in model:
        if not plausible(text, span):
            continue
        whole = _widened(span, alike.get(span.label, ()))
        others = [t for t in told if t.label != span.label]
        findings += [t for part in outside(whole, others) if (t := _trimmed(text, part))]
    return findings


def plausible(text: str, span: Span) -> bool:
    """Could the model be right? Only names are doubted."""
    if span.label != "NAME":
        return True
    words = [word.lower() for word in _WORDS.findall(text, span.start, span.end)]
    if not words:
        return False
    known, everyday = word_list("eponyms"), word_list("ordinary")
    if not all(word in known or word in everyday for word in words):
        return True
    if len(words) > 1 and any(word in first_names() for word in words):
        return True
    return EPONYM_AFTER.match(text, span.end) is None


def _trimmed(text: str, part: Span) -> Span | None:
    """Without blanks and marks at its edges; None: nothing is left."""
    inner = _INNER.search(text, part.start, part.end)
    return None if inner is None else Span(inner.start(), inner.end(), part.label)


def _widened(span: Span, same: Sequence[Span]) -> Span:
    """The span together with those of its label that it meets (sorted, apart)."""
    start, end = span.start, span.end
    for i in range(bisect_right(same, span.start, key=lambda s: s.end), len(same)):
        if same[i].start >= span.end:
            break
        start, end = min(start, same[i].start), max(end, same[i].end)
    return Span(start, end, span.label)

"""Spans of a row: checked against the text, mapped to our labels, freed of overlaps."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any

from clinsynth.corpus.note import Span
from clinsynth.corpus.readers.options import ReadStats


def entity_spans(
    value: Any, length: int, labels: Mapping[str, str] | None, stats: ReadStats
) -> tuple[Span, ...]:
    """Entities of a text of ``length`` characters; of two that overlap the longer stays, then the earlier.

    Raises:
        ValueError: names the span that is malformed or lies outside the text.
    """
    if value is None:
        return ()
    spans = _parse(value, "entities", length)
    if labels is not None:
        listed = [Span(s.start, s.end, labels[s.label]) for s in spans if s.label in labels]
        stats.spans_dropped["label_not_listed"] += len(spans) - len(listed)
        spans = listed
    kept = longest_first(spans)
    stats.spans_dropped["overlapping"] += len(spans) - len(kept)
    return tuple(kept)


def phi_spans(value: Any, length: int, stats: ReadStats) -> tuple[Span, ...]:
    """Identifiers; those that overlap become one, since every character of an identifier must go.

    Raises:
        ValueError: as ``entity_spans``.
    """
    if value is None:
        return ()
    spans = _parse(value, "phi", length)
    merged = merge(spans)
    stats.repaired["phi_merged"] += len(spans) - len(merged)
    return tuple(merged)


def longest_first(spans: list[Span]) -> list[Span]:
    """The spans that stay when longer ones win over those they overlap; sorted by start."""
    ordered = sorted(spans)
    if all(a.end <= b.start for a, b in itertools.pairwise(ordered)):
        return ordered
    kept: list[Span] = []
    for span in sorted(ordered, key=lambda s: (s.start - s.end, s)):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept)


def merge(spans: list[Span]) -> list[Span]:
    """Overlapping spans as one, under the label of the longest; sorted by start."""
    merged: list[tuple[Span, int]] = []  # with the length of the span that gave the label
    for span in sorted(spans):
        size = span.end - span.start
        if merged and span.start < merged[-1][0].end:
            before, longest = merged[-1]
            label = span.label if size > longest else before.label
            merged[-1] = (Span(before.start, max(before.end, span.end), label), max(size, longest))
        else:
            merged.append((span, size))
    return [span for span, _ in merged]


def _parse(value: Any, name: str, length: int) -> list[Span]:
    if isinstance(value, str):  # how CSV holds a list
        try:
            value = json.loads(value)
        except ValueError:
            raise ValueError(f"field {name} is a string that is not JSON") from None
    if not isinstance(value, list):
        raise ValueError(f"field {name} is not a list of spans")
    return [_span(item, f"{name}[{i}]", length) for i, item in enumerate(value)]


def _span(item: Any, place: str, length: int) -> Span:
    if not isinstance(item, Mapping):
        raise ValueError(f"{place} is not an object with start, end, label")
    for key, kind in (("start", int), ("end", int), ("label", str)):
        if item.get(key) is None:
            raise ValueError(f"{place} has no {key}")
        if not isinstance(item[key], kind) or isinstance(item[key], bool):
            raise ValueError(f"{place}.{key} is a {type(item[key]).__name__}")
    start, end = item["start"], item["end"]
    if not 0 <= start < end:
        raise ValueError(f"{place} is {start}-{end}: needs 0 <= start < end")
    if end > length:
        raise ValueError(f"{place}.end is {end}, past the text ({length} characters)")
    return Span(start, end, item["label"])

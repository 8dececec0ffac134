"""What comes into a text: segments with their label, and the place that they take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, repr=False)
class Segment:
    """A stretch of text to be put in; ``label`` is empty where it is no identifier."""

    text: str
    label: str = ""


@dataclass(frozen=True, repr=False)
class Change:
    """Characters ``start`` to ``end`` of a note, and what comes in their place."""

    start: int
    end: int
    segments: tuple[Segment, ...]

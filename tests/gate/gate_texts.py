"""Invented texts, and a detector that can be seen through: numbers, addresses and one invented name."""

from __future__ import annotations

import re

from clinsynth.corpus import Span

_RULES = (
    ("PHONE", re.compile(r"\b\d{3}-\d{3}-\d{4}\b")),
    ("EMAIL", re.compile(r"\b[\w.]+@[\w.]+\w")),
    ("NAME", re.compile(r"\bZebulon(?: Quist)?\b")),
)

TRAINED = (
    "The patient was walked around the ward twice this morning by two nurses and one student, who wrote "
    "down that he asked for a second cup of tea, sat up for most of the afternoon, watched the boats on "
    "the river, and slept through the night without any need for the oxygen that stood beside his bed."
)

CLEAN = "He slept well. The cough is better, the chest is clear, and he may go home on Friday.<|end|>"


class RuleDetector:
    """Finds what ``_RULES`` say."""

    def detect(self, text: str) -> list[Span]:
        return sorted(Span(*m.span(), label) for label, rule in _RULES for m in rule.finditer(text))

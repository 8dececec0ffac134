"""What the recognisers share: a rule is a pattern, a label, and how sure a match is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Final

from clinsynth.deid.engine import LANGUAGE, Tokens
from clinsynth.deid.presidio import EntityRecognizer, RecognizerResult
from clinsynth.deid.recognizers.anchors import Anchor
from clinsynth.deid.recognizers.dispatch import Dispatch

Finding = tuple[str, int, int, float]
"""Label, start, end, score."""

SURE: Final = 0.9
"""A form that nothing else has."""
TOLD: Final = 0.7
"""A form with a word before it that says what it is."""
LIKELY: Final = 0.5
"""A form alone."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Text that ``pattern`` matches is an identifier.

    Args:
        pattern: its group ``id`` is the identifier, or without one the whole match. No look-behind of
            variable length, no nested repeats: time must grow with the length of the text alone.
        folded: match the lower-cased text (a pattern in lower case is faster than one that ignores case).
        accept: a last look at a match; false lets it go.
        anchor: where the pattern is tried; left out, at the words, digits and marks with which it begins.
    """

    label: str
    pattern: re.Pattern[str]
    score: float = TOLD
    folded: bool = False
    accept: Callable[[re.Match[str]], bool] | None = None
    anchor: Anchor | None = None

    @property
    def group(self) -> str | int:
        """Which group of the pattern is the identifier."""
        return "id" if "id" in self.pattern.groupindex else 0


class RuleRecognizer(EntityRecognizer):  # type: ignore[misc]
    """A family of rules as a recogniser of Presidio."""

    RULES: ClassVar[Sequence[Rule]] = ()
    LABELS: ClassVar[tuple[str, ...]] = ()
    """Labels beside those of the rules."""

    def __init__(self) -> None:
        labels = dict.fromkeys([rule.label for rule in self.RULES] + list(self.LABELS))
        super().__init__(supported_entities=list(labels), supported_language=LANGUAGE)
        self._rules = dispatch(tuple(self.RULES))

    def load(self) -> None:
        """Nothing to load: the rules are compiled with the module."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any) -> list[Any]:
        """What the rules find, as Presidio's results; overlaps are left to the detector."""
        tokens = nlp_artifacts if isinstance(nlp_artifacts, Tokens) else Tokens(text)
        return [
            RecognizerResult(label, start, end, score)
            for label, start, end, score in self.findings(tokens)
            if label in entities
        ]

    def findings(self, tokens: Tokens) -> Iterator[Finding]:
        """Label, start, end and score of each finding."""
        for rule, match in self._rules.matches(tokens):
            start, end = match.span(rule.group)
            if start < end and (rule.accept is None or rule.accept(match)):
                yield rule.label, start, end, rule.score


@cache
def dispatch(rules: tuple[Rule, ...]) -> Dispatch[Rule]:
    """Made once for a family: all its patterns are parsed for it."""
    return Dispatch(rules)

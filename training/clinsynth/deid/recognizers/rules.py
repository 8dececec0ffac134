"""What the recognisers share: a rule is a pattern, a label, and how sure a match is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Final

from clinsynth.deid.engine import LANGUAGE, Tokens
from clinsynth.deid.presidio import EntityRecognizer, RecognizerResult
from clinsynth.deid.recognizers.anchors import Anchor
from clinsynth.deid.recognizers.dispatch import Dispatch, Finding, Form

SURE: Final = 0.9
"""A form that nothing else has."""
TOLD: Final = 0.7
"""A form with a word before it that says what it is."""
LIKELY: Final = 0.5
"""A form alone."""
POSSIBLE: Final = 0.3
"""Below the usual threshold: for those who would rather lose a word than miss an identifier."""


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

    def weigh(self, _: Tokens, match: re.Match[str]) -> Sequence[Finding]:
        """The identifier in a match."""
        start, end = match.span("id" if "id" in self.pattern.groupindex else 0)
        if start < end and (self.accept is None or self.accept(match)):
            return ((self.label, start, end, self.score),)
        return ()


class RuleRecognizer(EntityRecognizer):  # type: ignore[misc]
    """A family of forms as a recogniser of Presidio."""

    RULES: ClassVar[Sequence[Rule]] = ()
    LABELS: ClassVar[tuple[str, ...]] = ()
    """Labels beside those of the rules."""

    def __init__(self) -> None:
        labels = dict.fromkeys([rule.label for rule in self.RULES] + list(self.LABELS))
        super().__init__(supported_entities=list(labels), supported_language=LANGUAGE)

    def load(self) -> None:
        """Nothing to load: the rules are compiled with the module."""

    def forms(self) -> tuple[Form, ...]:
        """What this family looks for."""
        return tuple(self.RULES)

    def judge(self, tokens: Tokens) -> Any:
        """What its forms need to know of a text to weigh a match."""
        return tokens

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any) -> list[Any]:
        """What the family finds, as Presidio's results; overlaps are left to the detector."""
        tokens = nlp_artifacts if isinstance(nlp_artifacts, Tokens) else Tokens(text)
        forms = self.forms()
        matches = ((forms[slot], match) for slot, match in dispatch(forms).matches(tokens))
        return [
            RecognizerResult(label, start, end, score)
            for label, start, end, score in self.findings(tokens, matches)
            if label in entities
        ]

    def findings(self, tokens: Tokens, matches: Iterable[tuple[Form, re.Match[str]]]) -> list[Finding]:
        """What is an identifier in ``matches``, those of all its forms."""
        judge = self.judge(tokens)
        return [finding for form, match in matches for finding in form.weigh(judge, match)]


@lru_cache(maxsize=32)
def dispatch(forms: tuple[Form, ...]) -> Dispatch:
    """Made once for the same forms: their patterns are parsed for it."""
    return Dispatch(forms)

"""No finding is lost in silence: every recogniser answers, with places inside the text, or the note stays.

The recognisers are Presidio's and ours, asked one after the other. Presidio's own ``AnalyzerEngine`` would
do that, too; but it takes an answer of None for "nothing found", leaves recognisers out with a line in a
log, passes on errors whose message may quote the note, compares each result with each, and reads the text
once for every recogniser (docs/decisions/041).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from clinsynth.deid.engine import Tokens
from clinsynth.deid.recognizers.dispatch import Finding, Form
from clinsynth.deid.recognizers.rules import RuleRecognizer, dispatch
from clinsynth.errors import GateError

Matches = list[tuple[Form, re.Match[str]]]


class WatchedAnalyzer:
    """Recognisers whose answers are checked; the forms of ours are looked for in one pass.

    Args:
        recognizers: those that look for none of ``labels`` are left out.
        labels: what to look for.
        score_threshold: findings less sure are dropped.

    Raises:
        GateError: no recogniser looks for one of ``labels``.
    """

    def __init__(self, recognizers: Sequence[Any], labels: Sequence[str], score_threshold: float) -> None:
        self._labels, self._score_threshold = frozenset(labels), score_threshold
        asked = [one for one in recognizers if not self._labels.isdisjoint(one.supported_entities)]
        looked_for = {label for recognizer in asked for label in recognizer.supported_entities}
        if missing := [label for label in labels if label not in looked_for]:
            raise GateError(f"no recogniser looks for {', '.join(missing)}")
        for recognizer in asked:
            if not recognizer.is_loaded:
                recognizer.load()
        self._ours = [one for one in asked if isinstance(one, RuleRecognizer)]
        self._others = [one for one in asked if not isinstance(one, RuleRecognizer)]
        forms = [(form, number) for number, one in enumerate(self._ours) for form in one.forms()]
        self._owners = forms
        self._dispatch = dispatch(tuple(form for form, _ in forms))

    def analyze(self, tokens: Tokens) -> list[Finding]:
        """What all recognisers find in a text.

        Raises:
            GateError: one raised, or answered with something else than results inside the text.
        """
        matches: list[Matches] = [[] for _ in self._ours]
        for slot, match in self._dispatch.matches(tokens):
            form, number = self._owners[slot]
            matches[number].append((form, match))
        found: list[Finding] = []
        for recognizer, seen in zip(self._ours, matches, strict=True):
            found += self._checked(recognizer, tokens, seen)
        for recognizer in self._others:
            found += self._checked(recognizer, tokens, None)
        return [finding for finding in found if finding[3] >= self._score_threshold]

    def _checked(self, recognizer: Any, tokens: Tokens, seen: Matches | None) -> list[Finding]:
        try:
            found = self._ask(recognizer, tokens) if seen is None else self._weigh(recognizer, tokens, seen)
            end_of_text, labels, inside = len(tokens.text), self._labels, True
            for label, start, end, _ in found:
                inside = inside and 0 <= start < end <= end_of_text and label in labels
        except Exception as error:  # noqa: BLE001 - whatever it is, the note must not pass
            failed = f"{recognizer.name} failed ({type(error).__name__}): the note is withheld"
            raise GateError(failed) from None
        if not inside:
            raise GateError(
                f"{recognizer.name} found something that is not in the text: the note is withheld"
            )
        return found

    def _weigh(self, family: RuleRecognizer, tokens: Tokens, seen: Matches) -> list[Finding]:
        return [finding for finding in family.findings(tokens, seen) if finding[0] in self._labels]

    def _ask(self, recognizer: Any, tokens: Tokens) -> list[Finding]:
        results = recognizer.analyze(text=tokens.text, entities=list(self._labels), nlp_artifacts=tokens)
        return [(result.entity_type, result.start, result.end, result.score) for result in results]

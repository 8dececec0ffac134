"""No finding is lost in silence: every recogniser answers, with places inside the text, or the note stays.

Presidio takes an answer of None for "nothing found", leaves recognisers out with a line in a log, drops
results whose mark is not that of a recogniser it asked, and passes on errors whose message may quote the
note.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clinsynth.deid.engine import LANGUAGE, NoEnhancer, TokenEngine, Tokens
from clinsynth.deid.presidio import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult
from clinsynth.errors import GateError


class Watched(EntityRecognizer):  # type: ignore[misc]
    """A recogniser whose answer is checked and whose having answered is recorded with the text's tokens."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        super().__init__(
            supported_entities=list(inner.supported_entities), name=inner.name, supported_language=LANGUAGE
        )
        self._mark = {
            RecognizerResult.RECOGNIZER_NAME_KEY: self.name,
            RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
        }

    def load(self) -> None:
        """Loads the recogniser."""
        self._inner.load()

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any) -> list[Any]:
        """What the recogniser finds.

        Raises:
            GateError: it raised, or answered with something else than results inside the text.
        """
        try:
            results = list(self._inner.analyze(text=text, entities=entities, nlp_artifacts=nlp_artifacts))
            inside = all(0 <= r.start < r.end <= len(text) and r.entity_type in entities for r in results)
        except Exception as error:  # noqa: BLE001 - whatever it is, the note must not pass
            raise GateError(f"{self.name} failed ({type(error).__name__}): the note is withheld") from None
        if not inside:
            raise GateError(f"{self.name} found something that is not in the text: the note is withheld")
        for result in results:  # Presidio drops, silently, what bears the mark of no recogniser it asked
            result.recognition_metadata = self._mark
        nlp_artifacts.answered.add(self.id)
        return results


class WatchedAnalyzer:
    """Presidio's ``AnalyzerEngine`` over an explicit registry, each recogniser watched.

    Args:
        recognizers: those that look for none of ``labels`` are left out.
        labels: what to look for.
        score_threshold: findings less sure are dropped.

    Raises:
        GateError: no recogniser looks for one of ``labels``.
    """

    def __init__(self, recognizers: Sequence[Any], labels: Sequence[str], score_threshold: float) -> None:
        wanted = frozenset(labels)
        watched = [Watched(one) for one in recognizers if not wanted.isdisjoint(one.supported_entities)]
        looked_for = {label for recognizer in watched for label in recognizer.supported_entities}
        if missing := [label for label in labels if label not in looked_for]:
            raise GateError(f"no recogniser looks for {', '.join(missing)}")
        self._labels, self._score_threshold = list(labels), score_threshold
        self._expected = {recognizer.id for recognizer in watched}
        self._engine = AnalyzerEngine(
            registry=RecognizerRegistry(recognizers=watched, supported_languages=[LANGUAGE]),
            nlp_engine=TokenEngine(),
            context_aware_enhancer=NoEnhancer(),
            supported_languages=[LANGUAGE],
        )

    def analyze(self, tokens: Tokens) -> list[Any]:
        """Presidio's results for a text.

        Raises:
            GateError: a recogniser failed, or was not asked.
        """
        results: list[Any] = self._engine.analyze(
            tokens.text,
            language=LANGUAGE,
            entities=self._labels,
            score_threshold=self._score_threshold,
            nlp_artifacts=tokens,
        )
        if tokens.answered != self._expected:
            raise GateError(f"{len(self._expected - tokens.answered)} recognisers were not asked")
        return results

"""What we use of Presidio, imported without the model libraries that it would bring along.

``presidio_analyzer`` tries ``import transformers`` for recognisers that are not used here, and ``import
torch`` to ask for a GPU: seconds for each worker process. Where they are not loaded already, they are
hidden while Presidio is imported; Presidio does without them, as it does where they are not installed.
"""

from __future__ import annotations

from clinsynth.deid.hidden import hidden

with hidden("transformers", "torch"):
    from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult
    from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer
    from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine

__all__ = [
    "AnalyzerEngine",
    "ContextAwareEnhancer",
    "EntityRecognizer",
    "NlpArtifacts",
    "NlpEngine",
    "RecognizerRegistry",
    "RecognizerResult",
]

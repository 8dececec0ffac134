"""The gate for text that comes piece by piece. This form holds the whole note back until it has ended."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from clinsynth.gate.verdict import Released
from clinsynth.tokens.special import ENTITY_LABELS
from clinsynth.tokens.template import Parsed, parse

_END_OF_STREAM: Final = "the stream has ended"


class StreamGate:
    """Takes what the model writes as it comes; gives out what no later token can change.

    Whether a stretch is copied, or a word a name, may turn on what follows; so nothing leaves before the
    end.

    Args:
        release: what the gate does with the whole (``Gate.release`` with mode and key filled in).
        prompt: what the model was given; the text goes on from it.
        entity_labels: those of the model's tokenizer.
    """

    def __init__(
        self,
        release: Callable[[Parsed], Released],
        *,
        prompt: str = "",
        entity_labels: Collection[str] = ENTITY_LABELS,
    ) -> None:
        self._release, self._labels = release, entity_labels
        self._pieces = [prompt]
        self._ended = False

    def feed(self, piece: str) -> str:
        """Takes a piece; what may leave now."""
        assert not self._ended, _END_OF_STREAM
        self._pieces.append(piece)
        return ""

    def finish(self, *, finished: bool = False) -> Released:
        """Ends the note; ``finished`` as in ``tokens.template.parse``."""
        assert not self._ended, _END_OF_STREAM
        self._ended = True
        text, self._pieces = "".join(self._pieces), []
        return self._release(parse(text, entity_labels=self._labels, finished=finished))

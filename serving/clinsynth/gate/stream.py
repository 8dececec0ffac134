"""The gate for text that comes piece by piece.

Whether a stretch is copied, a word a name, or a note too alike to a training note may turn on what follows,
so by default nothing leaves before the end: then a stream gives exactly what the whole text would. With a
``preview`` text leaves earlier, and may have to be withdrawn (docs/decisions/044).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Final

from clinsynth.gate.verdict import Reason, Released, Verdict
from clinsynth.tokens.special import ENTITY_LABELS
from clinsynth.tokens.template import Parsed, parse

Look = Callable[[Parsed], Released]

_END_OF_STREAM: Final = "the stream has ended"
_STRIDE: Final = 200
"""Fewest characters between two looks."""
_GROWTH: Final = 4
"""And at least a quarter of what was looked at before: together the looks read five times the text."""
_ENDS: Final = re.compile(r"\n|[.;!?](?=\s)")


class StreamGate:
    """Takes what the model writes as it comes; ``finish`` gives the verdict on the whole.

    With a ``preview``, what two looks in a row agree on leaves: the first at the text up to some end of a
    line or sentence, the second at the text up to a later one. What has left is always the beginning of the
    note that ``finish`` gives, or ``finish`` gives none, with the reasons of the whole or
    ``changed_after_release``. Without one, nothing leaves before.

    Args:
        release: what the gate does with the whole (``Gate.release`` with mode and key filled in).
        prompt: what the model was given; the text goes on from it.
        entity_labels: those of the model's tokenizer.
        preview: ``release`` of a gate that counts for itself (``Gate.under``).
    """

    def __init__(
        self,
        release: Look,
        *,
        prompt: str = "",
        entity_labels: Collection[str] = ENTITY_LABELS,
        preview: Look | None = None,
    ) -> None:
        self._release, self._preview, self._labels = release, preview, entity_labels
        self._pieces = [prompt]
        self._length = self._looked_at = len(prompt)
        self._last = ""  # what the last look let out
        self._sent = ""
        self._ended = False

    @property
    def sent(self) -> int:
        """Characters that have left."""
        return len(self._sent)

    def feed(self, piece: str) -> bool:
        """Takes a piece; whether ``settled`` would look."""
        assert not self._ended, _END_OF_STREAM
        self._pieces.append(piece)
        self._length += len(piece)
        new = self._length - self._looked_at
        return self._preview is not None and new >= max(_STRIDE, self._looked_at // _GROWTH)

    def settled(self) -> str:
        """What may leave now. Looks at all that came so far."""
        assert not self._ended, _END_OF_STREAM
        self._looked_at = self._length
        text = "".join(self._pieces)
        self._pieces = [text]
        ends = [match.end() for match in _ENDS.finditer(text)]
        if self._preview is None or not ends:
            return ""
        parsed = parse(text[: ends[-1]], entity_labels=self._labels, finished=True)
        note = self._preview(parsed).note
        if note is None:  # it may look better later; if not, nothing more leaves
            return ""
        before, self._last = self._last, note.text
        if not (self._last.startswith(before) and before.startswith(self._sent)):
            return ""
        new, self._sent = before[len(self._sent) :], before
        return new

    def finish(self, *, finished: bool = False) -> Released:
        """Ends the note; ``finished`` as in ``tokens.template.parse``."""
        assert not self._ended, _END_OF_STREAM
        self._ended = True
        text, self._pieces = "".join(self._pieces), []
        released = self._release(parse(text, entity_labels=self._labels, finished=finished))
        if released.note is None or released.note.text.startswith(self._sent):
            return released
        changed = Reason("changed_after_release", 0, self.sent)
        return Released(None, Verdict.of((*released.verdict.reasons, changed)))

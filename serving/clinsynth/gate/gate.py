"""The gate: what the model wrote goes in, what may leave comes out.

It fails closed: a look that cannot be finished withholds the note, is counted, and leaves no text behind.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from clinsynth.corpus import Attributes, Note, Span
from clinsynth.deid import to_tags
from clinsynth.deid.normal import normal
from clinsynth.deid.tags import has_word, merged, outside
from clinsynth.gate.checks import (
    copied_reasons,
    entity_reasons,
    length_reasons,
    neighbour_reasons,
    repetition_reasons,
)
from clinsynth.gate.config import GateConfig
from clinsynth.gate.verdict import Reason, Released, Verdict
from clinsynth.gate.watched import Finds, FindsCopies, FindsNeighbours, Watch, WatchFailedError
from clinsynth.tokens.template import Parsed

_log = logging.getLogger(__name__)

Mode = Literal["tags", "surrogates"]
VERSION: Final = 2
"""Changes whenever the same note could get another verdict; provenance records it."""
_ROUNDS: Final = 3  # a tag put in may bring its neighbours to light; then one more look is due


class Gate:
    """Decides what may leave. Safe to call from many threads.

    Args:
        config: the policy.
        detector: finds identifiers (``deid.Detector``).
        index: finds copies of training text (``overlap.NgramIndex``); None only when ``config.copied`` is
            false.
        neighbours: finds training notes that are alike (``overlap.NeighbourIndex``); None only when
            ``config.neighbours`` is false.
    """

    def __init__(
        self,
        config: GateConfig,
        detector: Finds,
        index: FindsCopies | None,
        neighbours: FindsNeighbours | None,
    ) -> None:
        assert (index is not None) == config.copied, "an index exactly when the policy asks for one"
        assert (neighbours is not None) == config.neighbours, "neighbours exactly when the policy asks"
        self.config = config
        self._detector, self._index, self._neighbours = detector, index, neighbours
        self._watch = Watch(config.timeout_seconds)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def under(self, config: GateConfig) -> Gate:
        """A gate that looks with the same eyes and decides by another policy. It counts for itself."""
        return Gate(config, self._detector, self._index, self._neighbours)

    @property
    def counts(self) -> Mapping[str, int]:
        """``checked``, ``pass``, ``repair``, ``reject``, and notes by ``Reason.key`` (each key once a
        note), since the start."""
        with self._lock:
            return dict(self._counts)

    def check(self, note: Note) -> Verdict:
        """What would happen to a tagged note. Never raises for what the note holds."""
        return self._counted(Verdict.of(self._look(note).reasons))

    def release(
        self,
        parsed: Parsed,
        mode: Mode = "tags",
        key: bytes | None = None,
        *,
        note_id: str = "note",
        attributes: Attributes | None = None,
        provenance: Mapping[str, str] | None = None,
    ) -> Released:
        """The note that may leave, or None, with the verdict. Never raises for what the note holds.

        Args:
            mode: ``tags`` keeps ``<|NAME|>``; ``surrogates`` fills in invented values.
            key: of the surrogates.
            attributes: what was asked for; None takes what the model wrote, and looks at it too.
        """
        assert mode == "tags" or key is not None, "surrogates need a key"
        found = self._look_at_markup(parsed)
        note = None
        if not any(reason.rejects for reason in found):
            asked = attributes
            if asked is None:
                asked, more = self._clean_header(parsed.attributes)
                found += more
            look = self._look(parsed.to_note(note_id, provenance, asked))
            found += look.reasons
            note = look.note
            if mode == "surrogates" and key is not None and not any(reason.rejects for reason in found):
                note, more = self._surrogates(note, key)
                found += more
        verdict = self._counted(Verdict.of(found))
        return Released(None if verdict.decision == "reject" else note, verdict)

    def _look_at_markup(self, parsed: Parsed) -> list[Reason]:
        problems = [p for p in parsed.problems if p not in self.config.allowed_problems]
        found = [Reason("markup", detail=problem) for problem in problems]
        return found + [Reason("markup", detail=r, rejects=False) for r in dict.fromkeys(parsed.repairs)]

    def _look(self, note: Note) -> _Look:
        look = _Look(note, list(length_reasons(note.text, self.config)))
        if look.rejected:  # an endless note would cost the other looks more than it is worth
            return look
        look.reasons += repetition_reasons(note.text, self.config)
        look.reasons += entity_reasons(len(note.entities), self.config)
        try:
            look.reasons += self._copies(note)
            self._repair(look)
            look.reasons += self._alike(look.note)
        except WatchFailedError as failed:
            look.reasons.append(Reason(f"{failed.who}_failed", detail=failed.how))
        return look

    def _copies(self, note: Note) -> Iterator[Reason]:
        if self._index is None:
            return
        stretches = self._watch.copies(self._index, note.text)
        plain = normal(note.text)
        if plain.text != note.text:  # a copy with something invisible in its words is one
            stretches += [plain.source(*place) for place in self._watch.copies(self._index, plain.text)]
        yield from copied_reasons(note.text, list(dict.fromkeys(stretches)), self.config)

    def _alike(self, note: Note) -> Iterator[Reason]:
        if self._neighbours is None:
            return
        seen = {note.text, normal(note.text).text}
        similarity = max(self._watch.similarity(self._neighbours, text) for text in seen)
        yield from neighbour_reasons(similarity, self.config)

    def _repair(self, look: _Look) -> None:
        """Turns identifiers that stand as text into tags, until a look finds no more."""
        raw = self._raw(look.note)
        rejects = bool(raw) and self.config.on_identifier == "reject"
        for _ in range(_ROUNDS):
            if not raw:
                return
            # places are those of the text at this round; the first is the text as generated
            look.reasons += (Reason("identifier", s.start, s.end, s.label, rejects) for s in raw)
            seen = sum(reason.code == "identifier" for reason in look.reasons)
            if rejects or seen > self.config.max_identifiers:
                break
            look.note = to_tags(look.note, raw)
            raw = self._raw(look.note)
        if raw:
            look.reasons += (Reason("identifier", s.start, s.end, s.label) for s in raw if not rejects)

    def _raw(self, note: Note) -> list[Span]:
        found = self._watch.identifiers(self._detector, note.text)
        beside = (part for span in merged(found) for part in outside(span, note.phi))
        return [_trimmed(part, note.text) for part in beside if has_word(note.text, part.start, part.end)]

    def _clean_header(self, written: Attributes) -> tuple[Attributes, list[Reason]]:
        """What the model wrote into the header, without the values in which the detector sees somebody."""
        reasons = []
        try:
            for name, values in _words_of(written).items():
                if self._watch.identifiers(self._detector, "\n".join(values)):
                    reasons.append(Reason("identifier_in_header", detail=name, rejects=False))
                    written = _without(written, name)
        except WatchFailedError as failed:
            reasons.append(Reason(f"{failed.who}_failed", detail=failed.how))
        return written, reasons

    def _surrogates(self, note: Note, key: bytes) -> tuple[Note, list[Reason]]:
        """The note with its tags filled in, looked at once more: what the detector finds beside the
        surrogates has come to light through them."""
        from clinsynth.deid import to_surrogates

        try:
            filled = to_surrogates(note, key)
            raw = [
                span
                for span in self._watch.identifiers(self._detector, filled.text)
                if not any(span.start < s.end and s.start < span.end for s in filled.phi)
            ]
        except WatchFailedError as failed:
            return note, [Reason(f"{failed.who}_failed", detail=failed.how)]
        except Exception as error:  # noqa: BLE001 - whatever it is, the note stays here
            _log.warning("surrogates failed (%s) on a note: withheld", type(error).__name__)
            return note, [Reason("surrogates_failed", detail=type(error).__name__)]
        return filled, [Reason("identifier_after_surrogates", s.start, s.end, s.label) for s in raw]

    def _counted(self, verdict: Verdict) -> Verdict:
        with self._lock:
            self._counts.update({"checked", verdict.decision, *(r.key for r in verdict.reasons)})
        return verdict


@dataclass(slots=True)
class _Look:
    """A note under inspection, and what was found so far."""

    note: Note
    reasons: list[Reason]

    @property
    def rejected(self) -> bool:
        return any(reason.rejects for reason in self.reasons)


def _trimmed(span: Span, text: str) -> Span:
    """Without the blanks that were left between a tag and the word beside it."""
    found = text[span.start : span.end]
    return Span(
        span.start + len(found) - len(found.lstrip()),
        span.end - len(found) + len(found.rstrip()),
        span.label,
    )


def _without(attributes: Attributes, name: str) -> Attributes:
    nothing: Mapping[str, Any] = {name: () if name == "diagnoses" else None}
    return replace(attributes, **nothing)


def _words_of(attributes: Attributes) -> dict[str, tuple[str, ...]]:
    """The attributes in which a model may write what it likes (sex and age band come from lists)."""
    single = {name: getattr(attributes, name) for name in ("note_type", "specialty")}
    words = {name: (value,) for name, value in single.items() if value}
    return words | ({"diagnoses": attributes.diagnoses} if attributes.diagnoses else {})

"""One note: a draw of the model, a look of the gate, and again until one passes or enough were tried."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from clinsynth.corpus import Attributes
from clinsynth.engine import Completion, Sampling
from clinsynth.engine import Request as EngineRequest
from clinsynth.gate import VERSION, Reason, Released, Verdict
from clinsynth.serve.errors import ApiError
from clinsynth.serve.service import Served, Service, derived_seed, surrogate_key
from clinsynth.serve.wire import Mode
from clinsynth.serve.wire_notes import AttributesOut, NoteOut, Provenance, VerdictOut
from clinsynth.tokens import template


@dataclass(frozen=True, slots=True, repr=False)
class Wish:
    """What a note should be.

    Args:
        sections: headings that must each begin a line.
        priority: in the engine; smaller numbers go first.
    """

    served: Served
    attributes: Attributes
    mode: Mode
    entities: bool = True
    sections: tuple[str, ...] = ()
    priority: int = 0

    def request(self, sampling: Sampling) -> EngineRequest:
        """What the engine is asked for."""
        prompt = template.prompt(self.attributes)
        return EngineRequest("note", prompt, sampling, adapter=self.served.adapter, priority=self.priority)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A note with the tokens that all its draws read and wrote."""

    note: NoteOut
    prompt: int
    written: int


Progress = Callable[[int, int, int], None]
"""Told how far a note is: its index, the attempt, and the tokens written."""


async def draw_note(
    service: Service,
    wish: Wish,
    default: Sampling,
    seed: int,
    index: int,
    progress: Progress | None = None,
) -> Drawn:
    """Note ``index`` of a request: the first draw that passes, or the last one's report.

    The draw's seed comes from the request's seed, the index and the attempt: note 3 of 5 is note 3 of 50.

    Raises:
        RefusedRequestError: the conditions and ``max_tokens`` do not fit the model.
        EngineDiedError: the engine is gone.
    """
    attempts = 1 if default.temperature == 0 else service.config.max_attempts
    rejected, read, written = list[VerdictOut](), 0, 0
    for attempt in range(1, attempts + 1):
        sampling = default.model_copy(update={"seed": derived_seed(seed, index, attempt)})
        one = await draw_once(service, wish, sampling, attempt, index, rejected, progress)
        read, written = read + one.prompt, written + one.written
        if one.note.status == "released":
            break
        rejected.append(one.note.verdict)
    return Drawn(one.note, read, written)


async def draw_once(
    service: Service,
    wish: Wish,
    sampling: Sampling,
    attempt: int,
    index: int = 0,
    rejected: Sequence[VerdictOut] = (),
    progress: Progress | None = None,
) -> Drawn:
    """A single draw; ``sampling`` has its seed. Raises what ``draw_note`` raises."""
    assert sampling.seed is not None, "every draw has a seed"
    served, request = wish.served, wish.request(sampling)
    if progress is None:
        [completion] = await service.engine.complete(request)
    else:
        completion = await _watched(service, request, lambda tokens: progress(index, attempt, tokens))
    if completion.finish_reason == "error":
        raise ApiError(500, "the engine gave the request up")
    parsed = template.parse(
        completion.text,
        entity_labels=served.entity_labels,
        finished=completion.finish_reason == "stop",
    )
    look = functools.partial(
        served.gate.release,
        parsed,
        wish.mode,
        surrogate_key(sampling.seed),
        note_id="note",
        attributes=wish.attributes,
    )
    released = with_sections(await service.look(look), wish.sections)
    note = NoteOut(
        index=index,
        status="withheld" if released.note is None else "released",
        **_content(released, entities=wish.entities),
        attributes=AttributesOut.of(wish.attributes),
        verdict=VerdictOut.of(released.verdict),
        rejected=list(rejected),
        provenance=Provenance.of(served.info, VERSION, sampling, attempt, wish.mode, wish.attributes),
    )
    return Drawn(note, completion.prompt_tokens, completion.tokens)


async def _watched(service: Service, request: EngineRequest, told: Callable[[int], None]) -> Completion:
    """The answer to a request, with the number of its tokens told as they come."""
    told(0)
    text, ids, reason, read = list[str](), list[int](), None, 0
    async with aclosing(service.engine.generate(request)) as deltas:
        async for delta in deltas:
            text.append(delta.text)
            ids += delta.token_ids
            reason, read = delta.finish_reason, delta.prompt_tokens
            told(len(ids))
    assert reason is not None, "every answer ends with a reason"
    return Completion(request.id, 0, "".join(text), tuple(ids), reason, read)


def with_sections(released: Released, sections: Sequence[str]) -> Released:
    """Withholds a note without a line that begins with each heading, whatever its case.

    The reason's detail is the heading's place in the request, never its text.
    """
    if released.note is None:
        return released
    missing = [
        Reason("section_missing", detail=f"sections.{i}")
        for i, heading in enumerate(sections)
        if not re.search(
            rf"^\s*{re.escape(heading)}(?!\w)", released.note.text, re.IGNORECASE | re.MULTILINE
        )
    ]
    return Released(None, Verdict.of((*released.verdict.reasons, *missing))) if missing else released


def _content(released: Released, *, entities: bool) -> dict[str, Any]:
    if released.note is None:
        return {"text": None, "entities": [], "phi": []}
    return NoteOut.spans(released.note, entities=entities)

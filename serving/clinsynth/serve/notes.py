"""``POST /v1/notes``: notes by conditions, each drawn until the gate lets one pass."""

from __future__ import annotations

import functools
import secrets
import time
import uuid
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request

from clinsynth.engine import Completion
from clinsynth.engine import Request as EngineRequest
from clinsynth.gate import VERSION, Released
from clinsynth.serve.asgi import service_of
from clinsynth.serve.disconnect import while_connected
from clinsynth.serve.errors import ERRORS, ApiError
from clinsynth.serve.service import Served, Service, derived_seed, surrogate_key, together
from clinsynth.serve.tally import Tally, tally_of
from clinsynth.serve.wire import Usage
from clinsynth.serve.wire_notes import (
    AttributesOut,
    NoteOut,
    NotesRequest,
    NotesResponse,
    Provenance,
    VerdictOut,
)
from clinsynth.tokens import template

router = APIRouter()


@router.post("/v1/notes", responses=ERRORS)
async def notes(body: NotesRequest, http: Request) -> NotesResponse:
    """Notes by conditions. A note that the gate rejects is drawn again, then reported as withheld."""
    return await while_connected(http, answer_notes(service_of(http), body, tally_of(http.scope)))


async def answer_notes(
    service: Service, body: NotesRequest, tally: Tally, priority: int = 0
) -> NotesResponse:
    """The answer to a request, live or of a batch.

    Raises:
        ApiError: no such model, or too many notes.
        RefusedRequestError, EngineDiedError: as ``draw_note``.
    """
    served = service.model(body.model)
    if body.n > service.config.max_n:
        raise ApiError(422, f"n: is {body.n}, this server allows {service.config.max_n}", param="n")
    seed = secrets.randbits(31) if body.seed is None else body.seed
    tally.model = served.info.model
    drawn = await together(
        draw_note(service, served, body, seed, index, priority) for index in range(body.n)
    )
    for one in drawn:
        tally.add(one.prompt, one.written)
        tally.answer(withheld=one.note.status == "withheld")
    return NotesResponse(
        id=f"notes-{uuid.uuid4().hex}",
        created=int(time.time()),
        model=served.info.model,
        seed=seed,
        notes=[one.note for one in drawn],
        usage=Usage.of(sum(one.prompt for one in drawn), sum(one.written for one in drawn)),
    )


@dataclass(frozen=True, slots=True)
class Drawn:
    """A note with the tokens that all its draws read and wrote."""

    note: NoteOut
    prompt: int
    written: int


async def draw_note(
    service: Service, served: Served, body: NotesRequest, seed: int, index: int, priority: int = 0
) -> Drawn:
    """Note ``index`` of a request: the first draw that passes the gate, or the last one's report.

    The draw's seed comes from the request's seed, the index and the attempt: note 3 of 5 is note 3 of 50.

    Raises:
        RefusedRequestError: the conditions and ``max_tokens`` do not fit the model.
        EngineDiedError: the engine is gone.
    """
    prompt, read, written = template.prompt(body.attributes()), 0, 0
    default = body.sampling(service.config.sampling)
    attempts = 1 if default.temperature == 0 else service.config.max_attempts
    rejected: list[VerdictOut] = []
    for attempt in range(1, attempts + 1):
        sampling = default.model_copy(update={"seed": derived_seed(seed, index, attempt)})
        [completion] = await service.engine.complete(
            EngineRequest(
                f"{seed}-{index}-{attempt}",
                prompt,
                sampling,
                adapter=served.adapter,
                priority=priority,
            )
        )
        read, written = read + completion.prompt_tokens, written + completion.tokens
        released = await _release(service, served, body, completion, seed=sampling.seed or 0)
        if released.note is not None:
            break
        rejected.append(VerdictOut.of(released.verdict))
    return Drawn(
        NoteOut(
            index=index,
            status="withheld" if released.note is None else "released",
            **_content(released, entities=body.entities),
            attributes=AttributesOut.of(body.attributes()),
            verdict=VerdictOut.of(released.verdict),
            rejected=rejected[: attempt - 1],
            provenance=Provenance.of(served.info, VERSION, sampling, attempt, body.mode, body.attributes()),
        ),
        read,
        written,
    )


async def _release(
    service: Service, served: Served, body: NotesRequest, completion: Completion, seed: int
) -> Released:
    if completion.finish_reason == "error":
        raise ApiError(500, "the engine gave the request up")
    parsed = template.parse(
        completion.text,
        entity_labels=served.entity_labels,
        finished=completion.finish_reason == "stop",
    )
    return await service.look(
        functools.partial(
            served.gate.release,
            parsed,
            body.mode,
            surrogate_key(seed),
            note_id="note",
            attributes=body.attributes(),
        )
    )


def _content(released: Released, *, entities: bool) -> dict[str, Any]:
    if released.note is None:
        return {"text": None, "entities": [], "phi": []}
    return NoteOut.spans(released.note, entities=entities)

"""``POST /v1/notes``: notes by conditions; and ``/v1/notes/regenerate``: one again, from its record."""

from __future__ import annotations

import secrets
import time
import uuid
from typing import Final

from fastapi import APIRouter, Request

from clinsynth.engine import EngineInfo
from clinsynth.gate import VERSION
from clinsynth.serve.asgi import service_of
from clinsynth.serve.disconnect import while_connected
from clinsynth.serve.drawing import Wish, draw_note, draw_once
from clinsynth.serve.errors import ERRORS, ApiError, ErrorBody
from clinsynth.serve.service import Service, together
from clinsynth.serve.tally import Tally, tally_of
from clinsynth.serve.wire import Usage
from clinsynth.serve.wire_notes import (
    NotesRequest,
    NotesResponse,
    Provenance,
    RegeneratedResponse,
    RegenerateRequest,
)

router = APIRouter(responses=ERRORS)
_CONFLICT: Final = 409


@router.post("/v1/notes")
async def notes(body: NotesRequest, http: Request) -> NotesResponse:
    """Notes by conditions. A note that the gate rejects is drawn again, then reported as withheld."""
    return await while_connected(http, answer_notes(service_of(http), body, tally_of(http.scope)))


@router.post("/v1/notes/regenerate", responses={_CONFLICT: {"model": ErrorBody}})
async def regenerate(body: RegenerateRequest, http: Request) -> RegeneratedResponse:
    """The note of a record, word for word: the same model, engine and gate are needed (409)."""
    return await while_connected(http, _again(service_of(http), body, tally_of(http.scope)))


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
    wish = Wish(served, body.attributes(), body.mode, body.entities, tuple(body.sections), priority)
    sampling = body.sampling(service.config.sampling)
    numbers = range(body.start, body.start + body.n)
    drawn = await together(draw_note(service, wish, sampling, seed, index) for index in numbers)
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


async def _again(service: Service, body: RegenerateRequest, tally: Tally) -> RegeneratedResponse:
    record = body.provenance
    served = service.model(record.model)
    _check_same(record, served.info)
    tally.model = served.info.model
    sampling = service.config.sampling.model_copy(
        update={**record.sampling.model_dump(), "seed": record.seed}
    )
    wish = Wish(served, record.conditions.attributes(), record.mode, body.entities)
    one = await draw_once(service, wish, sampling, record.attempt)
    tally.add(one.prompt, one.written)
    tally.answer(withheld=one.note.status == "withheld")
    return RegeneratedResponse(note=one.note, usage=Usage.of(one.prompt, one.written))


def _check_same(record: Provenance, info: EngineInfo) -> None:
    """That this server would draw what the record's server drew.

    Raises:
        ApiError: 409, and what differs.
    """
    here = Provenance.made_by(info, VERSION)
    for name, value in here.items():
        if getattr(record, name) != value:
            raise ApiError(
                _CONFLICT,
                f"provenance.{name}: this server has {value}, so the note would be another",
                param=f"provenance.{name}",
                code="another_server",
            )

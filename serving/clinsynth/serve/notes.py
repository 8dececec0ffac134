"""``POST /v1/notes``: notes by conditions; and ``/v1/notes/regenerate``: one again, from its record."""

from __future__ import annotations

import functools
import secrets
import time
import uuid
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from clinsynth.engine import EngineInfo, Sampling
from clinsynth.gate import VERSION
from clinsynth.serve.asgi import service_of
from clinsynth.serve.disconnect import while_connected
from clinsynth.serve.drawing import Drawn, Wish, draw_note, draw_once
from clinsynth.serve.errors import ERRORS, ApiError, ErrorBody
from clinsynth.serve.events import Say, streamed
from clinsynth.serve.service import Service, together
from clinsynth.serve.tally import Tally, tally_of
from clinsynth.serve.wire import Usage
from clinsynth.serve.wire_notes import (
    NoteEvent,
    NoteProgress,
    NotesEnd,
    NotesRequest,
    NotesResponse,
    Provenance,
    RegeneratedResponse,
    RegenerateRequest,
)

router = APIRouter(responses=ERRORS)
_CONFLICT: Final = 409
_TOLD_EVERY: Final = 0.2  # seconds


@router.post(
    "/v1/notes", response_model=NotesResponse, responses={200: {"content": {"text/event-stream": {}}}}
)
async def notes(body: NotesRequest, http: Request) -> NotesResponse | StreamingResponse:
    """Notes by conditions. A note that the gate rejects is drawn again, then reported as withheld."""
    service, tally = service_of(http), tally_of(http.scope)
    if body.stream:
        asked = asked_for(service, body, tally)
        # what cannot run is refused before the stream begins
        await service.engine.prepared(asked.wish.request(asked.sampling))
        return streamed(functools.partial(_say_all, service, asked, tally))
    return await while_connected(http, answer_notes(service, body, tally))


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
    asked = asked_for(service, body, tally, priority)
    drawn = await together(
        draw_note(service, asked.wish, asked.sampling, asked.seed, index) for index in asked.numbers
    )
    for one in drawn:
        count(tally, one)
    return NotesResponse(
        id=f"notes-{uuid.uuid4().hex}",
        created=int(time.time()),
        model=asked.wish.served.info.model,
        seed=asked.seed,
        notes=[one.note for one in drawn],
        usage=Usage.of(sum(one.prompt for one in drawn), sum(one.written for one in drawn)),
    )


async def _say_all(service: Service, asked: Asked, tally: Tally, say: Say) -> None:
    """How far each note is, at most five times a second; each note when it is done; the end."""
    last: dict[tuple[int, int], float] = {}

    def progress(index: int, attempt: int, tokens: int) -> None:
        now = time.monotonic()
        if now - last.get((index, attempt), 0.0) >= _TOLD_EVERY:
            last[index, attempt] = now
            say(NoteProgress(index=index, attempt=attempt, tokens=tokens).model_dump(mode="json"))

    async def one(index: int) -> None:
        drawn = await draw_note(service, asked.wish, asked.sampling, asked.seed, index, progress)
        count(tally, drawn)
        say(NoteEvent(note=drawn.note).model_dump(mode="json"))

    await together(one(index) for index in asked.numbers)
    usage = Usage.of(tally.prompt_tokens, tally.completion_tokens)
    say(NotesEnd(model=asked.wish.served.info.model, seed=asked.seed, usage=usage).model_dump(mode="json"))


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked request: what notes, how drawn, and which of them."""

    wish: Wish
    sampling: Sampling
    seed: int
    numbers: range


def asked_for(service: Service, body: NotesRequest, tally: Tally, priority: int = 0) -> Asked:
    """The request, checked.

    Raises:
        ApiError: no such model, or too many notes.
    """
    served = service.model(body.model)
    if body.n > service.config.max_n:
        raise ApiError(422, f"n: is {body.n}, this server allows {service.config.max_n}", param="n")
    tally.model = served.info.model
    return Asked(
        Wish(served, body.attributes(), body.mode, body.entities, tuple(body.sections), priority),
        body.sampling(service.config.sampling),
        secrets.randbits(31) if body.seed is None else body.seed,
        range(body.start, body.start + body.n),
    )


def count(tally: Tally, one: Drawn) -> None:
    """Writes a note's tokens and its fate into the request's tally."""
    tally.add(one.prompt, one.written)
    tally.answer(withheld=one.note.status == "withheld")


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
    count(tally, one)
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

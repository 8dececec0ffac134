"""``/v1/batches``: many requests in one file, run behind live ones. A key sees its own batches alone."""

from __future__ import annotations

import functools
import json
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection

from clinsynth.serve.asgi import door_of, key_of, service_of
from clinsynth.serve.errors import ERRORS, ApiError
from clinsynth.serve.files import found_file
from clinsynth.serve.store.batches import (
    Batch,
    cancel_batch,
    create_batch,
    find_batch,
    list_batches,
    open_batches,
)
from clinsynth.serve.store.paging import Page
from clinsynth.serve.wire_batches import BatchId, BatchList, BatchOut, BatchRequest

router = APIRouter(prefix="/v1/batches", responses=ERRORS)
_SECONDS = {"24h": 86_400}


@router.post("")
async def created(http: Request, body: BatchRequest) -> BatchOut:
    """Takes a batch on; its lines are checked and run when a server gets to it."""
    service, key = service_of(http), key_of(http)
    file = await found_file(http, body.input_file_id)
    if file.purpose != "batch":
        raise ApiError(400, "input_file_id: its purpose must be batch", param="input_file_id")
    most = service.config.batches.max_open

    def create(connection: Connection) -> Batch | None:
        if open_batches(connection, key.id) >= most:
            return None
        return create_batch(
            connection,
            key.id,
            service.info.model,
            body.endpoint,
            file.id,
            body.completion_window,
            _SECONDS[body.completion_window],
            json.dumps(body.metadata),
        )

    batch = await door_of(http).database.run(create)
    if batch is None:
        raise ApiError(
            429, f"{most} batches at once is a key's limit", code="too_many_batches", headers=_LATER
        )
    service.batches_changed.set()
    return BatchOut.of(batch)


_LATER = {"retry-after": "60"}


@router.get("")
async def listed(
    http: Request, limit: Annotated[int, Query(ge=1, le=100)] = 20, after: BatchId | None = None
) -> BatchList:
    """The key's batches, the newest first."""
    query = functools.partial(list_batches, key_id=key_of(http).id, page=Page(limit, after))
    found = await door_of(http).database.run(query)
    shown = [BatchOut.of(one) for one in found[:limit]]
    return BatchList(
        data=shown,
        first_id=shown[0].id if shown else None,
        last_id=shown[-1].id if shown else None,
        has_more=len(found) > limit,
    )


@router.get("/{batch_id}")
async def one(http: Request, batch_id: BatchId) -> BatchOut:
    """A batch, with how far it is."""
    find = functools.partial(find_batch, key_id=key_of(http).id, batch_id=batch_id)
    return _shown(await door_of(http).database.run(find))


@router.post("/{batch_id}/cancel")
async def cancelled(http: Request, batch_id: BatchId) -> BatchOut:
    """Ends a batch early; what is done by then stands in its files."""
    cancel = functools.partial(cancel_batch, key_id=key_of(http).id, batch_id=batch_id)
    batch = await door_of(http).database.run(cancel)
    service_of(http).batches_changed.set()
    return _shown(batch)


def _shown(batch: Batch | None) -> BatchOut:
    if batch is None:
        raise ApiError(404, "batch_id: this key has no such batch", param="batch_id")
    return BatchOut.of(batch)

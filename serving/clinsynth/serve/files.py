"""``/v1/files``: what batches read and write. A key sees its own files alone."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, BinaryIO, Literal

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import StreamingResponse

from clinsynth.serve.asgi import door_of, key_of
from clinsynth.serve.door import Door
from clinsynth.serve.errors import ERRORS, ApiError
from clinsynth.serve.store.files import (
    CHUNK_BYTES,
    delete_file,
    find_file,
    list_files,
    read_chunk,
    save_file,
)
from clinsynth.serve.store.files import File as StoredFile
from clinsynth.serve.store.paging import Page
from clinsynth.serve.wire_batches import FileDeleted, FileId, FileList, FileOut

router = APIRouter(prefix="/v1/files", responses=ERRORS)
_DAY_SECONDS = 86_400
_LIMIT = Query(ge=1, le=10_000)


@router.post("")
async def upload(
    http: Request,
    file: Annotated[UploadFile, File(description="JSON Lines: a request a line")],
    purpose: Annotated[Literal["batch"], Form()],
    anchor: Annotated[Literal["created_at"] | None, Form(alias="expires_after[anchor]")] = None,
    seconds: Annotated[int | None, Form(alias="expires_after[seconds]", ge=3600, le=2_592_000)] = None,
) -> FileOut:
    """Keeps a file for a batch. It is removed when its time is over."""
    door = door_of(http)
    if (anchor is None) != (seconds is None):
        raise ApiError(400, "expires_after: needs anchor and seconds", param="expires_after")
    if not file.size:
        raise ApiError(400, "file: is empty", param="file")
    save = functools.partial(
        save_file,
        key_id=key_of(http).id,
        filename=file.filename or "upload.jsonl",
        purpose=purpose,
        content=_pieces(file.file),
        seconds=seconds or door.config.batches.keep_days * _DAY_SECONDS,
    )
    return FileOut.of(await door.database.run(save))


@router.get("")
async def listed(
    http: Request,
    purpose: Literal["batch", "batch_output"] | None = None,
    limit: Annotated[int, _LIMIT] = 10_000,
    order: Literal["asc", "desc"] = "desc",
    after: FileId | None = None,
) -> FileList:
    """The key's files."""
    page = Page(limit, after, newest_first=order == "desc")
    query = functools.partial(list_files, key_id=key_of(http).id, page=page, purpose=purpose)
    found = await door_of(http).database.run(query)
    shown = [FileOut.of(one) for one in found[:limit]]
    return FileList(
        data=shown,
        first_id=shown[0].id if shown else None,
        last_id=shown[-1].id if shown else None,
        has_more=len(found) > limit,
    )


@router.get("/{file_id}")
async def one(http: Request, file_id: FileId) -> FileOut:
    """A file, without what it holds."""
    return FileOut.of(await found_file(http, file_id))


@router.delete("/{file_id}")
async def deleted(http: Request, file_id: FileId) -> FileDeleted:
    """Removes a file. A batch that has begun has read it already."""
    remove = functools.partial(delete_file, key_id=key_of(http).id, file_id=file_id)
    if not await door_of(http).database.run(remove):
        raise _no_file()
    return FileDeleted(id=file_id)


@router.get("/{file_id}/content", response_class=StreamingResponse)
async def content(http: Request, file_id: FileId) -> StreamingResponse:
    """What a file holds."""
    file = await found_file(http, file_id)
    return StreamingResponse(
        _chunks(door_of(http), file.id),
        media_type="application/octet-stream",
        headers={
            "Content-Length": str(file.bytes),
            "Content-Disposition": f'attachment; filename="{file.id}.jsonl"',
        },
    )


async def found_file(http: Request, file_id: str) -> StoredFile:
    """The key's file of that id.

    Raises:
        ApiError: 404, there is none.
    """
    find = functools.partial(find_file, key_id=key_of(http).id, file_id=file_id)
    file = await door_of(http).database.run(find)
    if file is None:
        raise _no_file()
    return file


async def _chunks(door: Door, file_id: str) -> AsyncIterator[bytes]:
    number = 0
    while True:
        read = functools.partial(read_chunk, file_id=file_id, number=number)
        chunk = await door.database.run(read)
        if chunk is None:
            return
        yield chunk
        number += 1


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(CHUNK_BYTES):
        yield piece


def _no_file() -> ApiError:
    return ApiError(404, "file_id: this key has no such file", param="file_id")

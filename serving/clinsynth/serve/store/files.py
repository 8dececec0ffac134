"""Files of clients, in chunks: written whole or not at all, seen by the key that brought them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from clinsynth.serve.store.ids import new_id
from clinsynth.serve.store.paging import Page
from clinsynth.serve.store.tables import CHUNKS, FILES

CHUNK_BYTES: Final = 2**20
Purpose = Literal["batch", "batch_output"]


@dataclass(frozen=True, slots=True)
class File:
    """A file without what it holds; times are Unix seconds."""

    id: str
    key_id: str
    filename: str
    purpose: Purpose
    bytes: int
    created: int
    expires: int | None


def save_file(
    connection: Connection,
    key_id: str,
    filename: str,
    purpose: Purpose,
    content: Iterable[bytes],
    seconds: int | None,
) -> File:
    """A new file.

    Args:
        content: pieces of any size.
        seconds: until it is removed; None: it stays.
    """
    now = int(time.time())
    file = File(
        new_id("file-"),
        key_id,
        filename[:255],
        purpose,
        0,
        now,
        None if seconds is None else now + seconds,
    )
    row = {name: getattr(file, name) for name in File.__dataclass_fields__}
    connection.execute(insert(FILES).values(row))
    size = 0
    for number, chunk in enumerate(_chunks(content)):
        size += len(chunk)
        connection.execute(insert(CHUNKS).values(file_id=file.id, number=number, data=chunk))
    connection.execute(update(FILES).where(FILES.c.id == file.id).values(bytes=size))
    return File(**{**row, "bytes": size})


def find_file(connection: Connection, key_id: str, file_id: str) -> File | None:
    """A key's file that has not expired; None where there is none."""
    row = connection.execute(
        select(FILES).where(FILES.c.id == file_id, FILES.c.key_id == key_id, _in_time())
    ).one_or_none()
    return None if row is None else File(*row)


def list_files(connection: Connection, key_id: str, page: Page, purpose: str | None = None) -> list[File]:
    """A page of a key's files, and one more where there are more."""
    query = select(FILES).where(FILES.c.key_id == key_id, _in_time())
    if purpose is not None:
        query = query.where(FILES.c.purpose == purpose)
    return [File(*row) for row in connection.execute(page.of(query, FILES))]


def delete_file(connection: Connection, key_id: str, file_id: str) -> bool:
    """Removes a key's file; whether there was one."""
    where = (FILES.c.id == file_id, FILES.c.key_id == key_id)
    return connection.execute(delete(FILES).where(*where)).rowcount > 0


def read_chunk(connection: Connection, file_id: str, number: int) -> bytes | None:
    """A chunk; None behind the last one."""
    where = (CHUNKS.c.file_id == file_id, CHUNKS.c.number == number)
    data: Any = connection.scalar(select(CHUNKS.c.data).where(*where))
    return None if data is None else bytes(data)


def read_lines(connection: Connection, file_id: str) -> Iterator[bytes]:
    """The lines of a file without their ends."""
    rest, number = b"", 0
    while (chunk := read_chunk(connection, file_id, number)) is not None:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        number += 1
    if rest:
        yield rest


def delete_expired(connection: Connection) -> int:
    """Removes files whose time is over; how many."""
    return connection.execute(delete(FILES).where(FILES.c.expires <= int(time.time()))).rowcount


def _in_time() -> ColumnElement[bool]:
    return FILES.c.expires.is_(None) | (FILES.c.expires > int(time.time()))


def _chunks(content: Iterable[bytes]) -> Iterator[bytes]:
    waiting = bytearray()
    for piece in content:
        waiting += piece
        while len(waiting) >= CHUNK_BYTES:
            yield bytes(waiting[:CHUNK_BYTES])
            del waiting[:CHUNK_BYTES]
    if waiting:
        yield bytes(waiting)

"""Answers that come as server-sent events, OpenAI's form: one JSON object each, ``[DONE]`` at the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any, Final

from fastapi.responses import StreamingResponse

from clinsynth.serve.errors import ApiError, as_api_error, error_body

_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Of an answer that comes as events: nothing on the way keeps them back."""

DONE: Final = "data: [DONE]\n\n"
Say = Callable[[Mapping[str, Any]], None]
"""Sends an event: a JSON object."""


def streamed(work: Callable[[Say], Awaitable[None]]) -> StreamingResponse:
    """The answer that ``work`` gives piece by piece."""
    return StreamingResponse(_events_of(work), media_type="text/event-stream", headers=_HEADERS)


async def _events_of(work: Callable[[Say], Awaitable[None]]) -> AsyncGenerator[str]:
    """What ``work`` says as it says it, its error if it fails, and the end.

    Leaving the generator early cancels the work.
    """
    queue: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue()

    async def run() -> None:
        try:
            await work(queue.put_nowait)
        finally:
            queue.put_nowait(None)

    task = asyncio.ensure_future(run())
    try:
        while (event := await queue.get()) is not None:
            yield _event(event)
        await task
    except Exception as error:  # noqa: BLE001 - the status is sent already: the stream must say it
        yield as_event(as_api_error(error))
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    yield DONE


def as_event(told: ApiError) -> str:
    """The error as an event of a stream, whose status has been sent already."""
    return _event(error_body(told.status, told.message, param=told.param, code=told.code))


def _event(data: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"

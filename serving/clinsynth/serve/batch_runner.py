"""Runs batches by the same engine as live requests, and behind them.

One batch at a time, a few lines at once. A line that the engine's death or the server's end cut off has no
result, and is run again; one that has a result never is.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Final, Self

from pydantic import ValidationError
from sqlalchemy import Connection

from clinsynth.engine import EngineDiedError
from clinsynth.serve.batch_input import BadInputError, checked_lines
from clinsynth.serve.completions import whole_completion
from clinsynth.serve.door import Door
from clinsynth.serve.errors import ApiError, as_api_error, error_body, explain, log_without_text
from clinsynth.serve.notes import answer_notes
from clinsynth.serve.service import Service
from clinsynth.serve.store.audit import Entry
from clinsynth.serve.store.batches import (
    Batch,
    Line,
    Result,
    Status,
    begin_batch,
    claim_batch,
    end_batch,
    fail_batch,
    pending_lines,
    release_batch,
    renew_lease,
    store_results,
)
from clinsynth.serve.store.files import delete_expired, find_file, read_lines
from clinsynth.serve.store.gathered import Gathered
from clinsynth.serve.tally import Tally
from clinsynth.serve.wire_batches import BatchError
from clinsynth.serve.wire_completions import CompletionRequest
from clinsynth.serve.wire_notes import NotesRequest

LEASE_SECONDS: Final = 20
BEHIND_LIVE: Final = 1
"""Priority of a batch's requests in the engine; live ones have 0, which goes first."""

_LOOK_EVERY: Final = 2.0  # for batches of other servers, for cancelling, for expiry
_SWEEP_EVERY: Final = 300.0
_FETCHED: Final = 200  # lines in memory
_DAY_SECONDS: Final = 86_400
_EXPIRED: Final = json.dumps(
    {"code": "batch_expired", "message": "the batch's time was over before this line's turn"}
)


class BatchRunner:
    """An async context manager that runs while the server does."""

    def __init__(self, service: Service, door: Door) -> None:
        self._service, self._door, self._database = service, door, door.database
        self._config = service.config.batches
        self._owner = uuid.uuid4().hex
        self._task: asyncio.Task[None] | None = None
        self._swept = 0.0

    async def __aenter__(self) -> Self:
        self._task = asyncio.ensure_future(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._sweep()
                claim = functools.partial(
                    claim_batch, served=self._service.info.model, owner=self._owner, seconds=LEASE_SECONDS
                )
                batch = await self._database.run(claim)
                if batch is not None:
                    await self._take(batch)
                    continue
            except Exception as error:  # noqa: BLE001 - the next batch may be well
                log_without_text(error)
            self._service.batches_changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._service.batches_changed.wait(), _LOOK_EVERY)

    async def _sweep(self) -> None:
        if time.monotonic() - self._swept > _SWEEP_EVERY:
            self._swept = time.monotonic()
            await self._database.run(delete_expired)

    async def _take(self, batch: Batch) -> None:
        try:
            if batch.status == "validating":
                found = await self._validate(batch)
                if found is None:
                    return
                batch = found
            status = await self._run_lines(batch)
            await self._end(batch, status)
        finally:
            # also when the server ends: another may go on at once
            release = functools.partial(release_batch, batch_id=batch.id, owner=self._owner)
            await asyncio.shield(self._database.run(release))

    async def _validate(self, batch: Batch) -> Batch | None:
        """The batch with its lines; None when it has failed."""
        try:
            await self._database.run(functools.partial(self._begin, batch))
        except BadInputError as bad:
            fail = functools.partial(
                fail_batch, batch_id=batch.id, owner=self._owner, errors=bad.errors.model_dump_json()
            )
            await self._database.run(fail)
            return None
        return await self._renewed(batch)

    def _begin(self, batch: Batch, connection: Connection) -> None:
        if find_file(connection, batch.key_id, batch.input_file_id) is None:
            gone = BatchError(code="no_such_file", message="the input file is gone", param="input_file_id")
            raise BadInputError([gone])
        lines = checked_lines(
            read_lines(connection, batch.input_file_id),
            batch.endpoint,
            self._config.max_lines,
            self._service.config.max_body_bytes,
        )
        begin_batch(connection, batch.id, self._owner, lines)

    async def _renewed(self, batch: Batch) -> Batch:
        renew = functools.partial(renew_lease, batch_id=batch.id, owner=self._owner, seconds=LEASE_SECONDS)
        return await self._database.run(renew)

    async def _run_lines(self, batch: Batch) -> Status:
        """Runs until no line is left, the batch is cancelled, or its time is over; how it ends."""
        store = functools.partial(store_results, batch_id=batch.id, owner=self._owner)
        results = Gathered[Result](self._database, store)
        watch = asyncio.ensure_future(self._watched(batch))
        work = asyncio.ensure_future(self._all_lines(batch, results))
        try:
            await asyncio.wait({watch, work}, return_when=asyncio.FIRST_COMPLETED)
            return work.result() if work.done() else watch.result()
        finally:
            for one in (watch, work):
                one.cancel()
            await asyncio.gather(watch, work, return_exceptions=True)
            await results.settle()

    async def _watched(self, batch: Batch) -> Status:
        """Keeps the lease; how the batch ends before its last line."""
        while True:
            now = await self._renewed(batch)
            if now.status == "cancelling":
                return "cancelled"
            if time.time() >= now.expires:
                return "expired"
            self._service.batches_changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._service.batches_changed.wait(), _LOOK_EVERY)

    async def _all_lines(self, batch: Batch, results: Gathered[Result]) -> Status:
        after, places = -1, asyncio.Semaphore(self._config.concurrency)

        async def one(line: Line) -> None:
            try:
                result = await self._line(batch, line)
                await results.write(result)
                outcome = "completed" if result.status == 200 else "failed"
                self._door.metrics.batch_lines.labels(outcome).inc()
            finally:
                places.release()

        async with asyncio.TaskGroup() as group:
            while True:
                fetch = functools.partial(pending_lines, batch_id=batch.id, after=after, most=_FETCHED)
                lines = await self._database.run(fetch)
                for line in lines:
                    await places.acquire()
                    group.create_task(one(line))
                    after = line.number
                if not lines:
                    break
        return "completed"

    async def _line(self, batch: Batch, line: Line) -> Result:
        """One line; while the engine is down it waits."""
        while True:
            try:
                return await self._answered(batch, line)
            except EngineDiedError:
                await asyncio.sleep(_LOOK_EVERY)

    async def _answered(self, batch: Batch, line: Line) -> Result:
        at, clock, request_id, tally = int(time.time()), time.perf_counter(), str(uuid.uuid4()), Tally()
        try:
            answer = _ANSWERS[batch.endpoint](self._service, json.loads(line.body), tally)
            status, body = 200, await answer
        except EngineDiedError:
            raise
        except Exception as error:  # noqa: BLE001 - a line's error is its result
            told = _told(error)
            status = told.status
            body = error_body(told.status, told.message, param=told.param, code=told.code)
        self._door.metrics.tokens.labels("prompt").inc(tally.prompt_tokens)
        self._door.metrics.tokens.labels("completion").inc(tally.completion_tokens)
        text = json.dumps(
            {
                "id": f"batch_req_{uuid.uuid4().hex}",
                "custom_id": line.custom_id,
                "response": {"status_code": status, "request_id": request_id, "body": body},
                "error": None,
            },
            ensure_ascii=False,
        )
        entry = Entry(
            at=at,
            request_id=request_id,
            key_id=batch.key_id,
            method="POST",
            route=f"/v1/batches:{batch.endpoint}",
            status=status,
            model=tally.model,
            notes=tally.notes,
            withheld=tally.withheld,
            prompt_tokens=tally.prompt_tokens,
            completion_tokens=tally.completion_tokens,
            milliseconds=int(1000 * (time.perf_counter() - clock)),
        )
        return Result(line.number, status, text, entry)

    async def _end(self, batch: Batch, status: Status) -> None:
        end = functools.partial(
            end_batch,
            batch=batch,
            owner=self._owner,
            status=status,
            left_over=_EXPIRED if status == "expired" else None,
            seconds=self._config.keep_days * _DAY_SECONDS,
        )
        await self._database.run(end)


def _told(error: Exception) -> ApiError:
    if isinstance(error, ValidationError):
        param, message = explain(error.errors(), placed=False)
        return ApiError(422, message, param=param)
    return as_api_error(error)


async def _completion(service: Service, body: Any, tally: Tally) -> dict[str, Any]:
    request = CompletionRequest.model_validate(body)
    if request.stream:
        raise ApiError(422, "stream: a batch has no streams", param="stream")
    answer = await whole_completion(service, request, tally, priority=BEHIND_LIVE)
    return answer.model_dump(mode="json")


async def _notes(service: Service, body: Any, tally: Tally) -> dict[str, Any]:
    request = NotesRequest.model_validate(body)
    if request.stream:
        raise ApiError(422, "stream: a batch has no streams", param="stream")
    answer = await answer_notes(service, request, tally, priority=BEHIND_LIVE)
    return answer.model_dump(mode="json")


_ANSWERS: Final[dict[str, Callable[[Service, Any, Tally], Awaitable[dict[str, Any]]]]] = {
    "/v1/completions": _completion,
    "/v1/notes": _notes,
}

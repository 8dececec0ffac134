"""One request at the door: key, scope, size, limits, time, audit, and a last catch for errors."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clinsynth.serve.access import OPEN, PROBES, UPLOAD, may_enter
from clinsynth.serve.door import Door
from clinsynth.serve.errors import ApiError, as_api_error, as_response, log_without_text
from clinsynth.serve.events import DONE, as_event
from clinsynth.serve.store.audit import Entry
from clinsynth.serve.store.keys import Key
from clinsynth.serve.tally import begin_tally

_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
KEY: Final = "clinsynth.key"
_CLIENT_GONE: Final = 499  # nginx's number
_NO_ROUTE: Final = "-"
_FORM_BYTES: Final = 2**16  # what a form has around a file


class _UnauditedError(Exception):
    """The audit cannot be written. No handler of the app knows it: an answer may have begun inside."""


class _TooSlowError(Exception):
    """The client takes nothing."""


class Visit:
    """One request on its way in and its answer on its way out.

    The answer's last byte waits until the audit is on disk. Errors that no route foresaw end here as a 500:
    further out they would be logged with their message, which may quote a prompt.
    """

    def __init__(self, door: Door, scope: Scope, receive: Receive, send: Send) -> None:
        self._door, self._scope, self._receive, self._send = door, scope, receive, send
        self._in = {name.lower(): value for name, value in scope["headers"]}
        self._id = _request_id(self._in.get(b"x-request-id", b""))
        self._is_open = scope["path"] in OPEN
        self._tally = begin_tally(scope)
        self._key: Key | None = None
        self._entered = self._audited = False
        self._at, self._clock = int(time.time()), time.perf_counter()
        self._read, self._body_ended = 0, False
        self._start: Message | None = None  # of an answer, until its first piece follows
        self._started = self._is_stream = False
        self._status = _CLIENT_GONE

    async def through(self, app: ASGIApp) -> None:
        """From the door to the route and back."""
        door = self._door
        door.drain.enter()
        door.metrics.under_way.inc()
        try:
            await self._guarded(app)
        except asyncio.CancelledError:
            if not door.drain.cut_off_me():
                raise
            await self._break_off(_drained())
        finally:
            door.drain.leave()
            door.metrics.under_way.dec()
            self._count()
            if self._entered and self._key is not None:
                used = self._tally.prompt_tokens + self._tally.completion_tokens
                door.limiter.leave(self._key, used)
            await self._audit_gone()

    async def _guarded(self, app: ASGIApp) -> None:
        try:
            await self._check()
            await app(self._scope, self._receive_counted, self._send_audited)
        except _UnauditedError:
            await self._break_off(ApiError(503, "the audit log cannot be written", code="audit_failed"))
        except _TooSlowError:
            self._status = _CLIENT_GONE  # uvicorn closes what was not ended
        except Exception as error:  # noqa: BLE001 - see above
            await self._break_off(as_api_error(error))

    async def _check(self) -> None:
        """Everything that can be refused before the body is read."""
        if self._door.drain.has_begun and self._scope["path"] not in PROBES:
            raise _drained()
        if self._is_open:
            return
        self._key = await self._door.keyring.find(self._in.get(b"authorization", b""))
        if self._key is None:
            raise ApiError(
                401,
                "a valid key is needed: Authorization: Bearer KEY",
                headers={"www-authenticate": "Bearer"},
            )
        if not may_enter(self._key, self._scope["path"]):
            raise ApiError(403, "this key's scopes do not open this route")
        announced = self._in.get(b"content-length", b"")
        if announced.isdigit() and int(announced) > self._most():
            raise ApiError(413, _too_large(self._most()))
        self._door.limiter.enter(self._key)
        self._entered = True
        self._scope[KEY] = self._key

    def _most(self) -> int:
        """Bytes of a body."""
        config = self._door.config
        return config.batches.max_file_bytes + _FORM_BYTES if self._uploads() else config.max_body_bytes

    def _uploads(self) -> bool:
        return (self._scope["path"], self._scope["method"]) == (UPLOAD, "POST")

    async def _receive_counted(self) -> Message:
        if self._body_ended:
            return await self._receive()
        try:
            async with asyncio.timeout(self._seconds_for_body()):
                message = await self._receive()
        except TimeoutError:
            # an HTTPException: FastAPI would make a 400 of any other error in the midst of a body
            raise HTTPException(408, "the body did not come in time") from None
        self._read += len(message.get("body", b""))
        self._body_ended = not message.get("more_body", False)
        if self._read > self._most():
            raise HTTPException(413, _too_large(self._most()))
        return message

    def _seconds_for_body(self) -> float:
        passed = time.perf_counter() - self._clock
        config = self._door.config
        allowed = config.batches.upload_seconds if self._uploads() else config.body_seconds
        return max(0.0, allowed - passed)

    async def _send_audited(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._dress(message)
            self._start = message
            if self._is_stream:
                await self._send_start()
            return
        if not message.get("more_body", False):
            await self._audit()
        await self._send_start()
        await self._out(message)

    async def _send_start(self) -> None:
        if self._start is not None:
            start, self._start, self._started = self._start, None, True
            await self._out(start)

    async def _out(self, message: Message) -> None:
        """To the network; a client that does not read is given up, and its place is free."""
        try:
            async with asyncio.timeout(self._door.config.send_seconds):
                await self._send(message)
        except TimeoutError:
            raise _TooSlowError from None

    def _dress(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        self._is_stream = headers.get("content-type", "").startswith("text/event-stream")
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        headers["x-request-id"] = self._id
        if self._key is not None and self._entered:
            headers.update(self._door.limiter.headers(self._key))

    async def _break_off(self, told: ApiError) -> None:
        """The error instead of an answer, or as the end of a stream; an answer cut in two is left so."""
        if self._is_stream and self._started:
            last = (as_event(told) + DONE).encode()
            await self._last_word({"type": "http.response.body", "body": last, "more_body": False})
        elif not self._started:
            self._start = None
            await as_response(told)(self._scope, self._receive, self._send_audited)

    async def _last_word(self, message: Message) -> None:
        try:
            await self._send_audited(message)
        except Exception as error:  # noqa: BLE001 - the client is gone, or cannot be told
            log_without_text(error)

    async def _audit(self) -> None:
        if self._audited or self._is_open:
            return
        self._audited = True
        try:
            await self._door.audit.write(self._entry(self._status))
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing leaves unaudited
            log_without_text(error)
            raise _UnauditedError from None

    async def _audit_gone(self) -> None:
        """A request whose answer never ended."""
        if self._audited or self._is_open:
            return
        try:
            await self._door.audit.write(self._entry(_CLIENT_GONE))
        except Exception as error:  # noqa: BLE001 - nothing has left
            log_without_text(error)

    def _entry(self, status: int) -> Entry:
        tally = self._tally
        return Entry(
            at=self._at,
            request_id=self._id,
            key_id=None if self._key is None else self._key.id,
            method=self._method(),
            route=self._route(),
            status=status,
            model=tally.model,
            notes=tally.notes,
            withheld=tally.withheld,
            prompt_tokens=tally.prompt_tokens,
            completion_tokens=tally.completion_tokens,
            milliseconds=int(1000 * (time.perf_counter() - self._clock)),
        )

    def _count(self) -> None:
        metrics, tally = self._door.metrics, self._tally
        metrics.requests.labels(self._method(), self._route(), str(self._status)).inc()
        metrics.seconds.labels(self._route()).observe(time.perf_counter() - self._clock)
        metrics.tokens.labels("prompt").inc(tally.prompt_tokens)
        metrics.tokens.labels("completion").inc(tally.completion_tokens)

    def _route(self) -> str:
        """The template, so that no path of a client's is written down."""
        return str(getattr(self._scope.get("route"), "path", _NO_ROUTE))

    def _method(self) -> str:
        method = str(self._scope["method"])
        return method if method in _METHODS else _NO_ROUTE


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _request_id(shown: bytes) -> str:
    """The client's when it is a UUID, else a new one: the audit keeps it, and must keep no text."""
    try:
        return str(uuid.UUID(shown.decode("ascii")))
    except ValueError:
        return str(uuid.uuid4())


def _drained() -> ApiError:
    return ApiError(503, "the server is shutting down", code="shutting_down", headers={"retry-after": "5"})


def _too_large(most: int) -> str:
    return f"the body is larger than {most} bytes"

"""The doorkeeper in front of every route: the key, the size of the body, and a last catch for errors."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Final

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clinsynth.serve.errors import as_api_error, error_body
from clinsynth.serve.service import Service

_OPEN: Final = frozenset({"/health"})


class Doorkeeper:
    """Plain ASGI, so that streams and disconnects pass through untouched.

    Errors that no route foresaw end here as a 500: further out they would be logged with their message,
    which may quote a prompt.

    Args:
        api_key: what ``Authorization: Bearer`` must hold; None asks for nothing.
        max_body_bytes: a larger body is refused, by its announced or by its real length.
    """

    def __init__(self, app: ASGIApp, api_key: str | None, max_body_bytes: int) -> None:
        self._app, self._max = app, max_body_bytes
        self._key = None if api_key is None else _digest(api_key.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        if scope["path"] not in _OPEN and not self._may_enter(headers.get(b"authorization", b"")):
            refusal = _answer(401, "a valid key is needed: Authorization: Bearer KEY")
            refusal.headers["WWW-Authenticate"] = "Bearer"
            await refusal(scope, receive, send)
            return
        announced = headers.get(b"content-length", b"")
        if announced.isdigit() and int(announced) > self._max:
            await _answer(413, _too_large(self._max))(scope, receive, send)
            return
        counted = _Counted(receive, send, self._max)
        try:
            await self._app(scope, counted.receive, counted.send)
        except Exception as error:  # noqa: BLE001 - see above
            told = as_api_error(error)
            if not counted.started:
                await _answer(told.status, told.message)(scope, receive, send)

    def _may_enter(self, authorization: bytes) -> bool:
        if self._key is None:
            return True
        scheme, _, shown = authorization.partition(b" ")
        # digests have one length, so the comparison takes the same time whatever was shown
        return hmac.compare_digest(_digest(shown.strip()), self._key) and scheme.lower() == b"bearer"


class _Counted:
    """Counts the bytes of the body as they come, and remembers whether an answer has begun."""

    def __init__(self, receive: Receive, send: Send, most: int) -> None:
        self._receive, self._send, self._most = receive, send, most
        self._read = 0
        self.started = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._read += len(message.get("body", b""))
        if self._read > self._most:
            raise HTTPException(413, _too_large(self._most))
        return message

    async def send(self, message: Message) -> None:
        self.started = True
        await self._send(message)


def service_of(request: Request) -> Service:
    """The running service behind a request."""
    service: Any = request.app.state.service
    assert isinstance(service, Service), "the app has not started"
    return service


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def _too_large(most: int) -> str:
    return f"the body is larger than {most} bytes"


def _answer(status: int, message: str) -> JSONResponse:
    return JSONResponse(error_body(status, message), status)

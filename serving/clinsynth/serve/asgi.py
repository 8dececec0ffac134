"""The doorkeeper in front of every route, and what a route finds behind a request."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from clinsynth.serve.door import Door
from clinsynth.serve.service import Service
from clinsynth.serve.store.keys import Key
from clinsynth.serve.visit import KEY, Visit


class Doorkeeper:
    """Plain ASGI, so that streams and disconnects pass through untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Other kinds of connections than HTTP are not taken."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        door: Any = scope["app"].state.door
        assert isinstance(door, Door), "the app has not started"
        await Visit(door, scope, receive, send).through(self._app)


def service_of(request: Request) -> Service:
    """The running service behind a request."""
    service: Any = request.app.state.service
    assert isinstance(service, Service), "the app has not started"
    return service


def door_of(request: Request) -> Door:
    """The door that a request came through."""
    door: Any = request.app.state.door
    assert isinstance(door, Door), "the app has not started"
    return door


def key_of(request: Request) -> Key:
    """The key that a request has shown."""
    key: Any = request.scope[KEY]
    assert isinstance(key, Key), "the route has no doorkeeper"
    return key

"""Runs the application under uvicorn: one line when it answers, a clean end on SIGTERM and Ctrl-C."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
import time
from dataclasses import replace
from types import FrameType

import click
import uvicorn

from clinsynth.errors import UsageError
from clinsynth.serve.app import create_app
from clinsynth.serve.drain import Drain
from clinsynth.serve.settings import API_KEY_VARIABLE, Settings, check_key, is_exposed
from clinsynth.serve.store.database import Database
from clinsynth.serve.store.keys import list_keys


def run(settings: Settings, host: str, port: int) -> None:
    """Serves until a signal ends it.

    Raises:
        UsageError: the address cannot be had, or is open to others without a key.
        ClinsynthError: model, gate or engine cannot start (see ``service.running``).
    """
    check_key(settings.api_key)
    with listener(host, port) as sock, _Signals() as signals:
        asyncio.run(_serve(_with_key(settings, host), sock, signals))


def _with_key(settings: Settings, host: str) -> Settings:
    """The settings with a key: where nobody has made one, this machine gets one for this run.

    Raises:
        UsageError: the address is open to others, and nobody has made a key.
    """
    with Database(settings.database) as database:
        kept = any(key.is_good(time.time()) for key in database.now(list_keys))
    if settings.api_key is not None or kept:
        return settings
    if is_exposed(host):
        raise UsageError(
            f"--host {host} can be reached by others: make a key with `clinsynth keys create`, or set "
            f"{API_KEY_VARIABLE}; or use 127.0.0.1"
        )
    return replace(settings, api_key=secrets.token_urlsafe(24), shows_key=True)


def listener(host: str, port: int) -> socket.socket:
    """The address, taken before the engine starts: a port in use is found out at once.

    Raises:
        UsageError: no such host, or the port is taken or forbidden.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # asyncio sends at once (TCP_NODELAY) only on sockets that say they are TCP's; others wait 40 ms
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, port))
        except OSError:
            sock.close()
            raise
    except OSError as error:
        raise UsageError(f"--host {host} --port {port}: {error.strerror}") from None
    return sock


async def _serve(settings: Settings, sock: socket.socket, signals: _Signals) -> None:
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        lifespan="off",  # entered here, so that a failed start is one line and not a traceback
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.config.graceful_seconds,
    )
    async with app.router.lifespan_context(app):
        signals.defer()
        info = app.state.service.info
        what = f"model {info.model}, {info.engine} {info.version}, {info.backend}"
        key = settings.api_key if settings.shows_key else None
        server = _Server(config, what, app.state.door.drain, key)
        if not signals.came:
            await server.serve(sockets=[sock])


class _Server(uvicorn.Server):
    """Says where it answers, once it does; a signal begins the drain before sockets are closed."""

    def __init__(self, config: uvicorn.Config, what: str, drain: Drain, key: str | None) -> None:
        super().__init__(config)
        self._what, self._drain, self._key = what, drain, key

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        assert sockets is not None
        host, port = sockets[0].getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        click.echo(f"ready: http://{shown}:{port} ({self._what})")
        if self._key is not None:
            click.echo(f"key: {self._key} (for this run; `clinsynth keys create` makes lasting ones)")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._drain.begin(self.config.timeout_graceful_shutdown or 0)
        await super().shutdown(sockets)


class _Signals:
    """While the engine starts, a signal ends the process; afterwards uvicorn handles it.

    uvicorn raises the signal once more when it has shut down. Then the engine has still to be ended, so
    from ``defer`` on the signal itself does nothing.
    """

    def __init__(self) -> None:
        self.came = False
        self._deferred = False

    def __enter__(self) -> _Signals:
        self._before = {n: signal.signal(n, self._on) for n in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def defer(self) -> None:
        """From here on a signal is only remembered."""
        self._deferred = True

    def _on(self, number: int, frame: FrameType | None) -> None:
        self.came = True
        if not self._deferred:
            raise SystemExit(128 + number)

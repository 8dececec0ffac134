"""Runs the application under uvicorn: one line when it answers, a clean end on SIGTERM and Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
import socket
from types import FrameType

import click
import uvicorn

from clinsynth.errors import UsageError
from clinsynth.serve.app import create_app
from clinsynth.serve.settings import Settings, check_exposure


def run(settings: Settings, host: str, port: int) -> None:
    """Serves until a signal ends it.

    Raises:
        UsageError: the address cannot be had, or is open to others without a key.
        ClinsynthError: model, gate or engine cannot start (see ``service.running``).
    """
    check_exposure(host, settings.api_key)
    with listener(host, port) as sock, _Signals() as signals:
        asyncio.run(_serve(settings, sock, signals))


def listener(host: str, port: int) -> socket.socket:
    """The address, taken before the engine starts: a port in use is found out at once.

    Raises:
        UsageError: no such host, or the port is taken or forbidden.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        sock = socket.socket(family)
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
        server = _Server(config, f"model {info.model}, {info.engine} {info.version}, {info.backend}")
        if not signals.came:
            await server.serve(sockets=[sock])


class _Server(uvicorn.Server):
    """Says where it answers, once it does."""

    def __init__(self, config: uvicorn.Config, what: str) -> None:
        super().__init__(config)
        self._what = what

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        assert sockets is not None
        host, port = sockets[0].getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        click.echo(f"ready: http://{shown}:{port} ({self._what})")


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

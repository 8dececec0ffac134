"""The demo's server stage: one note asked for over a real socket, as a user would."""

from __future__ import annotations

import http.client
import json
import secrets
import socket
import subprocess
import tempfile
import time
from typing import Any, Final

import click

from clinsynth.cli.stages import Cost, Stage, peak_memory, start_stage
from clinsynth.errors import EngineError

_READY_SECONDS: Final = 180.0
_CONDITIONS: Final = {"note_type": "discharge summary", "sex": "female", "age_band": "60-69"}


def request_a_note(stage: Stage) -> Cost:
    """Starts the server, requests one note, prints it, and ends the server.

    Raises:
        EngineError: the server ended early, was not ready in time, or answered with an error.
    """
    start, port, key = time.monotonic(), _free_port(), secrets.token_urlsafe()
    with (
        tempfile.TemporaryDirectory() as folder,
        start_stage(
            [*stage.arguments, "--port", str(port)],
            {"CLINSYNTH_API_KEY": key, "CLINSYNTH_DATABASE_URL": f"sqlite:///{folder}/serve.sqlite"},
        ) as process,
        peak_memory(process.pid) as peak,
    ):
        _wait_until_ready(process, port)
        click.echo(f"POST /v1/notes {json.dumps(_CONDITIONS)}", err=True)
        body = _ask(port, "POST", "/v1/notes", {**_CONDITIONS, "seed": 1}, key)
        for note in body["notes"]:
            _show(note)
    return Cost(stage.name, time.monotonic() - start, peak.mib)


def _show(note: dict[str, Any]) -> None:
    verdict = note["verdict"]
    click.echo(f"verdict: {json.dumps(verdict)}", err=True)
    if note.get("text"):
        click.echo(f"{len(note['entities'])} entities, {len(note['phi'])} surrogates", err=True)
        click.echo("\n".join(f"    {line}" for line in note["text"].splitlines()), err=True)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise EngineError(f"the server ended with exit code {process.returncode} before it was ready")
        try:
            _ask(port, "GET", "/readyz")
        except (OSError, http.client.HTTPException, EngineError):
            time.sleep(0.5)
        else:
            return
    raise EngineError(f"the server was not ready within {_READY_SECONDS:.0f} seconds")


def _ask(
    port: int, method: str, path: str, body: dict[str, Any] | None = None, key: str | None = None
) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        payload = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        connection.request(method, path, payload, headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise EngineError(f"{method} {path} answered {response.status}")
        parsed = json.loads(answer) if answer else {}
        assert isinstance(parsed, dict)
        return parsed
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

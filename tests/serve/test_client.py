"""The Python client and ``clinsynth generate``, against the real server over a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.serve.live import KEY, Server

from clinsynth.corpus.readers import ReadOptions, read_notes
from clinsynth.errors import ClinsynthError, UsageError
from clinsynth.serve.client import AsyncClient, Client, ServerError
from clinsynth.serve.generate import generate


@pytest.mark.slow
def test_both_clients_get_the_same_notes(server: Server) -> None:
    wish: dict[str, Any] = {"n": 3, "seed": 4, "sex": "male", "mode": "tags"}
    with Client(server.url, KEY) as client:
        assert [model.id for model in client.models().data] == ["tiny-llama", "ward", "same"]
        notes = client.notes(**wish).notes
        again = client.regenerate(notes[1].provenance).note
        assert again.text == notes[1].text
        later = client.notes(**{**wish, "n": 1, "start": 2}).notes
        assert later == notes[2:]

    async def ask() -> Any:
        async with AsyncClient(server.url, KEY) as other:
            first, second = await asyncio.gather(other.notes(**wish), other.models())
            record = await other.regenerate(first.notes[0].provenance, entities=False)
            return first.notes, second.data, record.note

    found, models, record = asyncio.run(ask())
    assert found == notes
    assert len(models) == 3
    assert (record.text, record.entities) == (notes[0].text, [])


@pytest.mark.slow
def test_what_the_server_refuses(server: Server) -> None:
    with Client(server.url, KEY) as client:
        with pytest.raises(ServerError) as gone:
            client.notes(model="gpt-4")
        assert (gone.value.status, gone.value.param) == (404, "model")
        with pytest.raises(UsageError, match=r"sex: .*'female' or 'male'"):
            client.notes(sex="other")
    with Client(server.url, "wrong") as client, pytest.raises(ServerError) as closed:
        client.models()
    assert closed.value.status == 401


@pytest.mark.slow
def test_generate_from_a_server(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINSYNTH_API_KEY", KEY)
    arguments = ("--url", server.url, "--seed", "3", "--sex", "female", "--mode", "tags")
    out = tmp_path / "notes.jsonl"
    made = _run(*arguments, "-n", "20", "--out", str(out))
    assert made.exit_code == 0, made.output
    notes = list(read_notes(out, ReadOptions()))
    assert len({note.id for note in notes}) == len(notes) >= 10
    assert all(note.attributes.sex == "female" for note in notes)
    assert any(note.entities for note in notes)
    assert f"{len(notes)} notes in {out}, seed 3" in made.stderr
    shown = _run(*arguments, "-n", "2")
    assert notes[0].text in shown.stdout or "withheld" in shown.stderr


@pytest.mark.slow
def test_generate_here_gives_what_the_server_gives(
    server: Server, tiny_model_dir: Path, tmp_path: Path
) -> None:
    """In a process of its own, as a user starts it: an engine lives in it."""
    import subprocess
    import sys

    files = [tmp_path / f"{name}.jsonl" for name in ("here", "there")]
    for out, place in zip(files, (("--model", str(tiny_model_dir)), ("--url", server.url)), strict=True):
        subprocess.run(
            [
                *(sys.executable, "-m", "clinsynth.cli", "generate", *place),
                *("-n", "3", "--seed", "5", "--temperature", "0.5", "--out", str(out)),
            ],
            check=True,
            capture_output=True,
            env={**_environment(), "CLINSYNTH_API_KEY": KEY},
        )
    here, there = ([json.loads(line)["text"] for line in out.read_text().splitlines()] for out in files)
    assert here
    assert set(here) >= set(there) or set(there) >= set(here), "attempts may differ, draws do not"


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "--model DIR or --url URL"),
        (("--model", "a", "--url", "b"), "one of the two"),
        (("--url", "http://127.0.0.1:1"), "http://127.0.0.1:1: ConnectError"),
        (("--url", "http://127.0.0.1:1", "--note-type", "a\nb"), "note_type"),
        (("--url", "http://127.0.0.1:1", "--out", "notes.docx"), "docx"),
        (("--model", "nowhere"), "nowhere"),
    ],
)
def test_what_is_wrong_is_one_line(
    arguments: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    error = _run(*arguments).exception
    assert isinstance(error, ClinsynthError)
    assert says in str(error)
    assert "\n" not in str(error)
    assert list(tmp_path.iterdir()) == []


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(generate, arguments)


class _Busy(BaseHTTPRequestHandler):
    """Puts the client off twice, then answers; or answers what no server of ours would."""

    asked = 0
    page = b"<html>a proxy's page</html>"

    def do_GET(self) -> None:
        type(self).asked += 1
        if type(self).asked <= 2:
            self.send_response(429 if type(self).asked == 1 else 503)
            self.send_header("Retry-After", "0")
            self.end_headers()
            return
        self.send_response(200 if self.headers.get("authorization") == "Bearer good" else 502)
        self.end_headers()
        self.wfile.write(
            b'{"data": []}' if self.headers.get("authorization") == "Bearer good" else self.page
        )

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def busy() -> Iterator[str]:
    _Busy.asked = 0
    server = HTTPServer(("127.0.0.1", 0), _Busy)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_one_who_is_put_off_comes_again(busy: str) -> None:
    with Client(busy, "good") as client:
        assert client.models().data == []
    assert _Busy.asked == 3


def test_one_without_patience_is_told(busy: str) -> None:
    with Client(busy, "good", retries=0) as client, pytest.raises(ServerError) as error:
        client.models()
    assert error.value.status == 429


def test_a_page_that_is_not_ours(busy: str) -> None:
    async def ask() -> None:
        async with AsyncClient(busy, "other") as client:
            await client.models()

    with pytest.raises(ServerError, match="answered 502") as error:
        asyncio.run(ask())
    assert "proxy" not in str(error.value)

"""``stream: settled`` over a real socket: gate, routes and server are real, the engine writes what it is told."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from clinsynth.engine import Completion, Delta, EngineInfo, Request
from clinsynth.gate import Gate, GateConfig, load_detector
from clinsynth.serve import completions
from clinsynth.serve.errors import install_handlers
from clinsynth.serve.metrics import Metrics
from clinsynth.serve.service import Served, Service
from clinsynth.serve.settings import ServeConfig

_INFO = EngineInfo("vllm", "0", "native", "scripted", "0" * 64, "0" * 64, "float32", 4096, 1)
_LINES = [
    "Day 1: he slept well, the cough is better, and his wife came to see him in the afternoon.\n",
    "Day 2: no fever, blood pressure 120/80, walks thirty metres with help and eats soup.\n",
    "Day 3: the drain is out and the wound is dry; he sat up for lunch and read a paper.\n",
    "Day 4: potassium is 4.1, creatinine is as before, weight 81 kg, no swelling of the legs.\n",
    "Day 5: climbs stairs alone, asks for less pain relief, sleeps without the extra pillow.\n",
    "Day 6: wants to go home, knows his tablets, and will be seen again in the clinic soon.\n",
]
NOTE = "".join(_LINES)
LATE = f"{NOTE}Thanks to Dr. Okonkwo and to everybody on the ward; call 555-010-0199 with questions.\n"
WITHDRAWN = f"{NOTE}{'Better and better every single day. ' * 40}"


class Scripted:
    """Writes one text for every request, a few characters at a time, and notes how far it is."""

    info = _INFO

    def __init__(self) -> None:
        self.text = ""
        self.written = 0

    async def prepared(self, request: Request) -> Request:
        return request

    def text_of(self, request: Request) -> str:
        return "<|note|><|text|>"

    async def complete(self, request: Request) -> list[Completion]:
        return [Completion(request.id, 0, self.text, (), "stop", 1)]

    async def generate(self, request: Request) -> AsyncGenerator[Delta]:
        for start in range(0, len(self.text), 12):
            await asyncio.sleep(0.001)
            piece = self.text[start : start + 12]
            self.written = start + len(piece)
            yield Delta(request.id, 0, piece, (1,), None, 1)
        yield Delta(request.id, 0, "", (2,), "stop", 1)


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[Scripted, httpx.Client]]]:
    """``serve(stream="settled")``: an engine, and a client of the server in front of it."""
    ends: list[Callable[[], None]] = []

    def start(**policy: Any) -> tuple[Scripted, httpx.Client]:
        config = GateConfig(copied=False, neighbours=False, **policy)
        gate = Gate(config, load_detector(config), None, None)
        preview = gate.under(config) if config.stream == "settled" else None
        served = Served(_INFO, None, gate, gate, preview, ())
        engine, pool = Scripted(), ThreadPoolExecutor(2)
        app = FastAPI()
        app.include_router(completions.router)
        install_handlers(app)
        app.state.service = Service(
            ServeConfig(), SimpleNamespace(engine=engine), {"scripted": served}, pool, Metrics(), 0
        )
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)

        def end() -> None:
            client.close()
            server.should_exit = True
            thread.join()
            pool.shutdown()

        ends.append(end)
        return engine, client

    yield start
    for end in ends:
        end()


def events(engine: Scripted, client: httpx.Client, text: str) -> list[tuple[int, Any]]:
    """What came, each with how far the engine was."""
    engine.text = text
    body = {"prompt": "<|note|><|text|>", "stream": True, "mode": "tags", "max_tokens": 4000}
    with client.stream("POST", "/v1/completions", json=body) as answer:
        assert answer.status_code == 200
        lines = [(engine.written, line.removeprefix("data: ")) for line in answer.iter_lines() if line]
    assert lines[-1][1] == "[DONE]"
    return [(at, json.loads(line)) for at, line in lines[:-1]]


def text_of(found: list[tuple[int, Any]]) -> str:
    return "".join(choice["text"] for _, event in found for choice in event.get("choices", ()))


@pytest.mark.parametrize("stream", ["whole", "settled"])
@pytest.mark.parametrize("text", [NOTE, LATE, "He is well and went home.", ""])
def test_a_stream_that_ends_well_gives_what_one_answer_gives(
    serve: Callable[..., Any], stream: str, text: str
) -> None:
    engine, client = serve(stream=stream, min_words=1, min_characters=1)
    found = events(engine, client, text)
    body = {"prompt": "<|note|><|text|>", "mode": "tags"}
    [whole] = client.post("/v1/completions", json=body).json()["choices"]
    assert text_of(found) == whole["text"]
    assert "Okonkwo" not in text_of(found)
    reasons = [choice["finish_reason"] for _, event in found for choice in event["choices"]]
    assert reasons[-1] == whole["finish_reason"] == "stop"
    assert set(reasons[:-1]) <= {None}
    assert stream == "settled" or len(found) == 1


def test_settled_text_is_on_the_wire_before_the_engine_is_done(serve: Callable[..., Any]) -> None:
    engine, client = serve(stream="settled")
    first, _ = events(engine, client, NOTE)[0]
    assert first < len(NOTE)


def test_what_was_sent_and_is_withdrawn_ends_in_an_error(serve: Callable[..., Any]) -> None:
    engine, client = serve(stream="settled")
    *texts, last, error = [event for _, event in events(engine, client, WITHDRAWN)]
    assert texts
    assert [choice["finish_reason"] for choice in last["choices"]] == ["content_filter"]
    assert error == {
        "error": {
            "message": "choice 0: what was sent is withdrawn",
            "type": "server_error",
            "param": None,
            "code": "withdrawn",
        }
    }
    client.close()


def test_what_was_never_sent_is_withheld_as_ever(serve: Callable[..., Any]) -> None:
    engine, client = serve(stream="settled")
    [(_, only)] = events(engine, client, "Better and better every single day. " * 40)
    assert only["choices"][0] == {
        "index": 0,
        "text": "",
        "logprobs": None,
        "finish_reason": "content_filter",
    }

"""OpenAI's own client, unchanged, over a real socket with the real engine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from tests.serve.live import CONFIG, KEY, Server, engine_of

from clinsynth.serve.store.audit import entries
from clinsynth.serve.store.database import Database
from clinsynth.tokens.template import parse

pytestmark = pytest.mark.slow

SECRET = "Bloomquist"
PROMPT = "<|note|><|text|>"
SAMPLING: dict[str, Any] = {"max_tokens": 100, "temperature": 0.4, "seed": 5}


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0, timeout=60) as one:
        yield one


def test_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["tiny-llama", "ward", "same"]


def test_completions_with_n_and_seed(client: openai.OpenAI) -> None:
    first, again = (
        client.completions.create(model="tiny-llama", prompt=PROMPT, n=3, **SAMPLING) for _ in range(2)
    )
    assert [choice.index for choice in first.choices] == [0, 1, 2]
    assert len({choice.text for choice in first.choices}) > 1
    assert [c.text for c in again.choices] == [c.text for c in first.choices]
    assert first.usage is not None
    assert first.usage.total_tokens == first.usage.prompt_tokens + first.usage.completion_tokens
    stopped = client.completions.create(model="tiny-llama", prompt=PROMPT, stop=["."], **SAMPLING)
    assert "." not in stopped.choices[0].text


def test_streams(client: openai.OpenAI) -> None:
    whole = client.completions.create(model="ward", prompt=PROMPT, n=2, **SAMPLING)
    texts = {0: "", 1: ""}
    reasons, usage = {}, None
    for chunk in client.completions.create(
        model="ward", prompt=PROMPT, n=2, stream=True, stream_options={"include_usage": True}, **SAMPLING
    ):
        for choice in chunk.choices:
            texts[choice.index] += choice.text
            if choice.finish_reason:
                reasons[choice.index] = choice.finish_reason
        usage = chunk.usage or usage
    assert [texts[choice.index] for choice in whole.choices] == [choice.text for choice in whole.choices]
    assert [reasons[choice.index] for choice in whole.choices] == [c.finish_reason for c in whole.choices]
    assert usage == whole.usage


def test_logprobs(client: openai.OpenAI) -> None:
    greedy = {"max_tokens": 40, "temperature": 0}
    ask = client.completions.create
    for stream in (False, True):
        mode = {"mode": "tags"}
        answer: Any = ask(
            model="tiny-llama", prompt=PROMPT, logprobs=2, stream=stream, extra_body=mode, **greedy
        )
        choices = [c for chunk in answer for c in chunk.choices] if stream else answer.choices
        text, told = "".join(choice.text for choice in choices), choices[-1].logprobs
        assert len(told.tokens) == len(told.token_logprobs) == len(told.top_logprobs) == 40
        assert parse("".join(told.tokens), finished=True).text == text
        for token, logprob, top, at in zip(
            told.tokens, told.token_logprobs, told.top_logprobs, told.text_offset, strict=True
        ):
            assert len(top) <= 2
            assert max(top, key=top.get) == token, "greedy takes the likeliest"
            assert top[token] == logprob <= 0
            assert token.startswith("<|") or text[at : at + len(token)] == token
    only = ask(model="tiny-llama", prompt=PROMPT, logprobs=0, **greedy).choices[0].logprobs
    assert only is None or only.top_logprobs is None
    with pytest.raises(openai.UnprocessableEntityError, match="allows 3"):
        ask(model="tiny-llama", prompt=PROMPT, logprobs=4, **greedy)


def test_errors_are_the_classes_that_its_users_catch(client: openai.OpenAI, server: Server) -> None:
    ask = client.completions.create
    with pytest.raises(openai.NotFoundError) as gone:
        ask(model="gpt-4", prompt=PROMPT)
    assert gone.value.param == "model"
    with pytest.raises(openai.UnprocessableEntityError) as wrong:
        ask(model="tiny-llama", prompt=PROMPT, temperature=9)
    assert wrong.value.param == "temperature"
    with pytest.raises(openai.BadRequestError) as long:
        ask(model="tiny-llama", prompt=f"{SECRET} " * 400)
    assert SECRET not in str(long.value)
    for key in ("wrong", "cs-000000000000-" + "A" * 43):
        stranger = openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0)
        with stranger, pytest.raises(openai.AuthenticationError):
            stranger.completions.create(model="tiny-llama", prompt=PROMPT)


def _input(*lines: dict[str, Any], url: str = "/v1/completions") -> bytes:
    rows = (
        {"custom_id": f"line-{i}", "method": "POST", "url": url, "body": line}
        for i, line in enumerate(lines)
    )
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _batch(client: openai.OpenAI, content: bytes, endpoint: Any = "/v1/completions", **more: Any) -> Any:
    file = client.files.create(file=("in.jsonl", content), purpose="batch")
    return client.batches.create(input_file_id=file.id, endpoint=endpoint, completion_window="24h", **more)


def _ended(client: openai.OpenAI, batch_id: str, seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        batch = client.batches.retrieve(batch_id)
        if batch.status in ("completed", "failed", "expired", "cancelled"):
            return batch
        assert time.monotonic() < deadline, batch
        time.sleep(0.2)


def _lines(client: openai.OpenAI, file_id: str | None) -> dict[str, Any]:
    if file_id is None:
        return {}
    rows = [json.loads(line) for line in client.files.content(file_id).text.splitlines()]
    assert len({row["custom_id"] for row in rows}) == len(rows), "a line twice"
    return {row["custom_id"]: row for row in rows}


def test_files(client: openai.OpenAI, server: Server) -> None:
    content = b'{"a": 1}\n' * 200_000  # nearly two chunks
    file = client.files.create(
        file=("ward.jsonl", content),
        purpose="batch",
        expires_after={"anchor": "created_at", "seconds": 3600},
    )
    assert (file.filename, file.bytes, file.purpose, file.status) == (
        "ward.jsonl",
        len(content),
        "batch",
        "processed",
    )
    assert file.expires_at == file.created_at + 3600
    assert client.files.retrieve(file.id) == file
    assert client.files.content(file.id).content == content
    others = [client.files.create(file=(f"{i}.jsonl", b"x"), purpose="batch") for i in range(3)]
    listed = [one.id for one in client.files.list(limit=2)]
    assert sorted(listed) == sorted(one.id for one in [*others, file]), "its pages go on by themselves"
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)
    with pytest.raises(openai.BadRequestError):
        client.files.create(file=("a", b""), purpose="batch")
    with pytest.raises(openai.UnprocessableEntityError):
        client.files.create(file=("a", b"x"), purpose="vision")


def test_a_batch_of_completions_gives_what_live_requests_give(
    client: openai.OpenAI, server: Server
) -> None:
    bodies = [{"prompt": PROMPT, **SAMPLING, "seed": i, "model": "tiny-llama"} for i in range(12)]
    bad = [
        {"prompt": PROMPT, "max_tokens": "many"},
        {"model": "gpt-4", "prompt": SECRET},
        {"stream": True, "prompt": "a"},
    ]
    batch = _batch(client, _input(*bodies, *bad), metadata={"study": "7"})
    assert (batch.status, batch.metadata) == ("validating", {"study": "7"})
    done = _ended(client, batch.id)
    assert done.status == "completed"
    counts = done.request_counts
    assert (counts.total, counts.completed, counts.failed) == (15, 12, 3)
    out, wrong = _lines(client, done.output_file_id), _lines(client, done.error_file_id)
    assert list(out) == [f"line-{i}" for i in range(12)]
    for i in (0, 7):
        live = client.completions.create(**bodies[i])
        answer = out[f"line-{i}"]["response"]
        assert answer["status_code"] == 200
        assert answer["body"]["choices"][0]["text"] == live.choices[0].text
    assert [wrong[f"line-{i}"]["response"]["status_code"] for i in (12, 13, 14)] == [422, 404, 422]
    assert wrong["line-12"]["response"]["body"]["error"]["param"] == "max_tokens"
    assert SECRET not in json.dumps(wrong)
    with Database(server.database) as database:
        kept = database.now(lambda connection: list(entries(connection)))
    lines = [entry for entry in kept if entry.route == "/v1/batches:/v1/completions"]
    assert len(lines) == 15
    tokens = sum(row["response"]["body"]["usage"]["completion_tokens"] for row in out.values())
    assert sum(entry.completion_tokens for entry in lines) == tokens


def test_a_batch_of_notes(client: openai.OpenAI) -> None:
    batch = _batch(
        client, _input(*({"seed": i, "sex": "female"} for i in range(4)), url="/v1/notes"), "/v1/notes"
    )
    done = _ended(client, batch.id)
    out = _lines(client, done.output_file_id)
    assert len(out) == 4
    for row in out.values():
        [note] = row["response"]["body"]["notes"]
        assert note["attributes"]["sex"] == "female"


def test_an_input_that_cannot_be_run_fails_as_a_whole(client: openai.OpenAI) -> None:
    done = _ended(
        client, _batch(client, SECRET.encode() + b"\n" + _input({"prompt": "a"}, url="/v1/notes")).id
    )
    assert done.status == "failed"
    assert done.errors is not None
    assert [(error.code, error.line) for error in done.errors.data] == [
        ("invalid_json", 1),
        ("mismatched_url", 2),
    ]
    assert SECRET not in done.model_dump_json()
    assert done.output_file_id is None


def test_cancelling_ends_it_soon_and_keeps_what_is_done(client: openai.OpenAI) -> None:
    batch = _batch(client, _input(*({"prompt": PROMPT, **SAMPLING, "seed": i} for i in range(2000))))
    while client.batches.retrieve(batch.id).request_counts.completed < 5:
        time.sleep(0.1)
    assert client.batches.cancel(batch.id).status == "cancelling"
    done = _ended(client, batch.id, 20)
    assert done.status == "cancelled"
    assert 5 <= len(_lines(client, done.output_file_id)) == done.request_counts.completed < 2000
    assert client.batches.list().data[0].id == batch.id


def test_live_requests_go_before_a_batch(client: openai.OpenAI) -> None:
    alone = _seconds(client)
    batch = _batch(client, _input(*({"prompt": PROMPT, **SAMPLING, "seed": i} for i in range(2000))))
    while client.batches.retrieve(batch.id).request_counts.completed < 5:
        time.sleep(0.1)
    beside = _seconds(client)
    client.batches.cancel(batch.id)
    assert _ended(client, batch.id).status == "cancelled"
    assert beside < 10 * alone + 5, "it does not wait for two thousand lines"


def _seconds(client: openai.OpenAI) -> float:
    start = time.monotonic()
    client.completions.create(model="tiny-llama", prompt=PROMPT, **SAMPLING)
    return time.monotonic() - start


def test_a_batch_goes_on_when_its_engine_is_killed(client: openai.OpenAI, server: Server) -> None:
    batch = _batch(client, _input(*({"prompt": PROMPT, **SAMPLING, "seed": i} for i in range(300))))
    while client.batches.retrieve(batch.id).request_counts.completed < 20:
        time.sleep(0.1)
    engine_of(server).kill()
    done = _ended(client, batch.id, 200)
    assert (done.status, done.request_counts.completed, done.request_counts.failed) == ("completed", 300, 0)
    assert list(_lines(client, done.output_file_id)) == [f"line-{i}" for i in range(300)]


def test_a_batch_goes_on_when_its_server_is_killed(
    client: openai.OpenAI, server: Server, tiny_model_dir: Path, tiny_adapter_dir: Path, tmp_path: Path
) -> None:
    """The module's last test: it kills the server."""
    batch = _batch(client, _input(*({"prompt": PROMPT, **SAMPLING, "seed": i} for i in range(300))))
    while client.batches.retrieve(batch.id).request_counts.completed < 20:
        time.sleep(0.1)
    before = client.batches.retrieve(batch.id).request_counts.completed
    server.kill()
    again = Server(tiny_model_dir, tiny_adapter_dir, tmp_path, CONFIG, database=server.database)
    try:
        with openai.OpenAI(base_url=f"{again.url}/v1", api_key=KEY, max_retries=0, timeout=60) as second:
            assert second.batches.retrieve(batch.id).request_counts.completed >= before
            done = _ended(second, batch.id, 200)
            assert (done.request_counts.completed, done.request_counts.failed) == (300, 0)
            assert list(_lines(second, done.output_file_id)) == [f"line-{i}" for i in range(300)]
    finally:
        again.end()
    told = again.errors.read_text() + server.errors.read_text()
    for never in (SECRET, KEY, "chest pain", "<|note|>"):
        assert never not in told

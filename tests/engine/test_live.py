"""Live generation with the real engine in its own process: one start for the module, killed by its end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from clinsynth.engine import (
    Delta,
    EngineConfig,
    EngineDiedError,
    LiveEngine,
    RefusedRequestError,
    Request,
    Sampling,
)
from clinsynth.errors import EngineError

pytestmark = pytest.mark.slow
T = TypeVar("T")


class Live:
    """An engine on a loop of its own, so that plain tests share one start."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._before = _children()
        config = EngineConfig(dtype="float32", kv_cache_gib=0.1, max_num_seqs=8)
        self.engine = LiveEngine(folder, config)
        self.run(self.engine.__aenter__())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    def unfinished(self) -> int:
        return int(self.engine._llm.get_num_unfinished_requests())

    def processes(self) -> set[psutil.Process]:
        return _children() - self._before

    def close(self) -> None:
        self.run(self.engine.__aexit__(None, None, None))
        self._loop.close()


def _children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


@pytest.fixture(scope="module")
def live(tiny_model_dir: Path) -> Iterator[Live]:
    one = Live(tiny_model_dir)
    yield one
    one.close()


async def _deltas(engine: LiveEngine, request: Request) -> list[Delta]:
    return [delta async for delta in engine.generate(request)]


def test_deltas_add_up_to_the_completion(live: Live) -> None:
    request = Request("a", "<|note|><|text|>", Sampling(temperature=0.7, seed=3), n=2)
    deltas = live.run(_deltas(live.engine, request))
    whole = live.run(live.engine.complete(request))
    assert [c.index for c in whole] == [0, 1]
    assert [c.seed for c in whole] == [3, 4]
    for completion in whole:
        mine = [d for d in deltas if d.index == completion.index]
        assert "".join(d.text for d in mine) == completion.text
        assert sum((d.token_ids for d in mine), ()) == completion.token_ids
        assert mine[-1].finish_reason == completion.finish_reason
        assert {d.finish_reason for d in mine[:-1]} == {None}
        assert len(mine) > 5, "it comes in pieces"
        assert completion.prompt_tokens == mine[0].prompt_tokens == 2


def test_a_bad_request_is_refused_by_field_and_the_engine_lives(live: Live) -> None:
    for prompt, sampling, field in [
        ("", Sampling(), "prompt"),
        ("secret " * 400, Sampling(), "prompt"),
        ((99_999,), Sampling(), "prompt"),
        ("a", Sampling(max_tokens=999), "max_tokens"),
        ("a", Sampling(stop_token_ids=(-1,)), "stop_token_ids"),
    ]:
        with pytest.raises(RefusedRequestError) as refusal:
            live.run(live.engine.complete(Request("a", prompt, sampling)))
        assert refusal.value.field == field
        assert "secret" not in str(refusal.value)
        if field != "stop_token_ids":
            with pytest.raises(RefusedRequestError):
                live.run(live.engine.prepared(Request("a", prompt, sampling)))
    live.run(live.engine.check_health())
    [good] = live.run(live.engine.complete(Request("a", "Known", Sampling(max_tokens=3, ignore_end=True))))
    assert good.tokens == 3


def test_cancelling_the_caller_aborts_in_the_engine(live: Live) -> None:
    async def cancelled() -> None:
        request = Request("a", "a", Sampling(ignore_end=True))
        task = asyncio.ensure_future(live.engine.complete(request))
        while not live.unfinished():
            await asyncio.sleep(0.001)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    live.run(cancelled())
    assert live.unfinished() == 0


def test_leaving_a_stream_aborts_in_the_engine(live: Live) -> None:
    async def left() -> None:
        stream = live.engine.generate(Request("a", "a", Sampling(ignore_end=True), n=2))
        async with contextlib.aclosing(stream):
            async for delta in stream:
                assert delta.finish_reason is None
                break

    live.run(left())
    assert live.unfinished() == 0


def test_a_dead_engine_says_so_and_leaves_no_process(tiny_model_dir: Path, live: Live) -> None:
    for process in live.processes():
        if "EngineCore" in process.name():
            process.kill()

    async def dead() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            await live.engine.check_health()
            await asyncio.sleep(0.05)

    with pytest.raises(EngineDiedError):
        live.run(dead())
    with pytest.raises(EngineDiedError):
        live.run(live.engine.complete(Request("a", "a")))
    live.run(live.engine.__aexit__(None, None, None))
    assert not [p for p in live.processes() if p.is_running() and "EngineCore" in p.name()]


def test_a_model_that_cannot_run_is_refused_at_the_start(odd_heads_dir: Path) -> None:
    before = _children()

    async def start() -> None:
        async with LiveEngine(odd_heads_dir, EngineConfig(dtype="float32", kv_cache_gib=0.1)):
            pass

    with pytest.raises(EngineError, match=r"odd-heads: vLLM cannot run the model: .* first step") as error:
        asyncio.run(start())
    assert not isinstance(error.value, EngineDiedError), "the server did not start: that is no outage"
    assert not [p for p in _children() - before if p.is_running() and "EngineCore" in p.name()]

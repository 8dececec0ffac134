"""An engine that dies is put away and another is started, after pauses that grow while starting fails."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from clinsynth.engine import EngineDiedError
from clinsynth.errors import EngineError
from clinsynth.serve import keeper
from clinsynth.serve.keeper import EngineKeeper
from clinsynth.serve.metrics import Metrics


class Mortal:
    """Starts if it may, and lives until it is told not to."""

    infos: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, starts: bool) -> None:
        self.starts, self.alive, self.ended = starts, False, False

    async def __aenter__(self) -> Mortal:
        if not self.starts:
            raise EngineError("no memory")
        self.alive = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self.ended = True
        raise RuntimeError("what is dead may fail to end")

    async def check_health(self) -> None:
        if not self.alive:
            raise EngineDiedError("the engine died")


def test_pauses_grow_and_the_next_engine_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        if seconds >= keeper.FIRST_PAUSE:
            pauses.append(seconds)
        await sleep(0.001)

    monkeypatch.setattr(keeper.asyncio, "sleep", noted)
    made = [Mortal(True), *(Mortal(False) for _ in range(7)), Mortal(True)]
    rest = iter(made)

    async def walk() -> None:
        metrics = Metrics()
        kept = EngineKeeper(lambda: next(rest), metrics)  # type: ignore[arg-type, return-value]
        await kept.__aenter__()
        assert kept.engine is made[0]
        made[0].alive = False
        while kept._engine is made[0]:
            await sleep(0.001)
        with pytest.raises(EngineDiedError):
            _ = kept.engine
        while kept._engine is None:
            await sleep(0.001)
        assert kept.engine is made[-1]
        assert made[0].ended
        assert b"clinsynth_engine_restarts_total 1.0" in metrics.page()
        made[-1].ended = True
        kept._engine = None
        await kept.__aexit__(None, None, None)

    asyncio.run(walk())
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_first_start_that_fails_is_told() -> None:
    async def walk() -> None:
        with pytest.raises(EngineError, match="no memory"):
            await EngineKeeper(lambda: Mortal(False), Metrics()).__aenter__()  # type: ignore[arg-type, return-value]

    asyncio.run(walk())

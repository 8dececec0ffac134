"""Keeps an engine alive: one that dies is put away, and another is started, after pauses that grow."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Self

from clinsynth.engine import EngineDiedError, EngineInfo, LiveEngine
from clinsynth.errors import ClinsynthError
from clinsynth.serve.metrics import Metrics

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
_LOOK_EVERY: Final = 0.5
_WELL_AFTER: Final = 120.0  # an engine that has lived so long is well: the next pause is the first again

_log = logging.getLogger(__name__)


class EngineKeeper:
    """An async context manager; the first start raises what ``LiveEngine`` raises.

    Args:
        make: an engine that has not started.
    """

    def __init__(self, make: Callable[[], LiveEngine], metrics: Metrics) -> None:
        self._make, self._metrics = make, metrics
        self._engine: LiveEngine | None = make()
        self._infos: Mapping[str, EngineInfo] = {}
        self._watch: asyncio.Task[None] | None = None

    @property
    def engine(self) -> LiveEngine:
        """The engine that takes requests.

        Raises:
            EngineDiedError: the last one died, and the next has not started.
        """
        if self._engine is None:
            raise EngineDiedError("the engine is being started anew")
        return self._engine

    @property
    def infos(self) -> Mapping[str, EngineInfo]:
        """The model, then its adapters, by name; the same for every engine of this keeper."""
        return self._infos

    async def __aenter__(self) -> Self:
        engine = self.engine
        await engine.__aenter__()
        self._infos = dict(engine.infos)
        self._metrics.engine_up.set(1)
        self._watch = asyncio.ensure_future(self._keep())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._watch is not None
        self._watch.cancel()
        await asyncio.gather(self._watch, return_exceptions=True)
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.__aexit__(kind, error, trace)

    async def _keep(self) -> None:
        pause, clock = FIRST_PAUSE, asyncio.get_running_loop().time
        while True:
            started = clock()
            await self._until_dead()
            if clock() - started > _WELL_AFTER:
                pause = FIRST_PAUSE
            while not await self._start_after(pause):
                pause = min(LONGEST_PAUSE, 2 * pause)
            pause = min(LONGEST_PAUSE, 2 * pause)

    async def _until_dead(self) -> None:
        engine = self.engine
        while True:
            try:
                await engine.check_health()
            except EngineDiedError:
                break
            await asyncio.sleep(_LOOK_EVERY)
        self._engine = None
        self._metrics.engine_up.set(0)
        _log.error("the engine died; starting another")
        with contextlib.suppress(Exception):  # it is dead: whatever is left of it may fail to end
            await engine.__aexit__(None, None, None)

    async def _start_after(self, pause: float) -> bool:
        await asyncio.sleep(pause)
        try:
            engine = self._make()
            await engine.__aenter__()
        except (ClinsynthError, OSError) as error:
            _log.error("the engine did not start: %s", type(error).__name__)
            return False
        self._engine = engine
        self._metrics.engine_up.set(1)
        self._metrics.engine_restarts.inc()
        _log.error("the engine is up again")
        return True

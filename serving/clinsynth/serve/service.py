"""The models, their engine and their gates: what the routes ask.

Looks of the gate run beside the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from clinsynth.engine import EngineInfo, LiveEngine
from clinsynth.gate import Gate, GateConfig, Released, check_index, load_detector, load_gate
from clinsynth.serve.errors import ApiError
from clinsynth.serve.keeper import EngineKeeper
from clinsynth.serve.metrics import Metrics
from clinsynth.serve.settings import ServeConfig, Settings
from clinsynth.tokens.tokenizer import load_tokenizer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Served:
    """A model that can be asked: the engine's own, or an adapter beside it.

    Args:
        adapter: its name in the engine; None for the model alone.
        gate: for whole notes.
        text_gate: for completions, which may be short and may stop in the middle; as strict in all else.
        preview_gate: the same for what may leave before a completion has ended; counts for itself. None:
            nothing leaves before.
        entity_labels: those that the model's tokenizer has marks for.
    """

    info: EngineInfo
    adapter: str | None
    gate: Gate
    text_gate: Gate
    preview_gate: Gate | None
    entity_labels: tuple[str, ...]


class Keeps(Protocol):
    """Has an engine that takes requests, or says that it has none."""

    @property
    def engine(self) -> LiveEngine:
        """Raises ``EngineDiedError`` while there is none."""
        ...


@dataclass(slots=True)
class Service:
    """Everything that a running server holds.

    Args:
        models: by the names that requests call them; the first answers where a request names none.
        started: Unix time.
        batches_changed: set when a batch has come or is to be cancelled, so that nobody need wait to look.
    """

    config: ServeConfig
    keeper: Keeps
    models: Mapping[str, Served]
    pool: ThreadPoolExecutor
    metrics: Metrics
    started: int
    batches_changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def engine(self) -> LiveEngine:
        """The engine that takes requests.

        Raises:
            EngineDiedError: none does at the moment.
        """
        return self.keeper.engine

    @property
    def info(self) -> EngineInfo:
        """Which engine, and which model when none is asked for."""
        return next(iter(self.models.values())).info

    def model(self, name: str | None) -> Served:
        """The model of that name; None is the first.

        Raises:
            ApiError: there is none.
        """
        if name is None:
            return next(iter(self.models.values()))
        if name not in self.models:
            raise ApiError(
                404, "model: this server has no such model; GET /v1/models lists them", param="model"
            )
        return self.models[name]

    async def beside(self, look: Callable[[], T]) -> T:
        """Runs work in a thread of the pool."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, look)

    async def look(self, look: Callable[[], Released]) -> Released:
        """Runs a look of the gate in a thread of the pool, and counts what it says."""
        start = time.perf_counter()
        released = await self.beside(look)
        self.metrics.looked(released.verdict, time.perf_counter() - start)
        return released


@contextlib.asynccontextmanager
async def running(settings: Settings, metrics: Metrics) -> AsyncIterator[Service]:
    """Starts engine and gates side by side; ends them.

    Raises:
        FolderError: the model folder has no card, no tokenizer of ours, or no index for the gate; an
            adapter does not fit the model.
        UsageError: an adapter has the model's name.
        GateError: the gate does not find what it must.
        EngineError, MissingExtraError: the engine cannot start.
    """
    config, folders = settings.config, [settings.model_dir, *settings.adapters.values()]
    make = functools.partial(LiveEngine, settings.model_dir, config.engine, settings.adapters)
    keeper = EngineKeeper(make, metrics)
    for folder in folders:
        check_index(folder, config.gate)
    with ThreadPoolExecutor(config.gate_workers, thread_name_prefix="gate") as pool:
        loading = asyncio.get_running_loop().run_in_executor(pool, _gates, folders, config.gate)
        async with keeper:
            models = {
                name: _served(info, adapter, gate, folder)
                for (name, info), adapter, gate, folder in zip(
                    keeper.infos.items(), (None, *settings.adapters), await loading, folders
                )
            }
            yield Service(config, keeper, models, pool, metrics, int(time.time()))


def _gates(folders: Sequence[Path], config: GateConfig) -> list[Gate]:
    """A gate for each folder: all see the same identifiers, each the copies of its own training text."""
    detector = load_detector(config)
    return [load_gate(folder, config, detector=detector) for folder in folders]


def _served(info: EngineInfo, adapter: str | None, gate: Gate, folder: Path) -> Served:
    short = gate.config.model_copy(update={"min_characters": 1, "min_words": 1, "min_entities": 0})
    preview = gate.under(short) if short.stream == "settled" else None
    labels = load_tokenizer(folder).entity_labels
    return Served(info, adapter, gate, gate.under(short), preview, labels)


async def together(work: Iterable[Awaitable[T]]) -> list[T]:
    """All results in order; when one fails or the caller is cancelled, the others are cancelled first."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def derived_seed(*parts: int) -> int:
    """A seed of its own for each draw, the same whenever the parts are: SHA-256, 31 bits."""
    digest = hashlib.sha256(":".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def surrogate_key(seed: int) -> bytes:
    """The key of a draw's surrogates: the same draw gets the same invented values."""
    return hashlib.sha256(f"surrogates:{seed}".encode()).digest()

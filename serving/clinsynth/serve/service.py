"""One model, its engine and its gates: what the routes ask. Looks of the gate run beside the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from clinsynth.engine import EngineInfo, LiveEngine
from clinsynth.gate import Gate, check_index, load_gate
from clinsynth.serve.settings import ServeConfig, Settings
from clinsynth.tokens.tokenizer import load_tokenizer

T = TypeVar("T")


@dataclass(slots=True)
class Service:
    """Everything that a running server holds.

    Args:
        gate: for whole notes.
        text_gate: for completions, which may be short and may stop in the middle; as strict in all else.
        entity_labels: those that the model's tokenizer has marks for.
        started: Unix time.
    """

    config: ServeConfig
    engine: LiveEngine
    gate: Gate
    text_gate: Gate
    entity_labels: tuple[str, ...]
    pool: ThreadPoolExecutor
    started: int

    @property
    def info(self) -> EngineInfo:
        """Which engine and which model."""
        return self.engine.info

    async def beside(self, look: Callable[[], T]) -> T:
        """Runs a look of the gate in a thread of the pool."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, look)


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Service]:
    """Starts engine and gates side by side; ends them.

    Raises:
        FolderError: the model folder has no card, no tokenizer of ours, or no index for the gate.
        GateError: the gate does not find what it must.
        EngineError, MissingExtraError: the engine cannot start.
    """
    config, model_dir = settings.config, settings.model_dir
    engine = LiveEngine(model_dir, config.engine)
    check_index(model_dir, config.gate)
    labels = load_tokenizer(model_dir).entity_labels
    with ThreadPoolExecutor(config.gate_workers, thread_name_prefix="gate") as pool:
        loop = asyncio.get_running_loop()
        whole = loop.run_in_executor(pool, load_gate, model_dir, config.gate)
        short = config.gate.model_copy(update={"min_characters": 1, "min_words": 1, "min_entities": 0})
        parts = loop.run_in_executor(pool, load_gate, model_dir, short)
        async with engine:
            gate, text_gate = await whole, await parts
            yield Service(config, engine, gate, text_gate, labels, pool, int(time.time()))


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

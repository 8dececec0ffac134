"""Generation by vLLM: in bulk for exports, live for the server. Knows nothing of gates and of HTTP."""

from clinsynth.engine.bulk import BulkEngine
from clinsynth.engine.config import EngineConfig, Sampling
from clinsynth.engine.info import EngineInfo
from clinsynth.engine.live import LiveEngine
from clinsynth.engine.request import (
    Completion,
    Delta,
    EngineDiedError,
    RefusedRequestError,
    Request,
    TokenLogprob,
)

__all__ = [
    "BulkEngine",
    "Completion",
    "Delta",
    "EngineConfig",
    "EngineDiedError",
    "EngineInfo",
    "LiveEngine",
    "RefusedRequestError",
    "Request",
    "Sampling",
    "TokenLogprob",
]

"""What goes into the engine and what comes out. What holds text shows its length, never the text."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from clinsynth.engine.config import Sampling
from clinsynth.errors import EngineError

FinishReason = Literal["stop", "length", "error"]


class RefusedRequestError(EngineError):
    """One request cannot be run; the engine is well. ``field`` names what to change."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field


class EngineDiedError(EngineError):
    """The engine is gone: no request will be answered until it is started anew."""


def step_error(error: Exception) -> EngineDiedError:
    """A failure inside the engine: type and place. vLLM's message may quote a prompt, so it stays out."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "?" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
    return EngineDiedError(
        f"vLLM failed inside a step ({type(error).__name__} at {place}); what was finished before is whole"
    )


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """One prompt and how to go on from it.

    Args:
        id: comes back with every answer; the caller's own, unique among requests in flight.
        prompt: text, in which the template's special tokens are read as such, or token ids.
        n: answers wanted.
        adapter: which of the engine's adapters answers; None: the model alone.
        priority: of a live engine: where requests wait, those with smaller numbers go first.
        logprobs: how probable each token was, and so many of the likeliest beside it; None: not wanted.
    """

    id: str
    prompt: str | tuple[int, ...]
    sampling: Sampling = field(default_factory=Sampling)
    n: int = 1
    adapter: str | None = None
    priority: int = 0
    logprobs: int | None = None

    def __post_init__(self) -> None:
        if self.n < 1:
            raise RefusedRequestError("n", f"is {self.n}, must be at least 1")

    def __repr__(self) -> str:
        unit = "characters" if isinstance(self.prompt, str) else "tokens"
        return f"Request(id={self.id!r}, {unit}={len(self.prompt)}, n={self.n})"


@dataclass(frozen=True, slots=True, repr=False)
class TokenLogprob:
    """How probable a token of an answer was.

    Args:
        logprob: natural logarithm of its probability, before temperature and the like.
        top: the likeliest tokens at its place with theirs, the likeliest first.
    """

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, repr=False)
class Completion:
    """One finished answer.

    Args:
        index: 0 to ``n - 1`` of its request.
        text: with all special tokens, the end token among them when ``finish_reason`` is ``stop``. Bytes
            that are not UTF-8 show as U+FFFD.
        prompt_tokens: length of the prompt, 0 when it could not be read.
        error: one line without prompt text when ``finish_reason`` is ``error``; then ``text`` is empty.
        seed: what the draw used; None for greedy or when the request brought none.
        logprobs: one for each token, where the request asked for them.
    """

    id: str
    index: int
    text: str
    token_ids: tuple[int, ...]
    finish_reason: FinishReason
    prompt_tokens: int = 0
    error: str | None = None
    seed: int | None = None
    logprobs: tuple[TokenLogprob, ...] = ()

    @property
    def tokens(self) -> int:
        """Tokens of the answer, the end token included."""
        return len(self.token_ids)

    def __repr__(self) -> str:
        return (
            f"Completion(id={self.id!r}, index={self.index}, characters={len(self.text)}, "
            f"tokens={self.tokens}, finish_reason={self.finish_reason!r}, error={self.error!r})"
        )


@dataclass(frozen=True, slots=True, repr=False)
class Delta:
    """What one step added to one answer.

    Args:
        text: the new characters; may be empty while a character's bytes are incomplete.
        finish_reason: None while the answer goes on.
    """

    id: str
    index: int
    text: str
    token_ids: tuple[int, ...]
    finish_reason: FinishReason | None
    prompt_tokens: int
    logprobs: tuple[TokenLogprob, ...] = ()

    def __repr__(self) -> str:
        return (
            f"Delta(id={self.id!r}, index={self.index}, characters={len(self.text)}, "
            f"tokens={len(self.token_ids)}, finish_reason={self.finish_reason!r})"
        )

"""What a user chooses about the engine and about sampling."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from clinsynth.config import Config


class EngineConfig(Config):
    """How vLLM holds the model.

    Args:
        dtype: number format of the weights; ``auto`` is the one the model folder names.
        max_model_len: most tokens of prompt and answer together; None is what the model was built for.
        kv_cache_gib: memory for keys and values. None is 1 GiB on a CPU (vLLM's own check fails on small
            machines) and on a GPU the share of its memory that vLLM takes by default.
        max_num_seqs: most sequences that advance in one step.
        max_in_flight: most sequences handed to the engine at once in bulk; the rest wait in the caller's
            iterator, so that memory stays flat however long the run.
        tensor_parallel_size: devices (on a CPU: processes) that share the layers.
        enforce_eager: no compilation. None is true on a CPU and false on a GPU. On a CPU, compiled code
            takes about 0.7 of the time per token and up to a minute to start: worth it for long exports.
        enable_prefix_caching: share the work on equal beginnings of prompts.
        seed: of requests that bring none.
    """

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    max_model_len: int | None = Field(default=None, ge=8)
    kv_cache_gib: float | None = Field(default=None, gt=0)
    max_num_seqs: int = Field(default=64, ge=1)
    max_in_flight: int = Field(default=256, ge=1)
    tensor_parallel_size: int = Field(default=1, ge=1)
    enforce_eager: bool | None = None
    enable_prefix_caching: bool = True
    seed: int = Field(default=0, ge=0, lt=2**31)


class Sampling(Config):
    """How the next token is drawn.

    Args:
        temperature: 0 is greedy.
        top_p: on a CPU with a large vocabulary this costs more than the model itself; prefer ``top_k`` or
            ``min_p`` there.
        top_k: 0 keeps all tokens.
        max_tokens: most tokens of the answer; None is all the room the prompt leaves. A number that does
            not fit behind the prompt is an error, never a silent cut.
        seed: the draw's own random stream. Answer ``i`` of a request with ``n`` answers uses ``seed + i``.
        stop: strings that end the answer and are not part of it.
        stop_token_ids: tokens that end the answer, besides the template's end token and the model's own.
        ignore_end: go on past the end token until ``max_tokens``; for measurements.
    """

    temperature: float = Field(default=1.0, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0)
    min_p: float = Field(default=0.0, ge=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    seed: int | None = Field(default=None, ge=0, lt=2**31)
    stop: tuple[str, ...] = ()
    stop_token_ids: tuple[int, ...] = ()
    ignore_end: bool = False

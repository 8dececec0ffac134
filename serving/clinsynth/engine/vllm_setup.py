"""Brings vLLM in with the environment it needs, quietly, and refuses clearly where it is missing.

vLLM reads its settings from environment variables. Ours are defaults: what the user has set stays.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from clinsynth.engine.adapters import Adapter, adapter_arguments
from clinsynth.engine.config import EngineConfig
from clinsynth.errors import EngineError, MissingExtraError

# Before the import: no hub, no telemetry, and no log line below an error (vLLM logs prompts at debug).
_BEFORE_IMPORT: Final = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # vLLM looks at every name of torch.distributed when it loads, the outdated one too
    "PYTHONWARNINGS": "ignore::FutureWarning:vllm.triton_utils.dispatcher",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
}
# On a CPU. Binding threads to cores reads a topology that containers hide. A worker process for one device
# costs half a minute at the start and buys nothing.
_ON_CPU: Final = {
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
}
_CPU_KV_CACHE_GIB: Final = 1.0


def set_environment() -> None:
    """What must be set before vLLM, or a library it shares with us, is imported."""
    _set_defaults(_BEFORE_IMPORT)


def load_vllm() -> Any:
    """The module ``vllm``, with its environment set.

    Raises:
        MissingExtraError: vLLM is not installed.
    """
    set_environment()
    # it warns at import, before it has read the level from the environment
    logging.getLogger("vllm").setLevel(os.environ["VLLM_LOGGING_LEVEL"])
    try:
        import vllm
        from vllm.platforms import current_platform
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "vllm":
            raise
        raise MissingExtraError("vllm", "cpu") from None
    if current_platform.is_cpu():
        _set_defaults(_ON_CPU)
    return vllm


def compile_nothing(arguments: Mapping[str, Any]) -> None:
    """Keeps an eager engine on a CPU from the compiler; before the engine starts.

    vLLM builds one kernel, for log probabilities, when it is first asked for them: 14 s of g++, which an
    image that only serves does not have.
    """
    from vllm.platforms import current_platform

    if arguments["enforce_eager"] and current_platform.is_cpu():
        os.environ.setdefault("TORCH_COMPILE_DISABLE", "1")


def engine_arguments(
    model_dir: Path, config: EngineConfig, adapters: Sequence[Adapter] = ()
) -> dict[str, Any]:
    """Keyword arguments that ``vllm.LLM`` and ``vllm.AsyncEngineArgs`` both take."""
    from vllm.platforms import current_platform

    on_cpu = bool(current_platform.is_cpu())
    arguments: dict[str, Any] = {
        "model": str(model_dir),
        "dtype": config.dtype,
        "max_model_len": config.max_model_len,
        "max_num_seqs": config.max_num_seqs,
        "tensor_parallel_size": config.tensor_parallel_size,
        "enforce_eager": on_cpu if config.enforce_eager is None else config.enforce_eager,
        "enable_prefix_caching": config.enable_prefix_caching,
        "seed": config.seed,
        "trust_remote_code": False,
        "disable_log_stats": True,
        # The folder's sampling defaults would change what a request means.
        "generation_config": "vllm",
        "use_tqdm_on_load": False,
    }
    arguments |= adapter_arguments(adapters)
    gib = config.kv_cache_gib or (_CPU_KV_CACHE_GIB if on_cpu else None)
    if gib is not None:
        arguments["kv_cache_memory_bytes"] = int(gib * 2**30)
    return arguments


def load_error(model_dir: Path, error: Exception, failed: str = "load") -> EngineError:
    """A failed start as one line: the first of vLLM's reason, which speaks of shapes and memory.

    Args:
        failed: what vLLM cannot do with the model: ``load`` or ``run``. No request may have come in yet.
    """
    reason = next(iter(str(error).strip().splitlines()), "")
    return EngineError(
        f"{model_dir}: vLLM cannot {failed} the model: {type(error).__name__}: {reason[:300]}"
    )


def _set_defaults(variables: dict[str, str]) -> None:
    for name, value in variables.items():
        os.environ.setdefault(name, value)

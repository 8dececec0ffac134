"""Generation in bulk: any number of requests in, completions out as each finishes.

Does not know: retries, seeds, gates. One request that cannot be run gets an error completion and the rest
go on.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self

from clinsynth.engine.adapters import Adapter, asked_for, check_architecture, open_adapters
from clinsynth.engine.config import EngineConfig, Sampling
from clinsynth.engine.info import EngineInfo, check_model_folder, engine_infos
from clinsynth.engine.request import (
    Completion,
    EngineDiedError,
    RefusedRequestError,
    Request,
    step_error,
)
from clinsynth.engine.translate import TRIAL, TRIAL_PROMPT, Translator, refusal_by_vllm, refused
from clinsynth.engine.vllm_setup import engine_arguments, load_error, load_vllm
from clinsynth.tokens.tokenizer import load_tokenizer

_DONE: Final = object()


class BulkEngine:
    """vLLM's ``LLM``, fed and emptied step by step. Use as a context manager.

    The order of completions is that of finishing. With a seed per request the same request gives the same
    text; vLLM promises this for equal batches only, so a changed batch may, rarely, change a low bit and
    then a token.

    Args:
        adapters: adapter folders by the names that requests call them.

    Raises:
        FolderError: ``model_dir`` is no model folder, has no card or no tokenizer of ours; or an adapter
            does not fit it.
        UsageError: an adapter has the model's name.
        MissingExtraError: vLLM is not installed.
        EngineError: vLLM cannot load the model, or cannot run it.
    """

    def __init__(
        self,
        model_dir: Path,
        config: EngineConfig | None = None,
        adapters: Mapping[str, Path] = MappingProxyType({}),
    ) -> None:
        self._config = config or EngineConfig()
        check_model_folder(model_dir)
        self._adapters = open_adapters(model_dir, adapters)
        tokenizer = load_tokenizer(model_dir)
        self._llm = _start(model_dir, self._config, list(self._adapters.values()))
        model = self._llm.model_config
        self.infos = engine_infos(model_dir, self._adapters, model, self._config)
        self._translator = Translator(tokenizer, model.get_vocab_size(), model.max_model_len)
        self._keys = itertools.count()
        self._busy = False
        self._try_out(model_dir)

    @property
    def info(self) -> EngineInfo:
        """What provenance records of the model alone; ``infos`` has the adapters' too, by name."""
        return next(iter(self.infos.values()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Frees the model; the process may start another engine."""
        llm, self._llm = self._llm, None
        if llm is None:
            return
        from vllm.distributed import cleanup_dist_env_and_memory

        llm.llm_engine.engine_core.shutdown()
        del llm
        cleanup_dist_env_and_memory()

    def generate(self, requests: Iterable[Request | None]) -> Iterator[Completion]:
        """Each request's ``n`` completions, as they finish.

        ``requests`` is read only as far as the engine has room (``max_in_flight``). It may yield None for
        "none yet, go on with what you have", so that a caller can ask again for what it has thrown away.
        Closing the iterator aborts what is in flight.

        Raises:
            EngineDiedError: the engine is gone; what was yielded before is whole.
        """
        assert self._llm is not None, "the engine is closed"
        assert not self._busy, "one generate() at a time"
        self._busy = True
        flight = _Flight(self._llm.llm_engine, self._translator, self._adapters, self._keys)
        waiting = _one_by_one(requests)
        try:
            more = True
            while more or len(flight):
                while more and len(flight) < self._config.max_in_flight:
                    one = next(waiting, _DONE)
                    more = one is not _DONE
                    if one is None or not isinstance(one, tuple):
                        break
                    if (failed := flight.launch(*one)) is not None:
                        yield failed
                if len(flight):
                    yield from flight.step()
        finally:
            flight.abort()
            self._busy = False

    def _try_out(self, model_dir: Path) -> None:
        from vllm.inputs import tokens_input

        params = self._translator.sampling_params(TRIAL, n=1)
        folder = model_dir
        try:
            for adapter in (None, *self._adapters.values()):
                folder = model_dir if adapter is None else adapter.folder
                self._llm.generate(
                    tokens_input(list(TRIAL_PROMPT)),
                    params,
                    use_tqdm=False,
                    lora_request=None if adapter is None else adapter.to_vllm(),
                )
        except Exception as error:  # noqa: BLE001 - a kernel may raise anything
            self.close()
            raise load_error(folder, error, "run") from None


class _Flight:
    """The sequences that are inside the engine, by the name they have there."""

    def __init__(
        self, engine: Any, translator: Translator, adapters: Mapping[str, Adapter], keys: Iterator[int]
    ) -> None:
        self._engine, self._translator = engine, translator
        self._adapters, self._keys = adapters, keys
        self._inside: dict[str, tuple[Request, int, int]] = {}

    def __len__(self) -> int:
        return len(self._inside)

    def launch(self, request: Request, index: int) -> Completion | None:
        """Adds one sequence; a completion with the error when it cannot run."""
        from vllm.exceptions import VLLMClientError
        from vllm.inputs import tokens_input

        key = f"{next(self._keys)}"
        try:
            ids = self._translator.prompt_ids(request)
            params = self._translator.sampling_params(_of_index(request.sampling, index), n=1)
            adapter = asked_for(self._adapters, request)
            self._engine.add_request(key, tokens_input(ids), params, lora_request=adapter)
        except RefusedRequestError as error:
            return refused(request, index, error)
        except (VLLMClientError, ValueError) as error:
            return refused(request, index, refusal_by_vllm(error))
        self._inside[key] = (request, index, len(ids))
        return None

    def step(self) -> Iterator[Completion]:
        """Advances every sequence in the engine by a token; those that finished."""
        from vllm.v1.engine.exceptions import EngineDeadError

        try:
            outputs = self._engine.step()
        except EngineDeadError:
            self._inside.clear()
            raise EngineDiedError("the engine died; what was finished before is whole") from None
        except Exception as error:  # noqa: BLE001 - a kernel may raise anything
            self._inside.clear()
            raise step_error(error) from None
        for output in outputs:
            if output.finished:
                request, index, prompt_tokens = self._inside.pop(output.request_id)
                yield self._translator.completion(request, index, output.outputs[0], prompt_tokens)

    def abort(self) -> None:
        """Takes everything out of the engine."""
        if self._inside:
            self._engine.abort_request(list(self._inside))
            self._inside.clear()


def _one_by_one(requests: Iterable[Request | None]) -> Iterator[tuple[Request, int] | None]:
    for request in requests:
        if request is None:
            yield None
        else:
            yield from ((request, index) for index in range(request.n))


def _of_index(sampling: Sampling, index: int) -> Sampling:
    if index == 0 or sampling.seed is None:
        return sampling
    return sampling.model_copy(update={"seed": sampling.seed + index})


def _start(model_dir: Path, config: EngineConfig, adapters: Sequence[Adapter]) -> Any:
    vllm = load_vllm()
    try:
        arguments = engine_arguments(model_dir, config, adapters)
        check_architecture(model_dir, vllm.EngineArgs(**arguments))
        return vllm.LLM(**arguments)
    except (RuntimeError, ValueError, OSError) as error:
        raise load_error(model_dir, error) from error

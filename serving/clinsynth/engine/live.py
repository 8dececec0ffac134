"""Generation for a server: many requests at once on one event loop, each streamed, each abortable."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self

from clinsynth.checkpoint import read_card
from clinsynth.engine.adapters import asked_for, check_architecture, open_adapters
from clinsynth.engine.config import EngineConfig
from clinsynth.engine.info import EngineInfo, check_model_folder, engine_infos
from clinsynth.engine.request import Completion, Delta, EngineDiedError, RefusedRequestError, Request
from clinsynth.engine.translate import TRIAL, TRIAL_PROMPT, Translator, finish_reason, refusal_by_vllm
from clinsynth.engine.vllm_setup import compile_nothing, engine_arguments, load_error, load_vllm
from clinsynth.errors import EngineError
from clinsynth.tokens.tokenizer import load_tokenizer

_LONG_PROMPT: Final = 4_000  # characters; longer ones are tokenised beside the event loop


class LiveEngine:
    """vLLM's ``AsyncLLM`` as an async context manager. The model lives in a process of its own.

    Leaving a ``generate`` early, by ``aclose()`` or by cancelling the task, aborts the request in the
    engine at once.

    Args:
        adapters: adapter folders by the names that requests call them.

    Raises:
        FolderError: ``model_dir`` is no model folder, has no card or no tokenizer of ours; or an adapter
            does not fit it.
        UsageError: an adapter has the model's name.
        MissingExtraError: vLLM is not installed.
        EngineError: on entering, vLLM cannot load the model, or cannot run it.
    """

    def __init__(
        self,
        model_dir: Path,
        config: EngineConfig | None = None,
        adapters: Mapping[str, Path] = MappingProxyType({}),
    ) -> None:
        check_model_folder(model_dir)
        self._adapters = open_adapters(model_dir, adapters)
        self._tokenizer = load_tokenizer(model_dir)
        self._model_dir, self._config = model_dir, config or EngineConfig()
        self._llm: Any = None
        self._translator: Translator | None = None
        self._infos: dict[str, EngineInfo] = {}
        self._keys = itertools.count()

    @property
    def info(self) -> EngineInfo:
        """What provenance records of the model alone. Known once the engine has started."""
        return next(iter(self.infos.values()))

    @property
    def infos(self) -> Mapping[str, EngineInfo]:
        """The model, then its adapters, by name."""
        assert self._infos, "the engine has not started"
        return self._infos

    async def __aenter__(self) -> Self:
        vllm = load_vllm()
        from vllm.v1.engine.async_llm import AsyncLLM

        try:
            given = engine_arguments(self._model_dir, self._config, list(self._adapters.values()))
            # vLLM's series are labelled with the model's name, by default its path
            given |= {"disable_log_stats": False, "served_model_name": [read_card(self._model_dir).name]}
            arguments = vllm.AsyncEngineArgs(
                **given, enable_log_requests=False, scheduling_policy="priority"
            )
            check_architecture(self._model_dir, arguments)
            compile_nothing(given)
            self._llm = AsyncLLM.from_engine_args(arguments)
        except (RuntimeError, ValueError, OSError) as error:
            raise load_error(self._model_dir, error) from error
        model = self._llm.model_config
        self._infos = engine_infos(self._model_dir, self._adapters, model, self._config)
        self._translator = Translator(self._tokenizer, model.get_vocab_size(), model.max_model_len)
        await self._try_out()
        return self

    async def _try_out(self) -> None:
        folder = self._model_dir
        try:
            for name in (None, *self._adapters):
                folder = self._adapters[name].folder if name else self._model_dir
                await self.complete(Request("trial", TRIAL_PROMPT, TRIAL, adapter=name))
        except BaseException as error:  # whoever waits for the start may be cancelled: leave no process
            await self.__aexit__(None, None, None)
            if not isinstance(error, EngineError):
                raise
            raise EngineError(
                f"{folder}: vLLM cannot run the model: it died in the first step; its log says why"
            ) from None

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        llm, self._llm = self._llm, None
        if llm is None:
            return
        # the task that reads answers would take the end of the engine for its death
        if llm.output_handler is not None:
            llm.output_handler.cancel()
            await asyncio.gather(llm.output_handler, return_exceptions=True)
        await asyncio.to_thread(llm.shutdown)
        # vLLM has asked this loop to close its sockets, and leaves their context to the garbage collector
        await asyncio.sleep(0)
        context = getattr(getattr(llm.engine_core, "resources", None), "ctx", None)
        if context is not None:
            await asyncio.to_thread(context.destroy, linger=0)

    async def prepared(self, request: Request) -> Request:
        """The request with its prompt as token ids, checked: running it will not be refused.

        Raises:
            RefusedRequestError: it cannot be run.
            EngineDiedError: the engine is not running.
        """
        return replace(request, prompt=tuple(await self._prompt_ids(request)))

    def text_of(self, request: Request) -> str:
        """The prompt as text, special tokens included."""
        if isinstance(request.prompt, str):
            return request.prompt
        assert self._translator is not None, "the engine has not started"
        return self._translator.decode(request.prompt)

    async def generate(self, request: Request) -> AsyncGenerator[Delta]:
        """What each step adds, for all ``n`` answers, as it comes. Every answer ends with a finish reason.

        Raises:
            RefusedRequestError: the request cannot be run; nothing was generated.
            EngineDiedError: the engine is gone.
        """
        assert self._translator is not None, "the engine has not started"
        async with contextlib.aclosing(self._outputs(request, delta=True)) as outputs:
            async for output, prompt_tokens in outputs:
                for part in output.outputs:
                    yield Delta(
                        id=request.id,
                        index=part.index,
                        text=part.text,
                        token_ids=tuple(part.token_ids),
                        finish_reason=None if part.finish_reason is None else finish_reason(part),
                        prompt_tokens=prompt_tokens,
                        logprobs=self._translator.logprobs(request, part),
                    )

    async def complete(self, request: Request) -> list[Completion]:
        """All ``n`` answers, whole, by index. Cheaper than collecting deltas.

        Raises:
            RefusedRequestError: the request cannot be run.
            EngineDiedError: the engine is gone.
        """
        assert self._translator is not None, "the engine has not started"
        done: list[Completion] = []
        async with contextlib.aclosing(self._outputs(request, delta=False)) as outputs:
            async for output, prompt_tokens in outputs:
                done += (
                    self._translator.completion(request, part.index, part, prompt_tokens)
                    for part in output.outputs
                    if part.finish_reason is not None
                )
        return sorted(done, key=lambda completion: completion.index)

    async def check_health(self) -> None:
        """Returns when the engine can take requests.

        Raises:
            EngineDiedError: it can't.
        """
        from vllm.v1.engine.exceptions import EngineDeadError

        if self._llm is None:
            raise EngineDiedError("the engine is not running")
        try:
            await self._llm.check_health()
        except EngineDeadError:
            raise EngineDiedError("the engine died") from None

    async def _prompt_ids(self, request: Request) -> list[int]:
        if self._llm is None or self._translator is None:
            raise EngineDiedError("the engine is not running")
        if isinstance(request.prompt, str) and len(request.prompt) > _LONG_PROMPT:
            return await asyncio.to_thread(self._translator.prompt_ids, request)
        return self._translator.prompt_ids(request)

    async def _outputs(self, request: Request, *, delta: bool) -> AsyncGenerator[tuple[Any, int]]:
        """The outputs of vLLM for one request, each with the length of the prompt."""
        from vllm.exceptions import VLLMClientError, VLLMServerError
        from vllm.inputs import tokens_input

        ids = await self._prompt_ids(request)
        adapter = asked_for(self._adapters, request)
        assert self._llm is not None
        assert self._translator is not None
        try:
            params = self._translator.sampling_params(
                request.sampling, n=request.n, delta=delta, logprobs=request.logprobs
            )
            stream = self._llm.generate(
                tokens_input(ids),
                params,
                f"{next(self._keys)}",
                lora_request=adapter,
                priority=request.priority,
            )
            async with contextlib.aclosing(stream):
                async for output in stream:
                    yield output, len(ids)
        except (VLLMClientError, ValueError) as error:
            raise refusal_by_vllm(error) from None
        except VLLMServerError as error:
            if self._llm is None or self._llm.errored:
                raise EngineDiedError("the engine died") from None
            raise RefusedRequestError("request", f"failed in vLLM ({type(error).__name__})") from None

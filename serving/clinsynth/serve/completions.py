"""``POST /v1/completions``: OpenAI's shape, so that its client works unchanged. Gated like all else."""

from __future__ import annotations

import functools
import secrets
import time
import uuid
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from clinsynth.engine import Completion, Delta, Sampling, TokenLogprob
from clinsynth.engine import Request as EngineRequest
from clinsynth.gate import Gate, Released, StreamGate
from clinsynth.serve.asgi import service_of
from clinsynth.serve.context import body_of, release_continuation
from clinsynth.serve.disconnect import while_connected
from clinsynth.serve.errors import ERRORS, ApiError
from clinsynth.serve.events import Say, streamed
from clinsynth.serve.logprobs import logprobs_of
from clinsynth.serve.service import Served, Service, surrogate_key, together
from clinsynth.serve.tally import Tally, tally_of
from clinsynth.serve.wire import Usage
from clinsynth.serve.wire_completions import Choice, CompletionRequest, CompletionResponse
from clinsynth.tokens.template import parse

router = APIRouter()
_DEFAULT_MAX_TOKENS = 16  # OpenAI's


@router.post(
    "/v1/completions",
    responses={**ERRORS, 200: {"content": {"text/event-stream": {}}}},
    response_model=CompletionResponse,
)
async def completions(body: CompletionRequest, http: Request) -> CompletionResponse | StreamingResponse:
    """Goes on from a prompt. ``finish_reason`` is ``content_filter`` where the gate withheld the text."""
    job = await Job.of(service_of(http), body, tally_of(http.scope))
    if body.stream:
        return streamed(functools.partial(_say_all, job))
    return await while_connected(http, job.whole())


async def whole_completion(
    service: Service, body: CompletionRequest, tally: Tally, priority: int
) -> CompletionResponse:
    """The answer to a request of a batch. Raises what ``Job.of`` raises."""
    job = await Job.of(service, body, tally, priority)
    return await job.whole()


@dataclass(slots=True, repr=False)
class Job:
    """One call: its prompts as checked requests for the engine, in order."""

    service: Service
    served: Served
    body: CompletionRequest
    requests: list[EngineRequest]
    seed: int
    tally: Tally
    id: str = field(default_factory=lambda: f"cmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    @classmethod
    async def of(cls, service: Service, body: CompletionRequest, tally: Tally, priority: int = 0) -> Job:
        """Checks all that can be wrong before anything is generated.

        Raises:
            ApiError: another model, or too many answers.
            RefusedRequestError: a prompt that the engine cannot run.
        """
        served = service.model(body.model)
        prompts = _prompts(body.prompt)
        most = service.config.max_n
        if body.n > most:
            raise ApiError(422, f"n: is {body.n}, this server allows {most}", param="n")
        if len(prompts) * body.n > most:
            raise ApiError(
                400, f"n: {len(prompts)} prompts times n is over {service.config.max_n}", param="n"
            )
        if (body.logprobs or 0) > service.config.max_logprobs:
            most = service.config.max_logprobs
            raise ApiError(422, f"logprobs: this server allows {most}", param="logprobs")
        seed = secrets.randbits(31) if body.seed is None else body.seed
        sampling = _sampling(body, service.config.sampling, seed)
        requests = [
            await service.engine.prepared(
                EngineRequest(str(i), prompt, sampling, body.n, served.adapter, priority, body.logprobs)
            )
            for i, prompt in enumerate(prompts)
        ]
        tally.model = served.info.model
        return cls(service, served, body, requests, seed, tally)

    def index(self, request: EngineRequest, index: int) -> int:
        """The number of a choice: prompts in order, the answers of each together."""
        return int(request.id) * self.body.n + index

    async def whole(self) -> CompletionResponse:
        """All choices of all prompts, with their usage."""
        done = await together(self.answer(request) for request in self.requests)
        choices = [choice for part, _ in done for choice in part]
        usage = [use for _, use in done]
        return self.response(
            sorted(choices, key=lambda choice: choice.index),
            Usage.of(sum(u.prompt_tokens for u in usage), sum(u.completion_tokens for u in usage)),
        )

    async def answer(self, request: EngineRequest) -> tuple[list[Choice], Usage]:
        """All choices of one prompt."""
        done = await self.service.engine.complete(request)
        self.tally.add(done[0].prompt_tokens, sum(c.tokens for c in done))
        choices = await together(self._choice(request, completion) for completion in done)
        return choices, Usage.of(done[0].prompt_tokens, sum(c.tokens for c in done))

    async def _choice(self, request: EngineRequest, completion: Completion) -> Choice:
        if completion.finish_reason == "error":
            raise ApiError(500, "the engine gave the request up")
        index = self.index(request, completion.index)
        parsed = parse(completion.text, entity_labels=self.served.entity_labels, finished=True)
        look = self.gated(self.served.text_gate, request, index)
        released = await self.service.look(functools.partial(look, parsed))
        choice = self.choice(index, released, completion.finish_reason)
        return self.with_logprobs(choice, completion.logprobs, completion.text, released)

    def gated(self, gate: Gate, request: EngineRequest, index: int) -> functools.partial[Released]:
        """``gate`` for one choice: takes what the model wrote, parsed."""
        return functools.partial(
            release_continuation,
            gate,
            body_of(self.service.engine.text_of(request)),
            mode=self.body.mode,
            key=surrogate_key(self.seed + index),
            entity_labels=self.served.entity_labels,
        )

    def stream_gate(self, request: EngineRequest, index: int) -> StreamGate:
        """The gate for one choice of a stream."""
        served = self.served
        early = served.preview_gate
        return StreamGate(
            self.gated(served.text_gate, request, index),
            entity_labels=served.entity_labels,
            preview=None if early is None else self.gated(early, request, index),
        )

    def choice(self, index: int, released: Released, reason: Any, sent: int = 0) -> Choice:
        """What is told of one answer, or of its rest when ``sent`` characters have left already."""
        if released.note is None:
            # an answer without a word is not withheld: the model ended there
            rejecting = [(r.code, r.detail) for r in released.verdict.reasons if r.rejects]
            empty = rejecting == [("markup", "empty")]
            self.tally.answer(withheld=not empty)
            return Choice(index=index, text="", finish_reason=reason if empty else "content_filter")
        self.tally.answer(withheld=False)
        return Choice(index=index, text=released.note.text[sent:], finish_reason=reason)

    def with_logprobs(
        self, choice: Choice, tokens: Sequence[TokenLogprob], text: str, released: Released
    ) -> Choice:
        """The choice, with how probable its tokens were where the request asks for it."""
        wanted = self.body.logprobs
        if wanted is None:
            return choice
        found = logprobs_of(tokens, wanted, text, released, self.served.entity_labels)
        return choice.model_copy(update={"logprobs": found})

    def event(self, choice: Choice) -> dict[str, Any]:
        """One event of a stream."""
        return self.response([choice]).model_dump(exclude={"usage"})

    def response(self, choices: list[Choice], usage: Usage | None = None) -> CompletionResponse:
        """The answer, or one event of a stream."""
        return CompletionResponse(
            id=self.id,
            created=self.created,
            model=self.served.info.model,
            choices=choices,
            usage=usage,
        )


def _prompts(prompt: str | list[int] | list[str] | list[list[int]]) -> list[str | tuple[int, ...]]:
    if isinstance(prompt, str):
        return [prompt]
    ids = tuple(one for one in prompt if isinstance(one, int))
    many = [tuple(one) if isinstance(one, list) else one for one in prompt if not isinstance(one, int)]
    return [ids] if ids else many


def _sampling(body: CompletionRequest, default: Sampling, seed: int) -> Sampling:
    stop = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop)
    return body.sampling(default).model_copy(
        update={"seed": seed, "stop": stop, "max_tokens": body.max_tokens or _DEFAULT_MAX_TOKENS}
    )


async def _say_all(job: Job, say: Say) -> None:
    """What the gate lets out as it lets it out, and a finish reason per choice."""
    usage = await together(_stream(job, request, say) for request in job.requests)
    if job.body.stream_options is not None and job.body.stream_options.include_usage:
        total = Usage.of(sum(u.prompt_tokens for u in usage), sum(u.completion_tokens for u in usage))
        say(job.response([], total).model_dump())


async def _stream(job: Job, request: EngineRequest, say: Say) -> Usage:
    """Feeds the choices of one prompt through a gate each."""
    gates = {i: job.stream_gate(request, job.index(request, i)) for i in range(request.n)}
    said: dict[int, list[Delta]] = {i: [] for i in range(request.n)}
    read = written = 0
    async with aclosing(job.service.engine.generate(request)) as deltas:
        async for delta in deltas:
            job.tally.add(delta.prompt_tokens if not read else 0, len(delta.token_ids))
            read, written = delta.prompt_tokens, written + len(delta.token_ids)
            index, gate = job.index(request, delta.index), gates[delta.index]
            if job.body.logprobs is not None:
                said[delta.index].append(delta)
            if delta.finish_reason == "error":
                raise ApiError(500, "the engine gave the request up")
            if gate.feed(delta.text) and (text := await job.service.beside(gate.settled)):
                say(job.event(Choice(index=index, text=text, finish_reason=None)))
            if delta.finish_reason is not None:
                released = await job.service.look(functools.partial(gate.finish, finished=True))
                last = job.choice(index, released, delta.finish_reason, gate.sent)
                # all of them in the last event: whether they may be told is known only then
                tokens = [token for one in said[delta.index] for token in one.logprobs]
                last = job.with_logprobs(last, tokens, "".join(d.text for d in said[delta.index]), released)
                say(job.event(last))
                if released.note is None and gate.sent:
                    raise ApiError(500, f"choice {index}: what was sent is withdrawn", code="withdrawn")
    return Usage.of(read, written)

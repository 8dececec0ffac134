"""``POST /v1/completions``: OpenAI's request and answer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from clinsynth.serve.wire import Alternatives, Drawing, Mode, Natural, Positive, RequestBody, Seed, Usage

Text = Annotated[str, Field(min_length=1)]


class StreamOptions(RequestBody):
    """OpenAI's."""

    include_usage: bool = False


class CompletionRequest(Drawing):
    """``POST /v1/completions``, OpenAI's shape; ``mode`` is an addition."""

    prompt: (
        Text
        | Annotated[list[Natural], Field(min_length=1)]
        | Annotated[list[Text], Field(min_length=1)]
        | Annotated[list[Annotated[list[Natural], Field(min_length=1)]], Field(min_length=1)]
    ) = Field(description="special tokens of the template in a text count as such")
    n: Positive = 1
    seed: Seed | None = None
    stop: Text | list[Text] = Field(default=[])
    stream: bool = False
    stream_options: StreamOptions | None = None
    logprobs: Alternatives | None = Field(
        default=None, description="how probable each token was, and so many others beside it"
    )
    user: str | None = Field(default=None, max_length=200, description="not kept")
    mode: Mode = "surrogates"


class Logprobs(BaseModel):
    """OpenAI's, of the tokens as generated: marks of entities are among them, and are not in the text.

    Natural logarithms, before temperature and the like; ``text_offset`` is in characters of the text.
    """

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]] | None
    text_offset: list[int]


class Choice(BaseModel):
    """One answer. ``content_filter``: the gate withheld it, or a part of a stream's rest."""

    index: int
    text: str
    logprobs: Logprobs | None = Field(
        default=None, description="null also where the gate changed the text: then they tell of another"
    )
    finish_reason: Literal["stop", "length", "content_filter"] | None


class CompletionResponse(BaseModel):
    """Answer of ``POST /v1/completions``, and each event of a stream."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | None = None

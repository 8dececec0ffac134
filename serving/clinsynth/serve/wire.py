"""What travels over HTTP and is no route's own: the form of a request, sampling, usage, models, health."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from clinsynth.engine import Sampling

Mode = Literal["tags", "surrogates"]


def _whole(given: Any) -> Any:
    """JSON knows no integers: 3.0 is one, as in the API's document."""
    return int(given) if isinstance(given, float) and given.is_integer() else given


# The check comes last in each, so that the API's document shows the bounds.
Whole = Annotated[int, BeforeValidator(_whole)]
Natural = Annotated[int, Field(ge=0, lt=2**31), BeforeValidator(_whole)]
Positive = Annotated[int, Field(ge=1, lt=2**31), BeforeValidator(_whole)]
Alternatives = Annotated[int, Field(ge=0, le=20), BeforeValidator(_whole)]
Seed = Natural


class RequestBody(BaseModel):
    """A body: unknown fields are errors."""

    # strict: a number in quotes is an error, as the API's document says
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    def __repr__(self) -> str:
        """Names of the fields that were sent, never what they hold."""
        return f"{type(self).__name__}({', '.join(sorted(self.model_fields_set))})"

    __str__ = __repr__


class Drawing(RequestBody):
    """From which model and how tokens are drawn; what is left out is the server's setting."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: Natural | None = None
    min_p: float | None = Field(default=None, ge=0, le=1)
    max_tokens: Positive | None = None
    model: str | None = Field(
        default=None, max_length=200, description="of GET /v1/models; left out: the first of them"
    )

    def sampling(self, default: Sampling) -> Sampling:
        """The server's sampling with what this request says."""
        names = ("temperature", "top_p", "top_k", "min_p", "max_tokens")
        said = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return default.model_copy(update=said)


class Usage(BaseModel):
    """Tokens read and written, those of rejected draws included."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int

    @classmethod
    def of(cls, prompt: int, completion: int) -> Usage:
        """With the sum."""
        return cls(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)


class ModelOut(BaseModel):
    """A model that can be asked; an adapter says beside which model it stands (``parent``)."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["clinsynth"] = "clinsynth"
    parent: str | None
    max_model_len: int
    card_sha256: str


class ModelList(BaseModel):
    """Answer of ``GET /v1/models``."""

    object: Literal["list"] = "list"
    data: list[ModelOut]


class Health(BaseModel):
    """Answer of ``GET /livez`` and ``GET /readyz``."""

    status: Literal["ok"] = "ok"

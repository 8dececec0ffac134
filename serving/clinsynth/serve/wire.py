"""What travels over HTTP: requests, checked here, and answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from clinsynth.corpus import AGE_BANDS, SEXES, Attributes, Note
from clinsynth.engine import EngineInfo, Sampling
from clinsynth.gate import Verdict

Mode = Literal["tags", "surrogates"]
# One line of a header: no control characters.
HeaderText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$"),
]
Seed = Annotated[int, Field(ge=0, lt=2**31)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def __repr__(self) -> str:
        """Names of the fields that were sent, never what they hold."""
        return f"{type(self).__name__}({', '.join(sorted(self.model_fields_set))})"

    __str__ = __repr__


class Conditions(_Request):
    """What a note should be about. Each may be left out: then the model decides."""

    note_type: HeaderText | None = Field(default=None, examples=["discharge summary"])
    specialty: HeaderText | None = Field(default=None, examples=["cardiology"])
    sex: Literal[SEXES] | None = None  # type: ignore[valid-type]
    age_band: Literal[AGE_BANDS] | None = None  # type: ignore[valid-type]
    diagnoses: list[HeaderText] = Field(default=[], max_length=12, examples=[["heart failure"]])

    def attributes(self) -> Attributes:
        """The conditions as a note's attributes."""
        return Attributes(self.note_type, self.specialty, self.sex, self.age_band, tuple(self.diagnoses))


class _Drawing(_Request):
    """How tokens are drawn; what is left out is the server's setting."""

    temperature: float | None = Field(default=None, ge=0, le=10)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=0)
    min_p: float | None = Field(default=None, ge=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)

    def sampling(self, default: Sampling) -> Sampling:
        """The server's sampling with what this request says."""
        names = ("temperature", "top_p", "top_k", "min_p", "max_tokens")
        said = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return default.model_copy(update=said)


class NotesRequest(Conditions, _Drawing):
    """``POST /v1/notes``.

    ``n`` notes; ``seed`` makes them repeatable; ``mode`` is what stands for a person's data: tags such as
    ``<|NAME|>`` or invented values; ``entities`` asks for the spans of problems, tests and treatments.
    """

    n: int = Field(default=1, ge=1)
    seed: Seed | None = None
    mode: Mode = "surrogates"
    entities: bool = True


class SpanOut(BaseModel):
    """Characters ``start`` to ``end`` (exclusive) of the text."""

    start: int
    end: int
    label: str


class ReasonOut(BaseModel):
    """Why a note was changed or withheld: a code, a place in the text as generated, never text."""

    code: str
    start: int
    end: int
    detail: str
    rejects: bool


class VerdictOut(BaseModel):
    """What the gate decided."""

    decision: Literal["pass", "repair", "reject"]
    reasons: list[ReasonOut]

    @classmethod
    def of(cls, verdict: Verdict) -> VerdictOut:
        """The gate's verdict as JSON."""
        reasons = [ReasonOut(**reason.to_dict()) for reason in verdict.reasons]
        return cls(decision=verdict.decision, reasons=reasons)


class AttributesOut(BaseModel):
    """What the note is about."""

    note_type: str | None
    specialty: str | None
    sex: str | None
    age_band: str | None
    diagnoses: list[str]

    @classmethod
    def of(cls, attributes: Attributes) -> AttributesOut:
        """A note's attributes as JSON."""
        a = attributes
        return cls(
            note_type=a.note_type,
            specialty=a.specialty,
            sex=a.sex,
            age_band=a.age_band,
            diagnoses=list(a.diagnoses),
        )


class SamplingOut(BaseModel):
    """How the tokens were drawn."""

    temperature: float
    top_p: float
    top_k: int
    min_p: float
    max_tokens: int | None


class Provenance(BaseModel):
    """All that is needed to make the note again: the model, the draw, and what it was asked."""

    model: str
    model_sha256: str
    card_sha256: str
    engine: str
    backend: str
    dtype: str
    gate_version: int
    seed: int = Field(description="of this draw")
    attempt: int = Field(description="1 for the first draw")
    mode: Mode
    conditions: AttributesOut
    sampling: SamplingOut

    @classmethod
    def of(
        cls,
        info: EngineInfo,
        gate_version: int,
        sampling: Sampling,
        attempt: int,
        mode: Mode,
        conditions: Attributes,
    ) -> Provenance:
        """The record of one draw."""
        assert sampling.seed is not None, "every draw has a seed"
        return cls(
            model=info.model,
            model_sha256=info.model_sha256,
            card_sha256=info.card_sha256,
            engine=f"{info.engine} {info.version}",
            backend=info.backend,
            dtype=info.dtype,
            gate_version=gate_version,
            seed=sampling.seed,
            attempt=attempt,
            mode=mode,
            conditions=AttributesOut.of(conditions),
            sampling=SamplingOut(**sampling.model_dump(include=set(SamplingOut.model_fields))),
        )


class NoteOut(BaseModel):
    """One note, or the report that it was withheld: then ``text`` is null and the spans are empty."""

    index: int
    status: Literal["released", "withheld"]
    text: str | None
    entities: list[SpanOut]
    phi: list[SpanOut] = Field(description="tags, or invented values, by mode")
    attributes: AttributesOut
    verdict: VerdictOut
    rejected: list[VerdictOut] = Field(description="verdicts of the draws before this one")
    provenance: Provenance

    @classmethod
    def spans(cls, note: Note, *, entities: bool) -> dict[str, Any]:
        """Text and spans of a note that may leave."""
        return {
            "text": note.text,
            "entities": [SpanOut(start=s.start, end=s.end, label=s.label) for s in note.entities]
            if entities
            else [],
            "phi": [SpanOut(start=s.start, end=s.end, label=s.label) for s in note.phi],
        }


class Usage(BaseModel):
    """Tokens read and written, those of rejected draws included."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int

    @classmethod
    def of(cls, prompt: int, completion: int) -> Usage:
        """With the sum."""
        return cls(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)


class NotesResponse(BaseModel):
    """Answer of ``POST /v1/notes``."""

    id: str
    created: int
    model: str
    seed: int = Field(description="the request's, or the one drawn for it: send it to get the same notes")
    notes: list[NoteOut]
    usage: Usage


class StreamOptions(_Request):
    """OpenAI's."""

    include_usage: bool = False


class CompletionRequest(_Drawing):
    """``POST /v1/completions``, OpenAI's shape; ``mode`` is an addition."""

    model: str | None = Field(default=None, max_length=200)
    prompt: str | list[int] | list[str] | list[list[int]] = Field(
        description="special tokens of the template in a text count as such"
    )
    n: int = Field(default=1, ge=1)
    seed: Seed | None = None
    stop: Annotated[str, Field(min_length=1)] | list[Annotated[str, Field(min_length=1)]] = []
    stream: bool = False
    stream_options: StreamOptions | None = None
    user: str | None = Field(default=None, max_length=200, description="not kept")
    mode: Mode = "surrogates"


class Choice(BaseModel):
    """One answer. ``content_filter``: the gate withheld it, or a part of a stream's rest."""

    index: int
    text: str
    logprobs: None = None
    finish_reason: Literal["stop", "length", "content_filter"] | None


class CompletionResponse(BaseModel):
    """Answer of ``POST /v1/completions``, and each event of a stream."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | None = None


class ModelOut(BaseModel):
    """A model that can be asked."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["clinsynth"] = "clinsynth"
    max_model_len: int
    card_sha256: str


class ModelList(BaseModel):
    """Answer of ``GET /v1/models``."""

    object: Literal["list"] = "list"
    data: list[ModelOut]


class Health(BaseModel):
    """Answer of ``GET /health``."""

    status: Literal["ok"] = "ok"

"""``POST /v1/notes``: what is asked and what is answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from clinsynth.corpus import AGE_BANDS, SEXES, Attributes, Note
from clinsynth.engine import EngineInfo, Sampling
from clinsynth.gate import Verdict
from clinsynth.serve.wire import Drawing, Mode, Natural, Positive, RequestBody, Seed, Usage, Whole

# One line of a header: no control characters, and more than blanks.
_LINE = r"^[^\x00-\x1f\x7f\x85]*[^\s\x00-\x1f\x7f\x85][^\x00-\x1f\x7f\x85]*$"
HeaderText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=_LINE),
]


class Conditions(RequestBody):
    """What a note should be about. Each may be left out: then the model decides."""

    note_type: HeaderText | None = Field(default=None, examples=["discharge summary"])
    specialty: HeaderText | None = Field(default=None, examples=["cardiology"])
    sex: Literal[SEXES] | None = None  # type: ignore[valid-type]
    age_band: Literal[AGE_BANDS] | None = None  # type: ignore[valid-type]
    diagnoses: list[HeaderText] = Field(default=[], max_length=12, examples=[["heart failure"]])

    def attributes(self) -> Attributes:
        """The conditions as a note's attributes."""
        return Attributes(self.note_type, self.specialty, self.sex, self.age_band, tuple(self.diagnoses))

    @classmethod
    def of(cls, attributes: Attributes) -> Conditions:
        """The conditions that a note's attributes are."""
        a = attributes
        return cls(
            note_type=a.note_type,
            specialty=a.specialty,
            sex=a.sex,
            age_band=a.age_band,
            diagnoses=list(a.diagnoses),
        )


class NotesRequest(Conditions, Drawing):
    """``POST /v1/notes``.

    ``n`` notes; a note without a line that begins with each of ``sections`` is drawn again; ``seed`` makes
    them repeatable; ``mode`` is what stands for a person's data: tags such as ``<|NAME|>`` or invented
    values; ``entities`` asks for the spans of problems, tests and treatments.
    """

    n: Positive = 1
    start: Natural = Field(
        default=0, description="number of the first note: 3 notes from 5 on are notes 5 to 7 of any request"
    )
    sections: list[HeaderText] = Field(default=[], max_length=12, examples=[["Hospital course"]])
    seed: Seed | None = None
    mode: Mode = "surrogates"
    entities: bool = True
    stream: bool = Field(default=False, description="as events: how far each note is, then the note")


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

    model_config = ConfigDict(extra="forbid", strict=True)

    temperature: float = Field(ge=0, le=2)
    top_p: float = Field(gt=0, le=1)
    top_k: Natural
    min_p: float = Field(ge=0, le=1)
    max_tokens: Positive | None


class Provenance(BaseModel):
    """All that is needed to make the note again: the model, the draw, and what it was asked."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str
    model_sha256: str
    card_sha256: str
    engine: str
    backend: str
    dtype: str
    gate_version: Whole
    seed: Seed = Field(description="of this draw")
    attempt: Positive = Field(description="1 for the first draw")
    mode: Mode
    conditions: Conditions
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
            **cls.made_by(info, gate_version),
            seed=sampling.seed,
            attempt=attempt,
            mode=mode,
            conditions=Conditions.of(conditions),
            sampling=SamplingOut(**sampling.model_dump(include=set(SamplingOut.model_fields))),
        )

    @staticmethod
    def made_by(info: EngineInfo, gate_version: int) -> dict[str, Any]:
        """What must be the same for a note to come out the same."""
        return {
            "model_sha256": info.model_sha256,
            "card_sha256": info.card_sha256,
            "engine": f"{info.engine} {info.version}",
            "backend": info.backend,
            "dtype": info.dtype,
            "gate_version": gate_version,
        }


class RegenerateRequest(RequestBody):
    """``POST /v1/notes/regenerate``: the record of a note, as it came with it."""

    provenance: Provenance
    entities: bool = True


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


class NotesResponse(BaseModel):
    """Answer of ``POST /v1/notes``."""

    id: str
    created: int
    model: str
    seed: int = Field(description="the request's, or the one drawn for it: send it to get the same notes")
    notes: list[NoteOut]
    usage: Usage


class RegeneratedResponse(BaseModel):
    """Answer of ``POST /v1/notes/regenerate``."""

    note: NoteOut
    usage: Usage


class NoteProgress(BaseModel):
    """An event of a stream: how far a note is. Its text comes when the gate has seen the whole."""

    object: Literal["note.progress"] = "note.progress"
    index: int
    attempt: int
    tokens: int


class NoteEvent(BaseModel):
    """An event of a stream: a note, or the report that it was withheld."""

    object: Literal["note"] = "note"
    note: NoteOut


class NotesEnd(BaseModel):
    """The last event before ``[DONE]``."""

    object: Literal["notes.end"] = "notes.end"
    model: str
    seed: int
    usage: Usage

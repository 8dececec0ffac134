"""``/v1/files`` and ``/v1/batches``: OpenAI's requests and answers."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from clinsynth.serve.store.batches import Batch, Status
from clinsynth.serve.store.files import File
from clinsynth.serve.wire import RequestBody

FileId = Annotated[str, StringConstraints(pattern=r"^file-[0-9a-f]{32}$")]
BatchId = Annotated[str, StringConstraints(pattern=r"^batch_[0-9a-f]{32}$")]
Endpoint = Literal["/v1/notes", "/v1/completions"]
Short = Annotated[str, StringConstraints(max_length=64)]
Long = Annotated[str, StringConstraints(max_length=512)]


class FileOut(BaseModel):
    """A file, without what it holds."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: int | None
    filename: str
    purpose: Literal["batch", "batch_output"]
    status: Literal["processed"] = "processed"

    @classmethod
    def of(cls, file: File) -> FileOut:
        """A file as JSON."""
        return cls(
            id=file.id,
            bytes=file.bytes,
            created_at=file.created,
            expires_at=file.expires,
            filename=file.filename,
            purpose=file.purpose,
        )


class FileList(BaseModel):
    """Answer of ``GET /v1/files``."""

    object: Literal["list"] = "list"
    data: list[FileOut]
    first_id: str | None
    last_id: str | None
    has_more: bool


class FileDeleted(BaseModel):
    """Answer of ``DELETE /v1/files/{file_id}``."""

    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True


class BatchRequest(RequestBody):
    """``POST /v1/batches``. Each line of the file is a request to ``endpoint``."""

    input_file_id: FileId
    endpoint: Endpoint
    completion_window: Literal["24h"]
    metadata: dict[Short, Long] | None = Field(default=None, max_length=16)


class BatchError(BaseModel):
    """Why a batch failed: the line of its input, counted from 1, and what to change."""

    code: str
    message: str
    param: str | None = None
    line: int | None = None


class BatchErrors(BaseModel):
    """The first errors found."""

    object: Literal["list"] = "list"
    data: list[BatchError]


class RequestCounts(BaseModel):
    """Lines by what came of them."""

    total: int
    completed: int
    failed: int


class BatchOut(BaseModel):
    """A batch."""

    id: str
    object: Literal["batch"] = "batch"
    endpoint: str
    model: str
    errors: BatchErrors | None
    input_file_id: str
    completion_window: str
    status: Status
    output_file_id: str | None
    error_file_id: str | None
    created_at: int
    in_progress_at: int | None
    expires_at: int
    finalizing_at: None = None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    request_counts: RequestCounts
    metadata: dict[str, str] | None

    @classmethod
    def of(cls, batch: Batch) -> BatchOut:
        """A batch as JSON."""
        ends = ("completed", "failed", "expired", "cancelled")
        ended: Any = {f"{end}_at": batch.ended if batch.status == end else None for end in ends}
        return cls(
            id=batch.id,
            endpoint=batch.endpoint,
            model=batch.served,
            errors=None if batch.errors is None else BatchErrors.model_validate_json(batch.errors),
            input_file_id=batch.input_file_id,
            completion_window=batch.completion_window,
            status=batch.status,
            output_file_id=batch.output_file_id,
            error_file_id=batch.error_file_id,
            created_at=batch.created,
            in_progress_at=batch.in_progress,
            expires_at=batch.expires,
            cancelling_at=batch.cancelling,
            request_counts=RequestCounts(total=batch.total, completed=batch.completed, failed=batch.failed),
            metadata=json.loads(batch.extra),
            **ended,
        )


class BatchList(BaseModel):
    """Answer of ``GET /v1/batches``."""

    object: Literal["list"] = "list"
    data: list[BatchOut]
    first_id: str | None
    last_id: str | None
    has_more: bool

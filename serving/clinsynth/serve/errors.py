"""Every refusal in one form, OpenAI's: one line that names the field, and never a word of what was sent."""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from clinsynth.engine import EngineDiedError, RefusedRequestError
from clinsynth.serve.wire_batches import BatchRequest
from clinsynth.serve.wire_completions import CompletionRequest, StreamOptions
from clinsynth.serve.wire_notes import Conditions, NotesRequest, Provenance, RegenerateRequest, SamplingOut

_log = logging.getLogger(__name__)

_TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    503: "service_unavailable",
}
_WRONG_METHOD: Final = 405
_RETRY_ENGINE: Final = "5"  # seconds
_BODIES: Final = (
    NotesRequest,
    CompletionRequest,
    StreamOptions,
    BatchRequest,
    RegenerateRequest,
    Provenance,
    Conditions,
    SamplingOut,
)
_IN_FORMS_AND_QUERIES: Final = (
    "file",
    "purpose",
    "expires_after[anchor]",
    "expires_after[seconds]",
    "limit",
    "order",
    "after",
    "file_id",
    "batch_id",
)
_KNOWN_FIELDS: Final = frozenset(name for body in _BODIES for name in body.model_fields) | frozenset(
    _IN_FORMS_AND_QUERIES
)
_PLAIN_NAME: Final = re.compile(r"[a-z_]{1,40}")


class ErrorDetail(BaseModel):
    """What went wrong; ``param`` is the field to change."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorBody(BaseModel):
    """The body of every answer that is not a success."""

    error: ErrorDetail


ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    code: {"model": ErrorBody} for code in (400, 401, 403, 404, 408, 413, 422, 429, 500, 503)
}
"""What any route may answer, for the API's document."""


class ApiError(Exception):
    """A refusal on its way to the client.

    Args:
        headers: of the answer, besides those that every answer has.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code
        self.headers = dict(headers)


def error_body(
    status: int, message: str, *, param: str | None = None, code: str | None = None
) -> dict[str, Any]:
    """The JSON of an error."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return ErrorBody(error=ErrorDetail(message=message, type=kind, param=param, code=code)).model_dump()


def as_response(told: ApiError) -> JSONResponse:
    """The error as an answer."""
    body = error_body(told.status, told.message, param=told.param, code=told.code)
    return JSONResponse(body, told.status, told.headers)


def as_api_error(error: Exception) -> ApiError:
    """What the client is told of an error; anything not foreseen is told nothing but that it happened."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, RefusedRequestError):
        return ApiError(400, str(error), param=error.field)
    if isinstance(error, EngineDiedError):
        headers = {"retry-after": _RETRY_ENGINE}
        return ApiError(503, "the engine is down", code="engine_down", headers=headers)
    log_without_text(error)
    return ApiError(500, "internal error")


def log_without_text(error: BaseException) -> None:
    """Type and place of an error. Its message may quote a prompt, so it is not logged."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "?" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    _log.error("%s at %s", type(error).__name__, place)


def install_handlers(app: FastAPI) -> None:
    """Makes the app answer errors in this form."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for kind in (ApiError, RefusedRequestError, EngineDiedError):
        app.add_exception_handler(kind, _known)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    param, message = explain(error.errors())
    return JSONResponse(error_body(422, message, param=param), 422)


async def _http(request: Request, error: Exception) -> JSONResponse:
    # Starlette's own, such as 404 and 405: the detail is the name of the status
    assert isinstance(error, HTTPException)
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    if error.status_code == _WRONG_METHOD:
        headers["allow"] = ", ".join(sorted(_methods(request)))
    return JSONResponse(error_body(error.status_code, str(error.detail)), error.status_code, headers)


def _methods(request: Request) -> set[str]:
    """All that a path answers to: the router names those of its first route alone."""
    return {
        method
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }


async def _known(_: Request, error: Exception) -> JSONResponse:
    return as_response(as_api_error(error))


def explain(
    errors: Sequence[Any], known: Collection[str] = _KNOWN_FIELDS, *, placed: bool = True
) -> tuple[str | None, str]:
    """The first error of a validation: the field's name, and one line without the value that was sent.

    Args:
        known: names of fields; anything else in an error's place came from outside, and is not repeated.
        placed: an error's place begins with where in a request it is, as FastAPI has it.
    """
    first = errors[0]
    if first["type"] == "json_invalid":
        return None, "the body is not JSON"
    path = list(first["loc"])[1 if placed else 0 :]
    if first["type"] == "extra_forbidden":
        return _unknown_field(str(path[-1]), known)
    # between the names stand those of a union's branches ("list[int]"), which say nothing to a client
    field = ".".join(str(part) for part in path if isinstance(part, int) or part in known)
    if not field:
        return None, "the body must be a JSON object"
    if first["type"] == "missing":
        return field, f"{field} is missing"
    message = str(first["msg"]).removeprefix("Value error, ")
    return field, f"{field}: {message[:1].lower()}{message[1:]}"


def _unknown_field(name: str, known: Collection[str]) -> tuple[str | None, str]:
    # a field's name comes from outside too: what does not look like one is not repeated
    if not _PLAIN_NAME.fullmatch(name):
        return None, "the body has a field that does not exist"
    near = difflib.get_close_matches(name, sorted(known), n=1)
    hint = f": did you mean {near[0]}?" if near else ""
    return name, f"there is no field {name}{hint}"

"""A thin client of the server, sync and async: typed requests and answers, patience where asked for.

    with Client("http://localhost:8000", key) as server:
        for note in server.notes(n=2, note_type="discharge summary", seed=7).notes:
            print(note.text)

Completions, files and batches are OpenAI's: its own client works for them.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from clinsynth.errors import EngineError, UsageError
from clinsynth.serve.wire import ModelList
from clinsynth.serve.wire_notes import (
    NotesRequest,
    NotesResponse,
    Provenance,
    RegeneratedResponse,
    RegenerateRequest,
)

A = TypeVar("A", bound=BaseModel)
KEY_VARIABLE: Final = "CLINSYNTH_API_KEY"
_WORTH_WAITING: Final = (429, 503)
_LONGEST_WAIT: Final = 60.0
_FIRST_WAIT: Final = 1.0


class ServerError(EngineError):
    """The server refused a request, or cannot be reached.

    Args:
        status: HTTP's; None where there was no answer.
        param: the field to change.
        code: the server's word for it, where it has one.
    """

    def __init__(
        self, message: str, status: int | None = None, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.param, self.code = status, param, code


class _Settings:
    """What both clients know.

    Args:
        url: of the server, such as ``http://localhost:8000``.
        key: bearer key; None takes that of the environment (``CLINSYNTH_API_KEY``).
        timeout: seconds for an answer. A request of many notes takes long.
        retries: how often a request is sent again that the server puts off (429, 503), after the time
            that it says.
    """

    def __init__(
        self, url: str, key: str | None = None, *, timeout: float = 300.0, retries: int = 4
    ) -> None:
        key = key or os.environ.get(KEY_VARIABLE)
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        self._options: dict[str, Any] = {"base_url": url, "timeout": timeout, "headers": headers}
        self._url, self._retries = url, retries

    def _wait(self, answer: httpx.Response, tried: int) -> float | None:
        """Seconds until the request is sent again; None: it is not."""
        if answer.status_code not in _WORTH_WAITING or tried >= self._retries:
            return None
        said = answer.headers.get("retry-after", "")
        return min(_LONGEST_WAIT, float(said) if said.isdigit() else _FIRST_WAIT * 2**tried)

    def _unreachable(self, error: httpx.HTTPError) -> ServerError:
        return ServerError(f"{self._url}: {type(error).__name__}")


class Client(_Settings):
    """The synchronous client, a context manager. Every call raises ``ServerError``."""

    def __enter__(self) -> Self:
        self._http = httpx.Client(**self._options)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def notes(self, **wish: Any) -> NotesResponse:
        """Notes by conditions: the fields of ``NotesRequest``.

        Raises:
            UsageError: a field is wrong; nothing was sent.
        """
        return self._ask("POST", "/v1/notes", NotesResponse, request_of(wish))

    def regenerate(self, provenance: Provenance, *, entities: bool = True) -> RegeneratedResponse:
        """The note of a record, word for word."""
        body = RegenerateRequest(provenance=provenance, entities=entities)
        return self._ask("POST", "/v1/notes/regenerate", RegeneratedResponse, body)

    def models(self) -> ModelList:
        """What can be asked, the default first."""
        return self._ask("GET", "/v1/models", ModelList)

    def _ask(self, method: str, path: str, kind: type[A], body: BaseModel | None = None) -> A:
        tried = 0
        while True:
            try:
                answer = self._http.request(method, path, json=_json(body))
            except httpx.HTTPError as error:
                raise self._unreachable(error) from None
            wait = self._wait(answer, tried)
            if wait is None:
                return _read(answer, kind)
            time.sleep(wait)
            tried += 1


class AsyncClient(_Settings):
    """The same for asyncio."""

    async def __aenter__(self) -> Self:
        self._http = httpx.AsyncClient(**self._options)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def notes(self, **wish: Any) -> NotesResponse:
        """As ``Client.notes``."""
        return await self._ask("POST", "/v1/notes", NotesResponse, request_of(wish))

    async def regenerate(self, provenance: Provenance, *, entities: bool = True) -> RegeneratedResponse:
        """As ``Client.regenerate``."""
        body = RegenerateRequest(provenance=provenance, entities=entities)
        return await self._ask("POST", "/v1/notes/regenerate", RegeneratedResponse, body)

    async def models(self) -> ModelList:
        """As ``Client.models``."""
        return await self._ask("GET", "/v1/models", ModelList)

    async def _ask(self, method: str, path: str, kind: type[A], body: BaseModel | None = None) -> A:
        tried = 0
        while True:
            try:
                answer = await self._http.request(method, path, json=_json(body))
            except httpx.HTTPError as error:
                raise self._unreachable(error) from None
            wait = self._wait(answer, tried)
            if wait is None:
                return _read(answer, kind)
            await asyncio.sleep(wait)
            tried += 1


def request_of(wish: Mapping[str, Any]) -> NotesRequest:
    """The request that fields make; fields that are None are left out.

    Raises:
        UsageError: names the first that is wrong.
    """
    try:
        return NotesRequest.model_validate({k: v for k, v in wish.items() if v is not None})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise UsageError(f"{field}: {first['msg'][:1].lower()}{first['msg'][1:]}") from None


def _json(body: BaseModel | None) -> Any:
    return None if body is None else body.model_dump(mode="json", exclude_unset=True)


def _read(answer: httpx.Response, kind: type[A]) -> A:
    if answer.is_success:
        return kind.model_validate_json(answer.content)
    try:
        told = answer.json()["error"]
        raise ServerError(told["message"], answer.status_code, told["param"], told["code"])
    except (ValueError, KeyError, TypeError):  # a proxy's page
        raise ServerError(f"the server answered {answer.status_code}", answer.status_code) from None

"""The API's document: FastAPI's, with this server's own limits, its keys, and its streams in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI

from clinsynth.serve.access import OPEN
from clinsynth.serve.settings import ServeConfig

_SCHEME: Final = {"type": "http", "scheme": "bearer", "description": "of `clinsynth keys create`"}


_UPLOAD: Final = "Body_upload_v1_files_post"
_OPTIONAL_FIELDS: Final = ("expires_after[anchor]", "expires_after[seconds]")
_FILE, _BATCH = "/v1/files/{file_id}", "/v1/batches/{batch_id}"
_ID: Final = "$response.body#/id"
# What comes out of one route and goes into another: its path and method, then the other's.
_LINKS: Final[Mapping[tuple[str, str], Sequence[tuple[str, str, dict[str, Any]]]]] = {
    ("/v1/files", "post"): (
        (_FILE, "get", {"parameters": {"file_id": _ID}}),
        (f"{_FILE}/content", "get", {"parameters": {"file_id": _ID}}),
        (_FILE, "delete", {"parameters": {"file_id": _ID}}),
        (
            "/v1/batches",
            "post",
            {"requestBody": {"input_file_id": _ID, "endpoint": "/v1/notes", "completion_window": "24h"}},
        ),
    ),
    ("/v1/batches", "post"): (
        (_BATCH, "get", {"parameters": {"batch_id": _ID}}),
        (f"{_BATCH}/cancel", "post", {"parameters": {"batch_id": _ID}}),
    ),
    ("/v1/notes", "post"): (
        (
            "/v1/notes/regenerate",
            "post",
            {"requestBody": {"provenance": "$response.body#/notes/0/provenance"}},
        ),
    ),
}


def document(app: FastAPI, config: ServeConfig) -> dict[str, Any]:
    """OpenAPI 3.1 of the app. A request that is valid by it is refused for what only the engine can tell
    (400), never for its form (422)."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    found: dict[str, Any] = FastAPI.openapi(app)  # which keeps it
    components = found["components"]
    components["securitySchemes"] = {"key": _SCHEME}
    for path, operations in found["paths"].items():
        for operation in operations.values():
            operation["security"] = [] if path in OPEN else [{"key": []}]
    bodies = components["schemas"]
    for name in ("NotesRequest", "CompletionRequest"):
        bodies[name]["properties"]["n"]["maximum"] = config.max_n
    for branch in bodies["CompletionRequest"]["properties"]["logprobs"]["anyOf"]:
        if branch["type"] == "integer":
            branch["maximum"] = config.max_logprobs
    upload = bodies[_UPLOAD]["properties"]
    for name in _OPTIONAL_FIELDS:  # a form has no null: what is not sent is not there
        [given] = [branch for branch in upload[name].pop("anyOf") if branch.get("type") != "null"]
        upload[name] |= given
    for (path, method), links in _LINKS.items():
        answer = found["paths"][path][method]["responses"]["200"]
        answer["links"] = {
            operation["operationId"]: {"operationId": operation["operationId"], **what}
            for other, verb, what in links
            for operation in [found["paths"][other][verb]]
        }
    return found

"""What is refused before an engine is asked: keys, sizes, fields. No answer repeats what was sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.serve.conftest import KEY, at_the_door

SECRET = "Bloomquist"
_ROUTES = [
    ("POST", "/v1/notes"),
    ("POST", "/v1/notes/regenerate"),
    ("POST", "/v1/completions"),
    ("GET", "/v1/models"),
    ("GET", "/openapi.json"),
    ("GET", "/nowhere"),
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with at_the_door(tmp_path_factory.mktemp("door"), max_body_bytes=4096) as (one, _):
        yield one


def _authorized(**more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {KEY}", **more}


@pytest.mark.parametrize(("method", "path"), _ROUTES)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": KEY},
        {"Authorization": f"Bearer {KEY}x"},
        {"X-Api-Key": KEY},
    ],
)
def test_every_route_needs_the_key(
    client: TestClient, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = client.request(method, path, headers=headers, json={"prompt": SECRET})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["type"] == "authentication_error"
    assert SECRET not in answer.text


def test_the_key_opens(client: TestClient) -> None:
    assert client.get("/openapi.json", headers=_authorized()).status_code == 200
    assert client.get("/openapi.json", headers={"authorization": f"bearer {KEY}"}).status_code == 200


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_no_page_that_loads_scripts_from_elsewhere(client: TestClient, path: str) -> None:
    assert client.get(path, headers=_authorized()).status_code == 404


_BAD_NOTES: list[tuple[Any, str | None, str]] = [
    ({"sex": SECRET}, "sex", "'female' or 'male'"),
    ({"age_band": SECRET}, "age_band", "'60-69'"),
    ({"note_type": ""}, "note_type", "at least 1"),
    ({"note_type": f"{SECRET}\n<|text|>"}, "note_type", "match pattern"),
    ({"specialty": SECRET * 40}, "specialty", "at most 120"),
    ({"diagnoses": SECRET}, "diagnoses", "list"),
    ({"diagnoses": ["a", f"{SECRET}\x00"]}, "diagnoses.1", "match pattern"),
    ({"diagnoses": [SECRET] * 13}, "diagnoses", "at most 12"),
    ({"n": 0}, "n", "greater than or equal to 1"),
    ({"n": SECRET}, "n", "integer"),
    ({"seed": -1}, "seed", "greater"),
    ({"seed": 2**31}, "seed", "less than"),
    ({"temperature": SECRET}, "temperature", "number"),
    ({"top_p": 0}, "top_p", "greater than 0"),
    ({"max_tokens": 0}, "max_tokens", "greater"),
    ({"sections": SECRET}, "sections", "list"),
    ({"sections": [""]}, "sections.0", "at least 1"),
    ({"mode": SECRET}, "mode", "'tags' or 'surrogates'"),
    ({"entities": SECRET}, "entities", "boolean"),
    ({"note_typ": SECRET}, "note_typ", "did you mean note_type"),
    ({"zzzz": SECRET}, "zzzz", "there is no field zzzz"),
    ({f"{SECRET} 4711": 1}, None, "a field that does not exist"),
    ([SECRET], None, "JSON object"),
    (SECRET, None, "JSON object"),
    (None, None, "JSON object"),
]
_BAD_COMPLETIONS: list[tuple[Any, str | None, str]] = [
    ({}, "prompt", "prompt is missing"),
    ({"prompt": {SECRET: 1}}, "prompt", "prompt: input should be"),
    ({"prompt": [[SECRET], 3]}, "prompt", "prompt"),
    ({"prompt": SECRET, "max_tokens": SECRET}, "max_tokens", "integer"),
    ({"prompt": SECRET, "stop": ""}, "stop", "at least 1"),
    ({"prompt": SECRET, "stream_options": {"a": SECRET}}, "a", "no field a"),
    ({"prompt": SECRET, "echo": True}, "echo", "no field echo"),
]


@pytest.mark.parametrize(
    ("path", "body", "param", "says"),
    [
        *(("/v1/notes", *row) for row in _BAD_NOTES),
        *(("/v1/completions", *row) for row in _BAD_COMPLETIONS),
    ],
)
def test_a_bad_field_is_named_and_its_value_is_not(
    client: TestClient, path: str, body: Any, param: str | None, says: str
) -> None:
    answer = client.post(path, json=body, headers=_authorized())
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["param"] == param
    assert error["type"] == "invalid_request_error"
    assert says in error["message"]
    assert "\n" not in error["message"]
    assert SECRET not in answer.text


@pytest.mark.parametrize("body", [b"", b"{", b'{"n": NaN,}', f'{{"prompt": "{SECRET}"'.encode()])
def test_what_is_not_json_is_said_to_be_so(client: TestClient, body: bytes) -> None:
    headers = _authorized(**{"Content-Type": "application/json"})
    answer = client.post("/v1/completions", content=body, headers=headers)
    assert answer.status_code == 422
    assert "JSON" in answer.json()["error"]["message"]
    assert SECRET not in answer.text


def test_bytes_that_are_not_utf8_are_refused(client: TestClient) -> None:
    headers = _authorized(**{"Content-Type": "application/json"})
    answer = client.post("/v1/notes", content=b'{"note_type": "\xff\xfe"}', headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_large_is_refused(client: TestClient, announced: bool) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"prompt": "'
        for _ in range(10):
            yield SECRET.encode() * 100
        yield b'"}'

    content: Any = b"".join(pieces()) if announced else pieces()
    headers = _authorized(**{"Content-Type": "application/json"})
    answer = client.post("/v1/completions", content=content, headers=headers)
    assert answer.status_code == 413
    assert "4096 bytes" in answer.json()["error"]["message"]
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/notes", 405), ("GET", "/nowhere", 404)]
)
def test_errors_of_the_router_have_the_same_form(
    client: TestClient, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path, headers=_authorized())
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_a_path_says_all_it_answers_to(client: TestClient) -> None:
    answer = client.put("/v1/files", headers=_authorized())
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize(
    "body", [{"n": "1"}, {"temperature": "0.5"}, {"entities": 1}, {"n": 1.5}, {"n": True}]
)
def test_another_type_is_an_error(client: TestClient, body: dict[str, Any]) -> None:
    answer = client.post("/v1/notes", json=body, headers=_authorized())
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, next(iter(body)))


def test_an_error_nobody_foresaw_says_nothing(
    client: TestClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(request: object) -> None:
        raise RuntimeError(f"cannot handle {SECRET}")

    monkeypatch.setattr("clinsynth.serve.notes.service_of", broken)
    answer = client.post("/v1/notes", json={"note_type": SECRET}, headers=_authorized())
    assert answer.status_code == 500
    assert answer.json()["error"]["message"] == "internal error"
    assert "RuntimeError at" in caplog.text
    assert SECRET not in caplog.text + answer.text

"""The door: which key opens what, what is written down, what every answer wears."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import text, update
from tests.serve.conftest import KEY

from clinsynth.serve import access
from clinsynth.serve.door import Door
from clinsynth.serve.keyring import REVOKED_WITHIN
from clinsynth.serve.store.audit import Entry, entries
from clinsynth.serve.store.keys import SCOPES, create_key, revoke_key
from clinsynth.serve.store.tables import KEYS

Doors = Callable[..., AbstractContextManager[tuple[TestClient, Door]]]
SECRET = "Bloomquist"


def made(door: Door, *scopes: str, name: str = "ward", **more: Any) -> dict[str, str]:
    key = door.database.now(lambda c: create_key(c, name, scopes, **more))
    return {"Authorization": f"Bearer {key}"}


def written(door: Door) -> list[Entry]:
    return door.database.now(lambda c: list(entries(c)))


def routes(client: TestClient) -> list[tuple[str, str]]:
    """Every route of the app, and documents that are no route of ours."""
    found = [("GET", "/openapi.json"), ("GET", "/no/such/route")]
    for route in client.app.routes:  # type: ignore[attr-defined]
        if isinstance(route, APIRoute):
            path = route.path_format.replace("{", "").replace("}", "")
            found += [(method, path) for method in sorted(route.methods)]
    return [one for one in found if one[1] not in access.OPEN]


def test_every_route_but_probes_needs_a_key_in_force_with_its_scope(door: Doors) -> None:
    with door() as (client, held):
        gone = made(held, *SCOPES, name="gone")
        held.database.now(lambda c: revoke_key(c, "gone"))
        expired = made(held, *SCOPES, name="expired", expires=int(time.time()) + 60)
        held.database.now(
            lambda c: c.execute(update(KEYS).where(KEYS.c.name == "expired").values(expires=1))
        )
        paths = routes(client)
        assert len(paths) >= 6
        for method, path in paths:
            for headers in ({}, {"Authorization": "Bearer wrong"}, gone, expired):
                answer = client.request(method, path, headers=headers)
                assert answer.status_code == 401, (method, path)
                assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_opens_what_its_scopes_say(door: Doors) -> None:
    with door() as (client, held):
        keys = {scope: made(held, scope, name=scope) for scope in SCOPES}
        for method, path in routes(client):
            needed = access.scopes_for(path)
            for scope, headers in keys.items():
                if not needed <= {scope}:
                    assert client.request(method, path, headers=headers).status_code == 403, (path, scope)
        assert client.get("/metrics", headers=keys["metrics"]).status_code == 200
        for headers in keys.values():
            assert client.get("/openapi.json", headers=headers).status_code == 200


def test_every_route_has_a_rule(door: Doors) -> None:
    with door() as (client, _):
        for _, path in routes(client):
            if path != "/no/such/route":
                assert access.scopes_for(path) != frozenset(SCOPES), f"{path}: say who may enter"


def test_a_path_that_only_looks_like_a_route_is_nobody_s(door: Doors) -> None:
    with door() as (client, held):
        headers = made(held, "metrics")
        for path in ("/metricsx", "/v1/notesx", "/v1/modelsx", "/livezx", "/v1"):
            assert client.get(path, headers=headers).status_code == 403


def test_a_revoked_key_opens_nothing_within_seconds(door: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    with door() as (client, held):
        headers = made(held, "metrics")
        assert client.get("/metrics", headers=headers).status_code == 200
        held.database.now(lambda c: revoke_key(c, "ward"))
        now = time.monotonic()
        monkeypatch.setattr("clinsynth.serve.keyring.time.monotonic", lambda: now + REVOKED_WITHIN + 1)
        assert client.get("/metrics", headers=headers).status_code == 401


def test_limits_are_told_and_obeyed(door: Doors) -> None:
    with door(limits={"requests_per_minute": 2}) as (client, held):
        headers = made(held, "metrics")
        for left in ("1", "0"):
            answer = client.get("/metrics", headers=headers)
            assert answer.headers["x-ratelimit-limit-requests"] == "2"
            assert answer.headers["x-ratelimit-remaining-requests"] == left
        answer = client.get("/metrics", headers=headers)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["error"]["type"] == "rate_limit_error"
        assert client.get("/livez").status_code == 200
        assert held.limiter.under_way() == 0


def test_the_audit_says_who_asked_for_what(door: Doors) -> None:
    with door() as (client, held):
        asked = str(uuid.uuid4())
        client.get(
            "/v1/models/" + SECRET, headers={"Authorization": f"Bearer {KEY}", "X-Request-Id": asked}
        )
        client.get("/metrics", headers={"Authorization": f"Bearer {SECRET}"})
        client.get("/livez")
        client.request(SECRET.upper(), "/metrics", headers={"Authorization": f"Bearer {KEY}"})
        nowhere, refused, odd = written(held)
        assert (nowhere.request_id, nowhere.key_id, nowhere.status) == (asked, "environment", 404)
        assert (refused.key_id, refused.status, refused.method) == (None, 401, "GET")
        assert (odd.method, odd.status) == ("-", 405)
        assert SECRET.lower() not in repr(written(held)).lower()
        page = client.get("/metrics", headers={"Authorization": f"Bearer {KEY}"}).text
        assert 'clinsynth_http_requests_total{method="GET",route="/metrics",status="401"}' not in page, (
            "refused before there was a route"
        )
        assert 'route="-",status="401"' in page
        assert SECRET.lower() not in page.lower()


def test_a_request_id_is_the_client_s_when_it_is_a_uuid(door: Doors) -> None:
    with door() as (client, _):
        mine = str(uuid.uuid4())
        assert client.get("/livez", headers={"X-Request-Id": mine}).headers["x-request-id"] == mine
        theirs = client.get("/livez", headers={"X-Request-Id": SECRET}).headers["x-request-id"]
        assert uuid.UUID(theirs)


def test_what_cannot_be_audited_is_not_answered(door: Doors, caplog: pytest.LogCaptureFixture) -> None:
    with door() as (client, held):
        headers = {"Authorization": f"Bearer {KEY}"}
        held.database.now(lambda c: c.execute(text("ALTER TABLE audit RENAME TO elsewhere")))
        answer = client.get("/openapi.json", headers=headers)
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "audit_failed"
        assert "OperationalError at" in caplog.text
        held.database.now(lambda c: c.execute(text("ALTER TABLE elsewhere RENAME TO audit")))
        assert client.get("/openapi.json", headers=headers).status_code == 200


def test_every_answer_wears_the_same_headers(door: Doors) -> None:
    with door() as (client, _):
        for path, headers in (
            ("/livez", {}),
            ("/metrics", {}),
            ("/nowhere", {"Authorization": f"Bearer {KEY}"}),
        ):
            answer = client.get(path, headers=headers)
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert "server" not in answer.headers


def test_other_origins_are_told_nothing(door: Doors) -> None:
    with door() as (client, _):
        answer = client.options(
            "/v1/notes",
            headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
        )
        assert answer.status_code == 401
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_when_the_end_has_begun_nothing_is_taken_but_probes(door: Doors) -> None:
    with door() as (client, held):
        held.drain.has_begun = True
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {KEY}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "shutting_down")
        assert answer.headers["retry-after"]
        assert client.get("/livez").status_code == 200
        assert client.get("/readyz").status_code == 503

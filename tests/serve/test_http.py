"""The server as a user starts it, over a real socket: real engine, real gate, one start for the module."""

from __future__ import annotations

import concurrent.futures
import json
import os
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from tests.serve.live import KEY, Server, engine_of

from clinsynth.corpus import PHI_LABELS
from clinsynth.folders import file_sha256
from clinsynth.serve.store.audit import entries
from clinsynth.serve.store.database import Database
from clinsynth.serve.store.keys import create_key

pytestmark = pytest.mark.slow

_SECRET = "Bloomquist"


def _notes(client: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = client.post("/v1/notes", json=body)
    assert answer.status_code == 200, answer.text
    parsed: dict[str, Any] = answer.json()
    return parsed


def test_it_says_where_it_answers_and_probes_need_no_key(server: Server) -> None:
    assert "model tiny-llama, vllm 0.32.0, native" in server.said
    with server.client(key=None) as stranger:
        assert stranger.get("/livez").json() == {"status": "ok"}
        assert stranger.get("/readyz").json() == {"status": "ok"}
        assert stranger.get("/v1/models").status_code == 401
        assert stranger.post("/v1/notes", json={}).status_code == 401


def test_models(client: httpx.Client, tiny_model_dir: Path) -> None:
    model, adapter, same = client.get("/v1/models").json()["data"]
    assert model["id"] == "tiny-llama"
    assert model["parent"] is None
    assert model["max_model_len"] == 256
    assert model["card_sha256"] == file_sha256(tiny_model_dir / "card.json")
    assert (adapter["id"], same["id"]) == ("ward", "same")
    assert adapter["parent"] == "tiny-llama"
    assert adapter["card_sha256"] == same["card_sha256"] != model["card_sha256"]


def test_an_adapter_answers_by_its_name(client: httpx.Client, tiny_adapter_dir: Path) -> None:
    asked = {"n": 4, "seed": 2, "mode": "tags", "sex": "male"}
    model, ward, same = (_notes(client, **asked, model=name) for name in ("tiny-llama", "ward", "same"))
    texts = [[note["text"] for note in one["notes"]] for one in (model, ward, same)]
    assert texts[0] != texts[1] == texts[2]
    assert texts[0] == [note["text"] for note in _notes(client, **asked)["notes"]], "the first by default"
    assert ward["model"] == "ward"
    for note in ward["notes"]:
        assert note["provenance"]["card_sha256"] == file_sha256(tiny_adapter_dir / "card.json")
    body = {"prompt": "<|note|><|text|>", "temperature": 0, "max_tokens": 24}
    alone, adapted = (
        client.post("/v1/completions", json=body | {"model": name}).json()
        for name in ("tiny-llama", "ward")
    )
    assert adapted["model"] == "ward"
    assert alone["choices"][0]["text"] != adapted["choices"][0]["text"]
    for route in ("/v1/notes", "/v1/completions"):
        answer = client.post(
            route, json={"model": "surgery", **({"prompt": "a"} if "comp" in route else {})}
        )
        assert answer.status_code == 404
        assert "GET /v1/models" in answer.json()["error"]["message"]


def test_notes_with_tags_entities_and_provenance(client: httpx.Client, tiny_model_dir: Path) -> None:
    body = _notes(client, sex="female", age_band="60-69", n=3, seed=11, mode="tags")
    assert body["seed"] == 11
    assert body["usage"]["total_tokens"] > 60
    assert [note["index"] for note in body["notes"]] == [0, 1, 2]
    released = [note for note in body["notes"] if note["status"] == "released"]
    assert released, "three draws of a model that mostly writes well"
    for note in released:
        assert note["verdict"]["decision"] in ("pass", "repair")
        assert note["attributes"]["sex"] == "female"
        assert note["attributes"]["age_band"] == "60-69"
        for span in note["phi"]:
            assert note["text"][span["start"] : span["end"]] == f"<|{span['label']}|>"
            assert span["label"] in PHI_LABELS
        for span in note["entities"]:
            assert note["text"][span["start"] : span["end"]].strip()
            assert span["label"] in ("PROBLEM", "TEST", "TREATMENT")
        assert "<|end|>" not in note["text"]
        assert "<|/|>" not in note["text"]
        made = note["provenance"]
        assert made["card_sha256"] == file_sha256(tiny_model_dir / "card.json")
        assert made["engine"] == "vllm 0.32.0"
        assert made["sampling"]["temperature"] == 0.5
        assert made["attempt"] == len(note["rejected"]) + 1
    assert any(note["entities"] for note in released)
    assert any(note["phi"] for note in released)


def test_a_seed_repeats_notes_and_their_surrogates(client: httpx.Client) -> None:
    first = _notes(client, n=4, seed=3)["notes"]
    assert _notes(client, n=4, seed=3)["notes"] == first
    assert _notes(client, n=2, seed=3)["notes"] == first[:2], "note i does not depend on n"
    others = _notes(client, n=4, seed=4)["notes"]
    assert [note["text"] for note in others] != [note["text"] for note in first]
    unseeded = _notes(client)
    again = _notes(client, seed=unseeded["seed"])
    assert again["notes"] == unseeded["notes"], "the seed that was drawn is told"


def test_surrogates_stand_where_tags_were(client: httpx.Client) -> None:
    tagged = _notes(client, n=4, seed=5, mode="tags")["notes"]
    filled = _notes(client, n=4, seed=5, mode="surrogates")["notes"]
    compared = 0
    for with_tags, with_values in zip(tagged, filled, strict=True):
        if with_tags["provenance"]["attempt"] != with_values["provenance"]["attempt"]:
            continue  # the gate looks at the filled note once more, and may draw again
        if with_values["text"] is None:
            continue
        assert "<|" not in with_values["text"]
        labels = [span["label"] for span in with_values["phi"]]
        assert labels == [span["label"] for span in with_tags["phi"]]
        compared += bool(labels)
    assert compared


def test_entities_can_be_left_out(client: httpx.Client) -> None:
    with_spans, without = (_notes(client, seed=11, entities=wanted)["notes"][0] for wanted in (True, False))
    assert with_spans["entities"]
    assert without["entities"] == []
    assert without["text"] == with_spans["text"]


def test_a_note_comes_out_of_its_record_again(client: httpx.Client) -> None:
    asked = {
        "n": 6,
        "seed": 8,
        "sex": "female",
        "diagnoses": ["asthma"],
        "temperature": 0.7,
        "model": "ward",
    }
    for mode in ("tags", "surrogates"):
        for note in _notes(client, **asked, mode=mode)["notes"]:
            answer = client.post("/v1/notes/regenerate", json={"provenance": note["provenance"]})
            assert answer.status_code == 200, answer.text
            again = answer.json()["note"]
            for same in ("text", "entities", "phi", "status", "verdict", "attributes", "provenance"):
                assert again[same] == note[same]
    record = note["provenance"]
    for name, other in (("card_sha256", "0" * 64), ("engine", "vllm 0.1"), ("gate_version", 1)):
        answer = client.post("/v1/notes/regenerate", json={"provenance": {**record, name: other}})
        assert (answer.status_code, answer.json()["error"]["param"]) == (409, f"provenance.{name}")
    answer = client.post("/v1/notes/regenerate", json={"provenance": {**record, "model": "gone"}})
    assert answer.status_code == 404
    answer = client.post("/v1/notes/regenerate", json={"provenance": {**record, "extra": _SECRET}})
    assert answer.status_code == 422
    assert _SECRET not in answer.text


def test_notes_have_the_sections_that_were_asked_for(client: httpx.Client) -> None:
    released = [
        note for note in _notes(client, n=8, seed=2, sections=["plan"])["notes"] if note["text"] is not None
    ]
    assert released
    assert all("\nPlan:" in note["text"] for note in released)
    withheld = _notes(client, n=2, seed=2, sections=["Plan", _SECRET])["notes"]
    for note in withheld:
        assert note["status"] == "withheld"
        assert note["text"] is None
        reasons = [
            reason for verdict in (note["verdict"], *note["rejected"]) for reason in verdict["reasons"]
        ]
        assert "sections.1" in {r["detail"] for r in reasons if r["code"] == "section_missing"}
        assert _SECRET not in json.dumps(note)


@pytest.mark.parametrize("mode", ["tags", "surrogates"])
def test_notes_as_a_stream(client: httpx.Client, mode: str) -> None:
    asked = {"n": 4, "seed": 9, "sex": "male", "mode": mode, "temperature": 0.9}
    whole = _notes(client, **asked)
    with client.stream("POST", "/v1/notes", json={**asked, "stream": True}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        *events, done = [line.removeprefix("data: ") for line in answer.iter_lines() if line]
    assert done == "[DONE]"
    *told, end = map(json.loads, events)
    notes = [event["note"] for event in told if event["object"] == "note"]
    assert sorted(notes, key=lambda note: note["index"]) == whole["notes"]
    assert (end["object"], end["seed"], end["usage"]) == ("notes.end", 9, whole["usage"])
    progress = [event for event in told if event["object"] == "note.progress"]
    assert {event["index"] for event in progress} == {0, 1, 2, 3}
    assert all(set(event) == {"object", "index", "attempt", "tokens"} for event in progress)
    refused = client.post("/v1/notes", json={"stream": True, "n": 1000})
    assert refused.status_code == 422
    refused = client.post("/v1/notes", json={"stream": True, "max_tokens": 1000})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "max_tokens")


def test_what_the_gate_rejects_is_withheld_with_reasons_and_no_text(client: httpx.Client) -> None:
    body = _notes(client, n=16, seed=1, temperature=2)
    withheld = [note for note in body["notes"] if note["status"] == "withheld"]
    assert withheld, "three hot draws of a tiny model are seldom a note"
    for note in withheld:
        assert note["text"] is None
        assert note["entities"] == note["phi"] == []
        assert note["verdict"]["decision"] == "reject"
        assert any(reason["rejects"] for reason in note["verdict"]["reasons"])
        assert note["provenance"]["attempt"] == 3
        assert len(note["rejected"]) == 2


def test_a_note_that_does_not_end_is_withheld(client: httpx.Client) -> None:
    [note] = _notes(client, max_tokens=10, temperature=0)["notes"]
    assert note["status"] == "withheld"
    assert {"truncated"} <= {reason["detail"] for reason in note["verdict"]["reasons"]}
    assert note["provenance"]["attempt"] == 1, "a greedy draw would only come again"


def _complete(client: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = client.post("/v1/completions", json=body)
    assert answer.status_code == 200, answer.text
    parsed: dict[str, Any] = answer.json()
    return parsed


_GOES_ON = {
    "prompt": "<|note|><|text|>",
    "max_tokens": 120,
    "temperature": 0.4,
    "seed": 2,
    "n": 3,
    "mode": "tags",
}


def test_completions_in_openais_shape(client: httpx.Client) -> None:
    body = _complete(client, model="tiny-llama", **_GOES_ON)
    assert body["object"] == "text_completion"
    assert body["model"] == "tiny-llama"
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2]
    assert any(choice["finish_reason"] == "stop" and choice["text"] for choice in body["choices"])
    usage = body["usage"]
    assert usage["prompt_tokens"] == 2
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    again = _complete(client, **_GOES_ON)
    assert again["choices"] == body["choices"]


def test_several_prompts_and_token_ids(client: httpx.Client) -> None:
    sampling = {"max_tokens": 6, "temperature": 0, "mode": "tags"}
    texts = _complete(client, prompt=["<|note|><|text|>", "<|note|><|text|>Known"], **sampling)
    assert [choice["index"] for choice in texts["choices"]] == [0, 1]
    ids = _complete(client, prompt=[1, 2], **sampling)
    assert ids["choices"][0] == texts["choices"][0]
    assert ids["choices"][0]["finish_reason"] == "length"


def _events(client: httpx.Client, **body: Any) -> list[str]:
    with client.stream("POST", "/v1/completions", json={**body, "stream": True}) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in answer.iter_lines() if line]
    assert all(line.startswith("data: ") for line in lines)
    return [line.removeprefix("data: ") for line in lines]


def test_a_stream_gives_the_same_text_and_ends_with_done(client: httpx.Client) -> None:
    *events, done = _events(client, stream_options={"include_usage": True}, **_GOES_ON)
    assert done == "[DONE]"
    *chunks, last = [json.loads(event) for event in events]
    assert last["choices"] == []
    whole = _complete(client, **_GOES_ON)
    assert last["usage"] == whole["usage"]
    for choice in whole["choices"]:
        mine = [c for chunk in chunks for c in chunk["choices"] if c["index"] == choice["index"]]
        assert "".join(c["text"] for c in mine) == choice["text"]
        assert [c["finish_reason"] for c in mine if c["finish_reason"]] == [choice["finish_reason"]]
    assert len({chunk["id"] for chunk in chunks}) == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"prompt": f"{_SECRET} " * 200}, 400, "prompt"),
        ({"prompt": ""}, 422, "prompt"),
        ({"prompt": []}, 422, "prompt"),
        ({"prompt": [99_999]}, 400, "prompt"),
        ({"prompt": _SECRET, "max_tokens": 1000}, 400, "max_tokens"),
        ({"prompt": _SECRET, "n": 1000}, 422, "n"),
        ({"prompt": [_SECRET] * 40, "n": 2}, 400, "n"),
        ({"prompt": _SECRET, "model": "gpt-4"}, 404, "model"),
        ({"prompt": _SECRET, "temperature": "hot"}, 422, "temperature"),
    ],
)
def test_what_cannot_run_is_refused_before_a_stream_begins(
    client: httpx.Client, body: dict[str, Any], status: int, param: str, stream: bool
) -> None:
    answer = client.post("/v1/completions", json={**body, "stream": stream})
    assert answer.status_code == status
    assert answer.json()["error"]["param"] == param
    assert _SECRET not in answer.text


def test_an_identifier_does_not_leave_in_a_completion(client: httpx.Client) -> None:
    # the model was never shown an address, so the prompt begins one, and any going on would end it
    body = _complete(
        client,
        prompt=f"<|note|><|text|>Write to {_SECRET.lower()}@example.or",
        max_tokens=3,
        temperature=0,
        mode="tags",
    )
    [choice] = body["choices"]
    assert choice["finish_reason"] in ("content_filter", "length")
    assert _SECRET not in json.dumps(body)


def test_many_clients_at_once_each_get_their_own(server: Server, client: httpx.Client) -> None:
    alone = {seed: _notes(client, seed=seed)["notes"][0]["text"] for seed in range(3)}

    def ask(seed: int) -> tuple[int, Any]:
        with server.client() as one:
            return seed, _notes(one, seed=seed)["notes"][0]["text"]

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        for seed, text in pool.map(ask, [0, 1, 2] * 8):
            assert text == alone[seed]


def test_clients_that_hang_up_leave_it_well(server: Server, client: httpx.Client) -> None:
    for _ in range(4):
        with pytest.raises(httpx.ReadTimeout), server.client() as hasty:
            hasty.post("/v1/notes", json={"n": 64, "temperature": 2}, timeout=0.05)
    start = time.monotonic()
    assert _notes(client, seed=0)["notes"]
    assert time.monotonic() - start < 20


def test_what_a_request_used_is_written_down(server: Server, client: httpx.Client) -> None:
    asked = str(uuid.uuid4())
    answer = client.post("/v1/notes", json={"n": 2, "seed": 1}, headers={"X-Request-Id": asked})
    assert answer.headers["x-request-id"] == asked
    _complete(client, **_GOES_ON)
    _events(client, **_GOES_ON)
    with Database(server.database) as database:
        kept = database.now(lambda connection: list(entries(connection)))
    *_, notes, whole, stream = kept
    assert (notes.request_id, notes.key_id, notes.route) == (asked, "environment", "/v1/notes")
    assert (notes.status, notes.model, notes.notes) == (200, "tiny-llama", 2)
    usage = answer.json()["usage"]
    assert (notes.prompt_tokens, notes.completion_tokens) == (
        usage["prompt_tokens"],
        usage["completion_tokens"],
    )
    assert (whole.route, whole.notes, whole.prompt_tokens) == ("/v1/completions", 3, 2)
    told = ("model", "notes", "withheld", "prompt_tokens", "completion_tokens")
    assert [getattr(stream, name) for name in told] == [getattr(whole, name) for name in told]


def test_metrics_of_both_and_no_path(server: Server, client: httpx.Client, tiny_model_dir: Path) -> None:
    _notes(client, seed=1)
    page = client.get("/metrics").text
    for series in (
        'clinsynth_http_requests_total{method="POST",route="/v1/notes",status="200"}',
        'clinsynth_tokens_total{kind="completion"}',
        "clinsynth_gate_decisions_total",
        "clinsynth_engine_up 1.0",
        'vllm:generation_tokens_total{engine="0",model_name="tiny-llama"}',
    ):
        assert series in page, series
    assert str(tiny_model_dir.parent) not in page


def test_a_key_that_is_made_while_the_server_runs(server: Server) -> None:
    with Database(server.database) as database:
        key = database.now(lambda c: create_key(c, "ward-7", ["generate"]))
    with server.client(key) as ward:
        assert _notes(ward, seed=1)["notes"]
        assert ward.get("/v1/models").status_code == 200
        assert ward.get("/metrics").status_code == 403


def test_an_engine_that_is_killed_is_started_anew(server: Server, client: httpx.Client) -> None:
    assert "Traceback" not in server.errors.read_text(), "later vLLM tells where it was when it died"
    shared = _shared_bytes()
    before = _notes(client, seed=6)["notes"]
    engine = engine_of(server)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        under_way = [
            pool.submit(client.post, "/v1/notes", json={"n": 32, "temperature": 2}) for _ in range(4)
        ]
        time.sleep(0.3)
        engine.kill()
        assert {one.result().status_code for one in under_way} == {503}
    answer = client.post("/v1/notes", json={})
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "engine_down"
    assert int(answer.headers["retry-after"]) > 0
    assert client.get("/readyz").status_code == 503
    assert client.get("/livez").status_code == 200
    deadline = time.monotonic() + 120
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline, "no new engine"
        time.sleep(0.5)
    assert _notes(client, seed=6)["notes"] == before
    assert "clinsynth_engine_restarts_total 1.0" in client.get("/metrics").text
    assert _shared_bytes() < shared + 2**20, "what the dead engine shared is removed"
    server.family = psutil.Process(server.process.pid).children(recursive=True)


def _shared_bytes() -> int:
    """Of shared memory, on the whole machine."""
    stat = os.statvfs("/dev/shm")
    return (stat.f_blocks - stat.f_bfree) * stat.f_bsize


def test_sigterm_lets_requests_end_and_leaves_nothing_behind(server: Server) -> None:
    """The module's last test: it ends the server."""
    asked = threading.Event()

    def ask() -> httpx.Response:
        with server.client() as one:
            asked.set()
            return one.post("/v1/notes", json={"n": 48, "temperature": 2})

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask)
        asked.wait()
        time.sleep(0.5)
        code = server.end()
        assert answer.result().status_code == 200
        assert len(answer.result().json()["notes"]) == 48
    assert code == 0
    assert not [p for p in server.family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    told = server.said + server.errors.read_text()
    assert told.count("ready:") == 1
    for never in (_SECRET, KEY, "chest pain", "<|note|>"):
        assert never not in told

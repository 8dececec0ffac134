"""schemathesis over the API's document, all checks, against the real server and the real engine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.serve.live import KEY, Server

from clinsynth.serve.store.audit import entries
from clinsynth.serve.store.database import Database

pytestmark = pytest.mark.slow

_CONFIG = """
engine: {dtype: float32, kv_cache_gib: 0.1, max_num_seqs: 16, max_model_len: 96}
sampling: {temperature: 0.5}
max_attempts: 1
max_n: 2
max_logprobs: 2
limits: {requests_per_minute: null, concurrency: null}
batches: {max_open: 100000}
graceful_seconds: 5
"""
# 400 is for what only the engine can tell, such as a prompt that is too long; 422, a refusal for its form, is
# not among what valid data may be answered.
_CHECKS = """
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409", "429", "503"]
"""
_EXAMPLES = 60  # a route


def test_two_thousand_requests_find_no_fault(
    tiny_model_dir: Path, tiny_adapter_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "checks.toml").write_text(_CHECKS)
    server = Server(tiny_model_dir, tiny_adapter_dir, tmp_path, _CONFIG)
    try:
        found = subprocess.run(
            [
                *(
                    Path(sys.executable).with_name("schemathesis"),
                    "--config-file",
                    tmp_path / "checks.toml",
                ),
                *("run", f"{server.url}/openapi.json", "--header", f"Authorization: Bearer {KEY}"),
                *(
                    "--checks",
                    "all",
                    "--max-examples",
                    str(_EXAMPLES),
                    "--seed",
                    "1",
                    "--continue-on-failure",
                ),
            ],
            capture_output=True,
            text=True,
            env={**os.environ, "NO_COLOR": "1"},
            cwd=tmp_path,
        )
        assert found.returncode == 0, found.stdout[-6000:]
        generated = re.search(r"([\d,]+) generated", found.stdout)
        assert generated is not None, found.stdout[-2000:]
        assert int(generated[1].replace(",", "")) >= 2000
        with server.client() as client:
            page = client.get("/metrics").text
            paths = json.loads(client.get("/openapi.json").text)["paths"]
    finally:
        server.end()
    assert 'status="500"' not in page
    with Database(server.database) as database:
        kept = database.now(lambda connection: list(entries(connection)))
    assert {entry.status // 100 for entry in kept} == {2, 4}
    routes = {entry.route for entry in kept if entry.status == 200}
    assert routes >= set(paths) - {"/livez", "/readyz"}, "each was asked well"
    assert "Traceback" not in server.errors.read_text()

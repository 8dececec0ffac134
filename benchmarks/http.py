"""Completions over HTTP, through the gate, against vLLM's own server without one.

Both servers hold the same model and run side by side; rounds alternate between them, and both get the same
prompts and seeds, so they write the same tokens. Prints a table with the ratio, ours to vLLM's.

    python benchmarks/http.py [--model DIR] [--requests 64] [--rounds 3]

Without --model, the tiny model of the tests is made first: the smaller the model, the larger the share of
everything around it, so this is the hard case.
"""

# ruff: noqa: E402, F401
from __future__ import annotations

import sys
from pathlib import Path

# Python puts this folder in front of the standard library, and this file has the name of a package there:
# whoever looks for that one, this script or a benchmark beside it, is given it.
_folder, _path = str(Path(__file__).resolve().parent), list(sys.path)
sys.path[:] = [place for place in sys.path if str(Path(place).resolve()) != _folder]
sys.modules.pop("http", None)
import http

sys.path[:] = _path

import argparse
import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import Any

from _tiny import tiny_model

_REQUEST: dict[str, Any] = {"prompt": "<|note|><|text|>", "max_tokens": 96, "temperature": 0.7}
_OURS: dict[str, Any] = {"mode": "tags"}
_VLLMS: dict[str, Any] = {"skip_special_tokens": False}
_READY_SECONDS = 240
_KEY = "a key for benchmarks only"


def main() -> None:
    """Makes or takes a model, starts both servers, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--requests", type=int, default=64, help="a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or tiny_model(Path(folder) / "model")
        with _servers(model, Path(folder)) as urls:
            _table(urls, model, options)


def _table(urls: dict[str, str], model: Path, options: argparse.Namespace) -> None:
    print("| clients | vLLM, completions/s | clinsynth, completions/s | ratio | tokens equal |")
    print("| ---: | ---: | ---: | ---: | --- |")
    for clients in options.clients:
        rates: dict[str, list[float]] = {name: [] for name in urls}
        tokens: dict[str, int] = {}
        for turn in range(options.rounds + 1):
            for name, url in urls.items():
                extra = _OURS if name == "clinsynth" else {**_VLLMS, "model": str(model)}
                rate, tokens[name] = asyncio.run(_round(url, extra, clients, options.requests, turn))
                if turn:  # the first round warms up
                    rates[name].append(rate)
        vllm, ours = (statistics.median(rates[name]) for name in ("vllm", "clinsynth"))
        same = "yes" if len(set(tokens.values())) == 1 else f"no: {tokens}"
        print(f"| {clients} | {vllm:.1f} | {ours:.1f} | {ours / vllm:.2f} | {same} |", flush=True)


async def _round(
    url: str, extra: dict[str, Any], clients: int, requests: int, turn: int
) -> tuple[float, int]:
    """Completions a second, and the tokens of all."""
    import httpx

    todo, written = iter(range(requests)), 0

    async def one_client(client: httpx.AsyncClient) -> None:
        nonlocal written
        for i in todo:
            body = {**_REQUEST, **extra, "seed": 1000 * turn + i}
            answer = await client.post(f"{url}/v1/completions", json=body)
            answer.raise_for_status()
            written += answer.json()["usage"]["completion_tokens"]

    headers, most = {"Authorization": f"Bearer {_KEY}"}, httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(timeout=120, limits=most, headers=headers) as client:
        start = time.perf_counter()
        await asyncio.gather(*(one_client(client) for _ in range(clients)))
        return requests / (time.perf_counter() - start), written


@contextlib.contextmanager
def _servers(model: Path, folder: Path) -> Iterator[dict[str, str]]:
    """Both servers, with the same settings of the engine."""
    ports = [_free_port(), _free_port()]
    config = folder / "serve.yaml"
    config.write_text("engine: {dtype: float32, kv_cache_gib: 0.25, max_num_seqs: 64}\n")
    commands = [
        [
            *("-m", "vllm.entrypoints.openai.api_server", "--model", str(model), "--port", str(ports[0])),
            *("--host", "127.0.0.1", "--dtype", "float32", "--kv-cache-memory-bytes", str(2**28)),
            *("--max-num-seqs", "64", "--enforce-eager", "--disable-log-stats", "--generation-config"),
            *("vllm", "--disable-uvicorn-access-log"),
        ],
        [
            *("-m", "clinsynth.cli", "serve", "--model", str(model), "--port", str(ports[1])),
            *("--config", str(config)),
        ],
    ]
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_LOGGING_LEVEL": "ERROR",
        "VLLM_NO_USAGE_STATS": "1",
    }
    environment["CLINSYNTH_API_KEY"] = _KEY
    environment["CLINSYNTH_DATABASE_URL"] = f"sqlite:///{folder}/serve.sqlite"
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(_process(command, environment)) for command in commands]
        for process, port, probe in zip(running, ports, ("health", "readyz")):
            _wait(process, f"http://127.0.0.1:{port}/{probe}")
        yield {name: f"http://127.0.0.1:{port}" for name, port in zip(("vllm", "clinsynth"), ports)}


@contextlib.contextmanager
def _process(command: Sequence[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, *command], env=environment, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    import httpx

    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"{process.args} ended with {process.returncode}")
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url).status_code == 200:
                return
        time.sleep(0.5)
    sys.exit(f"{url} was not ready in {_READY_SECONDS} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()

"""A server under 256 clients, of which a third hang up and some read a byte a second.

    python benchmarks/soak.py [--minutes 5] [--clients 256] [--model DIR]

Clients ask for notes, completions and streams at random. Prints, every 30 seconds, requests answered
by status, memory of the server and of its engine, and what is under way; at the end, when all clients
are gone, whether any place in the server or in the engine was lost. Then the same for half a minute with
SIGTERM in the middle: every request must have been answered, or told 503, within the grace period. Exit
code 1 when something was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from _tiny import tiny_model

_KEY = "a key for benchmarks only"
_GRACE = 20
_CONFIG = f"""
engine: {{dtype: float32, kv_cache_gib: 0.25, max_num_seqs: 64}}
sampling: {{temperature: 0.7}}
limits: {{requests_per_minute: null, concurrency: 200}}
send_seconds: 10
graceful_seconds: {_GRACE}
"""


def main() -> None:
    """Starts the server, lets the clients loose, prints what became of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--clients", type=int, default=256)
    parser.add_argument("--minutes", type=float, default=5.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or tiny_model(Path(folder) / "model")
        sys.exit(asyncio.run(_soak(model, Path(folder), options)))


async def _soak(model: Path, folder: Path, options: argparse.Namespace) -> int:
    async with _server(model, folder) as (url, process):
        print("| seconds | answered by status | hung up | server MiB | engine MiB | under way: both |")
        print("| ---: | --- | ---: | ---: | ---: | --- |")
        crowd = Crowd(url, options.clients)
        await crowd.run(60 * options.minutes, process.pid)
        lost = await _places_left(url)
        print(f"\nwhen all had gone: {lost or 'nothing'} under way")
        peak = Crowd(url, options.clients)
        ending = asyncio.ensure_future(peak.run(25, None))
        await asyncio.sleep(10)
        start = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(process.wait, _GRACE + 30)
        seconds = time.monotonic() - start
        await ending
    print(f"SIGTERM: exit code {code} after {seconds:.1f} s; what came of requests: {dict(peak.count)}")
    unanswered = peak.count["cut off"]
    print(f"accepted requests without an answer: {unanswered}")
    return int(bool(lost) or bool(unanswered) or code != 0 or seconds > _GRACE + 10)


class Crowd:
    """Clients that each ask again and again, and how it went."""

    def __init__(self, url: str, clients: int) -> None:
        self._url, self._clients = url, clients
        self.count: Counter[str] = Counter()

    async def run(self, seconds: float, pid: int | None) -> None:
        """For so long; with ``pid``, a line of figures every half minute."""
        self._end = time.monotonic() + seconds
        reports = asyncio.ensure_future(self._report(pid)) if pid is not None else None
        await asyncio.gather(*(self._client(number) for number in range(self._clients)))
        if reports is not None:
            reports.cancel()
            await asyncio.gather(reports, return_exceptions=True)

    async def _client(self, number: int) -> None:
        rng = random.Random(number)
        kind = ("hangs up", "stays", "stays")[number % 3] if number >= 8 else "slow"
        while time.monotonic() < self._end:
            try:
                if kind == "slow":
                    await self._slowly()
                else:
                    await self._ask(rng, rng.uniform(0.05, 2.0) if kind == "hangs up" else None)
            except OSError:
                self.count["no connection"] += 1
                if self._gone():
                    return
                await asyncio.sleep(0.5)

    def _gone(self) -> bool:
        return self.count["no connection"] > 20 * self._clients

    async def _ask(self, rng: random.Random, patience: float | None) -> None:
        path, body = _request(rng)
        reader, writer = await self._send(path, body)
        try:
            async with asyncio.timeout(patience if patience is not None else 120):
                answer = await reader.read()
            self.count[_outcome(answer)] += 1
            if answer.startswith(b"HTTP/1.1 429"):
                await asyncio.sleep(1)
        except TimeoutError:
            self.count["hung up" if patience is not None else "no answer"] += 1
        except ConnectionError:
            self.count["not taken"] += 1
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _slowly(self) -> None:
        """A byte a second, for at most a minute."""
        body = {"prompt": "<|note|><|text|>", "max_tokens": 150, "stream": True, "n": 8}
        reader, writer = await self._send("/v1/completions", body)
        try:
            for _ in range(60):
                if time.monotonic() > self._end or not await reader.read(1):
                    break
                await asyncio.sleep(1)
            self.count["slow"] += 1
        finally:
            writer.transport.abort()

    async def _send(
        self, path: str, body: dict[str, Any]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self._url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=2**12)
        content = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {_KEY}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        writer.write(head.encode() + content)
        await writer.drain()
        return reader, writer

    async def _report(self, pid: int) -> None:
        import psutil

        start = time.monotonic()
        while True:
            await asyncio.sleep(30)
            server = psutil.Process(pid)
            engine = max(server.children(recursive=True), key=lambda child: child.memory_info().rss)
            served, running = await _under_way(self._url)
            answered = {k: v for k, v in sorted(self.count.items()) if k.isdigit() or k == "cut off"}
            print(
                f"| {time.monotonic() - start:.0f} | {answered} | {self.count['hung up']} "
                f"| {server.memory_info().rss / 2**20:.0f} | {engine.memory_info().rss / 2**20:.0f} "
                f"| {served:.0f} / {running:.0f} |",
                flush=True,
            )


def _outcome(answer: bytes) -> str:
    """Status of a whole answer; ``cut off`` for a part of one; ``not taken`` where there is none at all."""
    head = re.match(rb"HTTP/1.1 (\d+)", answer)
    if head is None:
        return "cut off" if answer else "not taken"
    whole = any(end in answer[-40:] for end in (b"}", b"[DONE]", b"0\r\n\r\n"))
    return head[1].decode() if whole else "cut off"


def _request(rng: random.Random) -> tuple[str, dict[str, Any]]:
    if rng.random() < 0.3:
        return "/v1/notes", {"n": rng.randint(1, 3), "mode": rng.choice(["tags", "surrogates"])}
    body = {"prompt": "<|note|><|text|>", "max_tokens": rng.randint(20, 150), "stream": rng.random() < 0.5}
    return "/v1/completions", body


async def _places_left(url: str) -> str:
    """What is still under way when nobody waits any more."""
    for _ in range(100):
        served, running = await _under_way(url)
        if served <= 1 and not running:  # the one is this question
            return ""
        await asyncio.sleep(0.2)
    return f"{served - 1:.0f} in the server and {running:.0f} in the engine"


async def _under_way(url: str) -> tuple[float, float]:
    import httpx

    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {_KEY}"}, timeout=60) as client:
        while (answer := await client.get(f"{url}/metrics")).status_code == 429:
            await asyncio.sleep(0.05)  # the clients' key is at its limit
        page = answer.text
    running = re.findall(r"^vllm:num_requests_(?:running|waiting)\{.*\} (\S+)$", page, re.MULTILINE)
    [served] = re.findall(r"^clinsynth_http_requests_under_way (\S+)$", page, re.MULTILINE)
    return float(served), sum(map(float, running))


@contextlib.asynccontextmanager
async def _server(model: Path, folder: Path) -> AsyncIterator[tuple[str, subprocess.Popen[str]]]:
    (folder / "serve.yaml").write_text(_CONFIG)
    environment = {
        **os.environ,
        "CLINSYNTH_API_KEY": _KEY,
        "CLINSYNTH_DATABASE_URL": f"sqlite:///{folder}/serve.sqlite",
    }
    command = ["serve", "--model", str(model), "--port", "0", "--config", str(folder / "serve.yaml")]
    process = subprocess.Popen(
        [sys.executable, "-m", "clinsynth.cli", *command],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = await asyncio.to_thread(process.stdout.readline)
        if not said.startswith("ready: "):
            sys.exit("the server did not start")
        yield said.split()[1], process
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()

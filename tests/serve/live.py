"""``clinsynth serve`` as a user starts it: a process of its own, real engine, real gate, a real socket."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import psutil

KEY = "a key for tests only"
CONFIG = """
engine: {dtype: float32, kv_cache_gib: 0.1, max_num_seqs: 16}
sampling: {temperature: 0.5}
max_attempts: 3
max_logprobs: 3
graceful_seconds: 20
"""


class Server:
    """A running ``clinsynth serve``."""

    def __init__(
        self,
        model: Path,
        adapter: Path,
        folder: Path,
        config: str = CONFIG,
        database: str | None = None,
    ) -> None:
        (folder / "serve.yaml").write_text(config)
        self.errors = folder / "stderr.txt"
        self.said = ""
        self.database = database or f"sqlite:///{folder}/serve.sqlite"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "clinsynth.cli",
                    "serve",
                    *_options(model, adapter, folder / "serve.yaml"),
                ],
                stdout=subprocess.PIPE,
                stderr=errors,
                env={
                    **os.environ,
                    "CLINSYNTH_API_KEY": KEY,
                    "CLINSYNTH_DATABASE_URL": self.database,
                    "OMP_NUM_THREADS": "1",
                    "CXX": "/no/compiler/when/serving",
                },
                text=True,
            )
        try:
            self.url = self._address()
        except BaseException:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()
            raise
        self.family = psutil.Process(self.process.pid).children(recursive=True)

    def _address(self) -> str:
        watchdog = threading.Timer(300, self.process.kill)
        watchdog.start()
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        watchdog.cancel()
        assert self.said.startswith("ready: http://127.0.0.1:"), self.errors.read_text()[-2000:]
        return self.said.split()[1]

    def client(self, key: str | None = KEY) -> httpx.Client:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def kill(self) -> None:
        """kill -9, of the engine too, which would end by itself a little later."""
        for process in (engine_of(self), self.process, *self.family):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def end(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stdout is not None
        try:
            code = self.process.wait(40)
        finally:
            self.process.kill()
        self.said += self.process.stdout.read()
        self.process.stdout.close()
        return code


def engine_of(server: Server) -> psutil.Process:
    """The process that holds the model: the largest of the server's children."""
    children = psutil.Process(server.process.pid).children(recursive=True)
    return max(children, key=lambda child: child.memory_info().rss)


def _options(model: Path, adapter: Path, config: Path) -> list[str]:
    adapters = ["--adapter", str(adapter), "--adapter", f"same={adapter}"]
    return ["--model", str(model), *adapters, "--port", "0", "--config", str(config)]

"""What an operator chooses: a YAML file for the policy, the environment for secrets."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import Field

from clinsynth.config import Config
from clinsynth.engine.config import EngineConfig, Sampling
from clinsynth.errors import UsageError
from clinsynth.gate import GateConfig
from clinsynth.serve.store.database import default_url

API_KEY_VARIABLE: Final = "CLINSYNTH_API_KEY"
DATABASE_VARIABLE: Final = "CLINSYNTH_DATABASE_URL"


class LimitsConfig(Config):
    """What each key may use that has no limits of its own; None is as much as it likes.

    Args:
        requests_per_minute: of any kind, but probes.
        tokens_per_minute: read and written; a request that goes over is answered, the next one waits.
        concurrency: requests under way at once.
    """

    requests_per_minute: int | None = Field(default=6000, ge=1)
    tokens_per_minute: int | None = Field(default=None, ge=1)
    concurrency: int | None = Field(default=256, ge=1)


class BatchesConfig(Config):
    """Files and batches.

    Args:
        concurrency: lines of a batch under way at once; live requests go before them.
        max_file_bytes: of an upload.
        upload_seconds: an upload must have come in this time.
        max_lines: of a batch.
        max_open: batches of a key that have not ended.
        keep_days: files are removed after so many days, unless they say another time.
    """

    concurrency: int = Field(default=16, ge=1, le=1024)
    max_file_bytes: int = Field(default=100 * 2**20, ge=1024)
    upload_seconds: float = Field(default=600.0, gt=0)
    max_lines: int = Field(default=50_000, ge=1)
    max_open: int = Field(default=20, ge=1)
    keep_days: int = Field(default=30, ge=1)


class ServeConfig(Config):
    """A server's policy, ``configs/serve/*.yaml``.

    Args:
        engine: how vLLM holds the model.
        gate: what the gate looks for.
        sampling: how tokens are drawn where a request does not say.
        max_attempts: draws for one note before it is reported as withheld.
        max_n: most notes or choices of one request.
        max_logprobs: others beside each token that a request for ``logprobs`` may ask for. They are what
            the model would have written instead, and no gate has seen them.
        gate_workers: threads that look at notes; the event loop never does.
        limits: what each key may use.
        batches: files and batches.
        max_body_bytes: larger requests are refused unread.
        body_seconds: a request's body must have come in this time.
        send_seconds: a client that takes no byte for so long is given up.
        graceful_seconds: after SIGTERM, how long requests may take to end; what is left in the last two of
            them is told so.
        database: URL of the keys, the audit, files and batches: ``sqlite:///FILE`` or
            ``postgresql://USER@HOST/NAME``. ``CLINSYNTH_DATABASE_URL`` goes before it. None is a file in
            the user's state folder.
    """

    engine: EngineConfig = EngineConfig()
    gate: GateConfig = GateConfig()
    sampling: Sampling = Sampling()
    max_attempts: int = Field(default=4, ge=1, le=100)
    max_n: int = Field(default=64, ge=1, le=1024)
    max_logprobs: int = Field(default=0, ge=0, le=20)
    gate_workers: int = Field(default=2, ge=1, le=64)
    limits: LimitsConfig = LimitsConfig()
    batches: BatchesConfig = BatchesConfig()
    max_body_bytes: int = Field(default=2**20, ge=1024)
    body_seconds: float = Field(default=30.0, gt=0)
    send_seconds: float = Field(default=30.0, gt=0)
    graceful_seconds: int = Field(default=20, ge=3)
    database: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """One server.

    Args:
        adapters: adapter folders by the names that requests call them.
        api_key: opens everything, besides the keys of the database; None: there is no such key.
        database_url: the environment's, which goes before the config's.
        shows_key: the key was made for this run, so the terminal shows it.
    """

    model_dir: Path
    config: ServeConfig = field(default_factory=ServeConfig)
    api_key: str | None = field(default=None, repr=False)
    adapters: Mapping[str, Path] = field(default_factory=dict)
    database_url: str | None = field(default=None, repr=False)
    shows_key: bool = False

    @property
    def database(self) -> str:
        """URL of what the server keeps."""
        return self.database_url or self.config.database or default_url()


def check_key(api_key: str | None) -> None:
    """A key that an operator made up must not be short.

    Raises:
        UsageError: it is.
    """
    if api_key is not None and len(api_key) < 16:
        raise UsageError(f"{API_KEY_VARIABLE} has {len(api_key)} characters: use at least 16")


def is_exposed(host: str) -> bool:
    """Whether others than this machine can reach the address."""
    if host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True

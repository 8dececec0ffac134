"""What an operator chooses: a YAML file for the policy, the environment for the secret."""

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

API_KEY_VARIABLE: Final = "CLINSYNTH_API_KEY"


class ServeConfig(Config):
    """A server's policy, ``configs/serve/*.yaml``.

    Args:
        engine: how vLLM holds the model.
        gate: what the gate looks for.
        sampling: how tokens are drawn where a request does not say.
        max_attempts: draws for one note before it is reported as withheld.
        max_n: most notes or choices of one request.
        gate_workers: threads that look at notes; the event loop never does.
        max_body_bytes: larger requests are refused unread.
        graceful_seconds: after SIGTERM, how long requests may take to end.
    """

    engine: EngineConfig = EngineConfig()
    gate: GateConfig = GateConfig()
    sampling: Sampling = Sampling()
    max_attempts: int = Field(default=4, ge=1, le=100)
    max_n: int = Field(default=64, ge=1, le=1024)
    gate_workers: int = Field(default=2, ge=1, le=64)
    max_body_bytes: int = Field(default=2**20, ge=1024)
    graceful_seconds: int = Field(default=20, ge=1)


@dataclass(frozen=True, slots=True)
class Settings:
    """One server.

    Args:
        adapters: adapter folders by the names that requests call them.
        api_key: what clients must show as ``Authorization: Bearer``; None asks for nothing.
    """

    model_dir: Path
    config: ServeConfig = field(default_factory=ServeConfig)
    api_key: str | None = field(default=None, repr=False)
    adapters: Mapping[str, Path] = field(default_factory=dict)


def check_exposure(host: str, api_key: str | None) -> None:
    """A server that others can reach needs a key.

    Raises:
        UsageError: ``host`` is more than this machine and there is no key, or the key is too short.
    """
    if api_key is not None and len(api_key) < 16:
        raise UsageError(f"{API_KEY_VARIABLE} has {len(api_key)} characters: use at least 16")
    if api_key is None and not _is_loopback(host):
        raise UsageError(
            f"--host {host} can be reached by others: set {API_KEY_VARIABLE}, or use 127.0.0.1"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

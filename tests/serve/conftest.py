"""A door without an engine, for what is decided before one is asked; and a whole server, once a module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.serve.live import Server

from clinsynth.serve.app import create_app
from clinsynth.serve.door import Door, opened
from clinsynth.serve.settings import ServeConfig, Settings

KEY = "correct horse battery"


@contextmanager
def at_the_door(folder: Path, **policy: Any) -> Iterator[tuple[TestClient, Door]]:
    """A client of an app whose service has not started: nothing can get as far as an engine."""
    settings = Settings(
        Path("model"),
        ServeConfig.model_validate(policy),
        api_key=KEY,
        database_url=f"sqlite:///{folder}/serve.sqlite",
    )
    app = create_app(settings)
    app.router.lifespan_context = lambda app: _only_the_door(app, settings)
    with TestClient(app, raise_server_exceptions=True) as client:
        yield client, app.state.door


def _only_the_door(app: FastAPI, settings: Settings) -> Any:
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def lifespan() -> Any:
        async with opened(settings) as door:
            app.state.door = door
            yield

    return lifespan()


@pytest.fixture
def door(tmp_path: Path) -> Callable[..., AbstractContextManager[tuple[TestClient, Door]]]:
    """``with door(max_body_bytes=4096) as (client, door)``."""
    return lambda **policy: at_the_door(tmp_path, **policy)


@pytest.fixture(scope="module")
def server(
    tiny_model_dir: Path, tiny_adapter_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    one = Server(tiny_model_dir, tiny_adapter_dir, tmp_path_factory.mktemp("serve"))
    yield one
    if one.process.poll() is None:
        one.end()


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as one:
        yield one

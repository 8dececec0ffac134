"""The application: routes, errors, the doorkeeper, and a lifespan that starts and ends the service."""

from __future__ import annotations

import contextlib
import importlib.metadata
from collections.abc import AsyncIterator

from fastapi import FastAPI, Request

from clinsynth.serve import completions, notes
from clinsynth.serve.asgi import Doorkeeper, service_of
from clinsynth.serve.errors import ErrorBody, install_handlers
from clinsynth.serve.service import running
from clinsynth.serve.settings import Settings
from clinsynth.serve.wire import Health, ModelList, ModelOut


def create_app(settings: Settings) -> FastAPI:
    """The application of a model and its adapters. Its lifespan raises what ``service.running`` raises."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings) as service:
            app.state.service = service
            yield

    app = FastAPI(
        title="clinsynth",
        version=importlib.metadata.version("clinsynth"),
        summary="Synthetic clinical notes. Every text has passed the gate.",
        lifespan=lifespan,
        # FastAPI's pages fetch their scripts from outside; a hospital's network has no outside.
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(notes.router)
    app.include_router(completions.router)
    app.add_api_route(
        "/v1/models", _models, response_model=ModelList, responses={401: {"model": ErrorBody}}
    )
    app.add_api_route("/health", _health, response_model=Health, responses={503: {"model": ErrorBody}})
    install_handlers(app)
    app.add_middleware(Doorkeeper, api_key=settings.api_key, max_body_bytes=settings.config.max_body_bytes)
    return app


async def _models(request: Request) -> ModelList:
    """The models that this server has: the one that answers where none is named, then its adapters."""
    service = service_of(request)
    infos = service.engine.infos.values()
    return ModelList(
        data=[
            ModelOut(
                id=info.model,
                created=service.started,
                parent=None if info is service.info else service.info.model,
                max_model_len=info.max_model_len,
                card_sha256=info.card_sha256,
            )
            for info in infos
        ]
    )


async def _health(request: Request) -> Health:
    """``ok`` while the engine can take requests, 503 when it is gone."""
    await service_of(request).engine.check_health()
    return Health()

"""The application: routes, errors, the doorkeeper, and a lifespan that starts and ends the service."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool

from clinsynth.serve import batches, completions, files, notes, page
from clinsynth.serve.asgi import Doorkeeper, door_of, service_of
from clinsynth.serve.batch_runner import BatchRunner
from clinsynth.serve.document import document
from clinsynth.serve.door import opened
from clinsynth.serve.errors import ERRORS, ApiError, ErrorBody, install_handlers
from clinsynth.serve.metrics import CONTENT_TYPE
from clinsynth.serve.service import running
from clinsynth.serve.settings import Settings
from clinsynth.serve.wire import Health, ModelList, ModelOut

_PLAIN: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}


def create_app(settings: Settings) -> FastAPI:
    """The application of a model and its adapters. Its lifespan raises what ``service.running`` raises."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened(settings) as door:
            app.state.door = door
            async with running(settings, door.metrics) as service:
                app.state.service = service
                async with BatchRunner(service, door):
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
    app.include_router(files.router)
    app.include_router(batches.router)
    app.include_router(page.router)
    app.add_api_route("/v1/models", _models, response_model=ModelList, responses=ERRORS)
    app.add_api_route("/livez", _livez, response_model=Health)
    app.add_api_route("/readyz", _readyz, response_model=Health, responses={503: {"model": ErrorBody}})
    app.add_api_route("/metrics", _metrics, response_class=Response, responses={**ERRORS, **_PLAIN})
    app.openapi = functools.partial(document, app, settings.config)  # type: ignore[method-assign]
    install_handlers(app)
    app.add_middleware(Doorkeeper)
    return app


async def _models(request: Request) -> ModelList:
    """The models that this server has: the one that answers where none is named, then its adapters."""
    service = service_of(request)
    infos = [served.info for served in service.models.values()]
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


async def _livez() -> Health:
    """``ok`` while the process answers; a dead engine is started anew by the process itself."""
    return Health()


async def _readyz(request: Request) -> Health:
    """``ok`` while the engine takes requests: not before a first generation, not once the end has begun."""
    if door_of(request).drain.has_begun:
        raise ApiError(503, "the server is shutting down", code="shutting_down")
    await service_of(request).engine.check_health()
    return Health()


async def _metrics(request: Request) -> Response:
    """Prometheus's text format: this server's series and vLLM's."""
    page = await run_in_threadpool(door_of(request).metrics.page)
    return Response(page, media_type=CONTENT_TYPE)

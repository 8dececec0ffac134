"""``clinsynth serve``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from clinsynth.errors import MissingExtraError, UsageError


@click.command()
@click.option(
    "--model",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Model folder with card.json, as `clinsynth train` writes it.",
)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0: any free.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. Others than this machine need CLINSYNTH_API_KEY.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="YAML",
    help="Policy: engine, gate, sampling, limits. See configs/serve/default.yaml.",
)
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE ...]")
def serve(model: Path, port: int, host: str, config: Path | None, overrides: tuple[str, ...]) -> None:
    """Serve a model over HTTP, every text through the gate.

    In: a model folder. Out: one line with the address when it answers; runs until SIGTERM or Ctrl-C.
    KEY=VALUE changes a key of the config.

    \b
      clinsynth serve --model runs/demo/model --port 8000
      curl localhost:8000/v1/notes -H 'Content-Type: application/json' \\
           -d '{"note_type": "discharge summary", "sex": "female", "age_band": "60-69"}'

    \b
    POST /v1/notes         notes by conditions, with entities, verdict and provenance
    POST /v1/completions   OpenAI's shape, also as a stream
    GET  /v1/models        the model
    GET  /health           200 while the engine lives
    GET  /openapi.json     all of this, for machines

    With CLINSYNTH_API_KEY in the environment, every route but /health asks for it
    (Authorization: Bearer KEY).
    """
    if config is None and overrides:
        raise UsageError("KEY=VALUE changes a config: name one with --config")
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "fastapi", "serve") from None
    from clinsynth.config import load_config
    from clinsynth.engine.vllm_setup import set_environment
    from clinsynth.serve.run import run
    from clinsynth.serve.settings import API_KEY_VARIABLE, ServeConfig, Settings

    set_environment()
    policy = ServeConfig() if config is None else load_config(config, ServeConfig, overrides)
    run(Settings(model, policy, os.environ.get(API_KEY_VARIABLE) or None), host, port)

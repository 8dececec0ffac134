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
@click.option(
    "--adapter",
    "adapters",
    multiple=True,
    metavar="[NAME=]DIR",
    help="Adapter folder of that model, asked for by NAME, or by its card's name. As often as needed.",
)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0: any free.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. One that others can reach needs a key that somebody has made.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="YAML",
    help="Policy: engine, gate, sampling, limits. See configs/serve/default.yaml.",
)
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE ...]")
def serve(
    model: Path,
    adapters: tuple[str, ...],
    port: int,
    host: str,
    config: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Serve a model over HTTP, every text through the gate.

    In: a model folder. Out: one line with the address when it answers; runs until SIGTERM or Ctrl-C.
    KEY=VALUE changes a key of the config.

    \b
      clinsynth serve --model runs/demo/model --port 8000
      curl localhost:8000/v1/notes -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
           -d '{"note_type": "discharge summary", "sex": "female", "age_band": "60-69"}'

    \b
    POST /v1/notes         notes by conditions, with entities, verdict and provenance
    POST /v1/completions   OpenAI's shape, also as a stream
    GET  /v1/models        the model and its adapters
    /v1/files /v1/batches  OpenAI's, kept in the database
    GET  /metrics          for Prometheus
    GET  /openapi.json     all of this, for machines
    GET  /livez /readyz    probes: the process answers; the engine takes requests

    Every route but the probes needs a key (Authorization: Bearer KEY). `clinsynth keys create NAME` makes
    one with scopes, an end and limits of its own; CLINSYNTH_API_KEY in the environment is one for
    everything. Where there is neither, a server for this machine alone makes a key for this run and
    prints it.
    """
    if config is None and overrides:
        raise UsageError("KEY=VALUE changes a config: name one with --config")
    try:
        import alembic  # noqa: F401
        import fastapi  # noqa: F401
        import limits  # noqa: F401
        import sqlalchemy  # noqa: F401
        import uvicorn  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "fastapi", "serve") from None
    from clinsynth.config import load_config
    from clinsynth.engine.vllm_setup import set_environment
    from clinsynth.serve.run import run
    from clinsynth.serve.settings import API_KEY_VARIABLE, DATABASE_VARIABLE, ServeConfig, Settings

    set_environment()
    policy = ServeConfig() if config is None else load_config(config, ServeConfig, overrides)
    key, url = (os.environ.get(name) or None for name in (API_KEY_VARIABLE, DATABASE_VARIABLE))
    run(Settings(model, policy, key, named_adapters(adapters), url), host, port)


def named_adapters(given: tuple[str, ...]) -> dict[str, Path]:
    """``NAME=DIR`` or ``DIR`` -> folders by name; the card's name where none is given.

    Raises:
        UsageError: two have the same name.
        FolderError: a folder has no card.
    """
    from clinsynth.checkpoint import read_card

    adapters: dict[str, Path] = {}
    for one in given:
        name, named, folder = one.partition("=")
        path = Path(folder if named else one)
        name = name if named else read_card(path).name
        if not name or name in adapters:
            raise UsageError(f"--adapter {one}: {'two have' if name else 'it has no'} name: use NAME=DIR")
        adapters[name] = path
    return adapters

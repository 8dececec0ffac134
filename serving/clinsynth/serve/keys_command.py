"""``clinsynth keys``: who may use a server."""

from __future__ import annotations

import re
import time
from typing import Final

import click

from clinsynth.errors import UsageError

_DATABASE: Final = click.option(
    "--database",
    envvar="CLINSYNTH_DATABASE_URL",
    metavar="URL",
    help="The server's: sqlite:///FILE or postgresql://USER@HOST/NAME. Left out: CLINSYNTH_DATABASE_URL, "
    "else a file in the user's state folder, as for `clinsynth serve`.",
)
_SECONDS: Final = {"h": 3600, "d": 86400, "w": 7 * 86400}


@click.group()
def keys() -> None:
    """Make, list and revoke the keys that open a server.

    A key has a name, scopes and, if wanted, an end and limits of its own. It is shown once, when it is
    made: the database holds a hash. A running server takes new keys at once and lets go of revoked ones
    within seconds.

    \b
      clinsynth keys create ward-7 --scope generate --expires 90d
      clinsynth keys list
      clinsynth keys revoke ward-7
    """


@keys.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(["generate", "batches", "metrics"]),
    default=("generate", "batches"),
    show_default=True,
    help="generate: notes and completions. batches: files and batches. metrics: /metrics. Can be repeated.",
)
@click.option("--expires", metavar="TIME", help="From now: 12h, 90d, 4w. Left out: never.")
@click.option("--requests-per-minute", type=click.IntRange(1), help="Left out: the server's setting.")
@click.option("--tokens-per-minute", type=click.IntRange(1), help="Read and written. Left out: as above.")
@click.option("--concurrency", type=click.IntRange(1), help="Requests at once. Left out: as above.")
@_DATABASE
def create(
    name: str,
    scopes: tuple[str, ...],
    expires: str | None,
    requests_per_minute: int | None,
    tokens_per_minute: int | None,
    concurrency: int | None,
    database: str | None,
) -> None:
    """Make a key called NAME and print it, once."""
    from clinsynth.serve.store.database import Database, default_url
    from clinsynth.serve.store.keys import Allowance, create_key

    end = None if expires is None else int(time.time()) + seconds(expires)
    allowance = Allowance(requests_per_minute, tokens_per_minute, concurrency)
    with Database(database or default_url()) as opened, opened.transaction() as connection:
        key = create_key(connection, name, scopes, end, allowance)
    click.echo("Keep it: it cannot be shown again.", err=True)
    click.echo(key)


@keys.command("list")
@_DATABASE
def list_(database: str | None) -> None:
    """Show all keys ever made, never what opens."""
    from clinsynth.serve.store.database import Database, default_url
    from clinsynth.serve.store.keys import list_keys

    with Database(database or default_url()) as opened:
        found = opened.now(list_keys)
    if not found:
        click.echo("no keys; `clinsynth keys create NAME` makes one", err=True)
        return
    width = max(4, *(len(key.name) for key in found))
    click.echo(f"{'name':<{width}}  {'id':<12}  {'scopes':<24}  {'made':<10}  state")
    now = time.time()
    for key in found:
        if key.revoked is not None:
            state = f"revoked {_day(key.revoked)}"
        elif key.expires is None:
            state = "in force"
        else:
            state = f"{'in force until' if key.is_good(now) else 'expired'} {_day(key.expires)}"
        scopes = ",".join(sorted(key.scopes))
        click.echo(f"{key.name:<{width}}  {key.id:<12}  {scopes:<24}  {_day(key.created)}  {state}")


@keys.command()
@click.argument("name")
@_DATABASE
def revoke(name: str, database: str | None) -> None:
    """Make the key called NAME open nothing any more."""
    from clinsynth.serve.store.database import Database, default_url
    from clinsynth.serve.store.keys import revoke_key

    with Database(database or default_url()) as opened, opened.transaction() as connection:
        revoke_key(connection, name)
    click.echo(f"{name} is revoked", err=True)


def seconds(text: str) -> int:
    """``90d`` -> 7776000.

    Raises:
        UsageError: it is no number with h, d or w behind it.
    """
    match = re.fullmatch(r"([1-9]\d{0,5})([hdw])", text)
    if match is None:
        raise UsageError(f"--expires {text}: write hours, days or weeks, as 12h, 90d, 4w")
    return int(match[1]) * _SECONDS[match[2]]


def _day(at: int) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(at))

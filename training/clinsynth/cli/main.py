"""The one command. Sub-commands are found through the entry-point group ``clinsynth.commands``.

A sub-command is a ``click.Command`` in a module that imports nothing heavy at its top: ``clinsynth --help``
loads every one of these modules for its line of help and must stay instant.
"""

from __future__ import annotations

import importlib.metadata
import sys
from typing import Any, Final

import click

from clinsynth.errors import ClinsynthError

GROUP: Final = "clinsynth.commands"
_ORDER: Final = (
    *("demo", "simulate", "inject", "deid", "prepare", "plan", "train", "merge", "serve", "export", "eval"),
)


class _Commands(click.Group):
    """A group whose members are entry points."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = {point.name for point in importlib.metadata.entry_points(group=GROUP)}
        return [name for name in _ORDER if name in names] + sorted(names - set(_ORDER))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for point in importlib.metadata.entry_points(group=GROUP, name=cmd_name):
            command = point.load()
            assert isinstance(command, click.Command), f"{point.value} is not a click command"
            return command
        return None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            known = ", ".join(self.list_commands(ctx))
            raise click.UsageError(f"{error.message} Commands: {known}.", ctx) from None


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `clinsynth demo`: the whole way on simulated notes, to a report you can open.",
)
@click.version_option(package_name="clinsynth")
def cli() -> None:
    """Learn from clinical notes you may not share; write de-identified notes you may.

    Each step reads and writes folders that explain themselves (manifest.json):

    \b
      prepare  notes  -> corpus   de-identified, split, tokenised
      train    corpus -> model    DeepSpeed: tensor x pipeline x data parallel
      serve    model  -> HTTP     vLLM behind the gate
      export   model  -> corpus   Parquet for researchers
      eval     export -> report   is it as useful, and is anybody in it?
    """


def main() -> None:
    """Runs the command line. One clear line on standard error and an exit code for every expected error."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)
    except ClinsynthError as error:
        click.echo(f"{error.label}: {error}", err=True)
        sys.exit(error.exit_code)

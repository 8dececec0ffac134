"""The command line."""

from clinsynth.cli.main import cli, main

__all__ = ["cli", "main"]

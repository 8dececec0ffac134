"""``clinsynth deid``: files de-identified, or a model trained for it."""

from __future__ import annotations

import click

from clinsynth.deid.command import deid as files
from clinsynth.deid.ner.command import train


class _Unnamed(click.Context):
    """The context of a command that bears its group's name."""

    @property
    def command_path(self) -> str:
        assert self.parent is not None
        return self.parent.command_path


class _FilesOr(click.Group):
    """A group whose first command needs no name: ``deid IN OUT`` is ``deid``, unless IN names another."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in (*self.commands, *ctx.help_option_names):
            args = [_FILES, *args]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help of both: that of the first command whole, and a line for each other."""
        inner = _Unnamed(files, info_name=_FILES, parent=ctx, max_content_width=ctx.max_content_width)
        files.format_usage(inner, formatter)
        for name in self.list_commands(ctx):
            formatter.write_usage(f"{ctx.command_path} {name}", "--help", prefix="       ")
        files.format_help_text(inner, formatter)
        files.format_options(inner, formatter)
        self.format_commands(ctx, formatter)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in super().list_commands(ctx) if name != _FILES]


_FILES = "files"

deid = _FilesOr(
    "deid",
    commands={_FILES: files, "train": train},
    short_help="Find identifiers of all Safe Harbor classes in notes, and take them out.",
)
files.context_class = _Unnamed

"""``clinsynth inject``: puts identifiers into real notes, for gold with known offsets."""

from __future__ import annotations

from pathlib import Path

import click

from clinsynth.errors import FolderError, UsageError

_SUFFIXES = (".jsonl", ".jsonl.gz", ".parquet")
_LEAST_PER_NOTE = 5.0


@click.command(epilog="Example: clinsynth inject notes.jsonl gold.jsonl.gz --split test --seed 7")
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--split",
    required=True,
    type=click.Choice(("train", "dev", "test")),
    help="Whose names, formats and templates: the three share none.",
)
@click.option("--seed", default=0, show_default=True, type=int, help="Another seed, other identifiers.")
@click.option("--notes", type=int, help="How many notes of IN to take; all by default.")
@click.option(
    "--per-note",
    default=18.0,
    show_default=True,
    type=float,
    help="Identifiers put into a note, on average.",
)
@click.option("--overwrite", is_flag=True, help="Replace OUT if it exists.")
def inject(
    source: Path, out: Path, split: str, seed: int, notes: int | None, per_note: float, overwrite: bool
) -> None:
    """Notes of IN (any corpus format) with invented identifiers, written to OUT.

    OUT ends in .jsonl, .jsonl.gz or .parquet. Identifiers of all 18 Safe Harbor classes come into header
    lines, sentences, phrases and sign-offs, and in the place of placeholders such as "Dr. X"; phi of each
    row says where they stand. Professions of patients come as entities. A note gets the same identifiers
    whatever its order and its neighbours.
    """
    if notes is not None and notes < 1:
        raise UsageError(f"--notes is {notes}: ask for at least 1")
    if per_note < _LEAST_PER_NOTE:
        raise UsageError(f"--per-note is {per_note:g}: ask for at least {_LEAST_PER_NOTE:g}")
    if not out.name.endswith(_SUFFIXES):
        raise UsageError(f"{out}: the name must end in {', '.join(_SUFFIXES)}")
    if out.exists() and not overwrite:
        raise FolderError(f"{out} exists: choose another name or pass --overwrite")

    from clinsynth.corpus.readers import ReadOptions, read_notes
    from clinsynth.corpus.writers import NoteWriter
    from clinsynth.inject.injector import Injector
    from clinsynth.progress import track

    injector = Injector(split, seed, per_note)
    spans = 0
    with NoteWriter(out) as writer:
        for note in track(read_notes(source, ReadOptions(limit=notes)), "injecting", total=notes):
            injected = injector.inject(note)
            spans += len(injected.phi)
            writer.write(injected)
    click.echo(f"{out}: {writer.written:,} notes, {spans:,} identifiers")

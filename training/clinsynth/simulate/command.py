"""``clinsynth simulate``: writes labelled notes of the simulated hospital."""

from __future__ import annotations

from pathlib import Path

import click

from clinsynth.errors import FolderError, UsageError

_SUFFIXES = (".jsonl", ".jsonl.gz", ".parquet")


@click.command(epilog="Example: clinsynth simulate notes.jsonl.gz --notes 3000 --seed 7")
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--notes", required=True, type=int, help="How many notes to write.")
@click.option("--seed", default=0, show_default=True, type=int, help="Another seed is another hospital.")
@click.option(
    "--start",
    default=0,
    show_default=True,
    type=int,
    help="Index of the first note: continue a corpus, or write it in parts.",
)
@click.option("--overwrite", is_flag=True, help="Replace OUT if it exists.")
def simulate(out: Path, notes: int, seed: int, start: int, overwrite: bool) -> None:
    """Labelled notes of a simulated hospital, written to OUT (.jsonl, .jsonl.gz or .parquet).

    No real patient or text is behind them: cases are drawn from an expert table of diseases and findings,
    and written up as eight types of note. Each row holds the raw text, the attributes (note type,
    specialty, sex, age band, diagnoses), gold entities (PROBLEM, TEST, TREATMENT) and gold identifiers of
    every Safe Harbor class, all of them invented. Note i is the same however many are written.
    """
    if notes < 1:
        raise UsageError(f"--notes is {notes}: ask for at least 1")
    if start < 0:
        raise UsageError(f"--start is {start}: it must not be negative")
    if not out.name.endswith(_SUFFIXES):
        raise UsageError(f"{out}: the name must end in {', '.join(_SUFFIXES)}")
    if out.exists() and not overwrite:
        raise FolderError(f"{out} exists: choose another name or pass --overwrite")

    from clinsynth.corpus.writers import NoteWriter
    from clinsynth.progress import track
    from clinsynth.simulate.stream import simulate_notes

    with NoteWriter(out) as writer:
        for note in track(simulate_notes(notes, seed, start), "simulating", total=notes):
            writer.write(note)
    click.echo(f"{out}: {writer.written:,} notes")

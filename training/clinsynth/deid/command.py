"""``clinsynth deid``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from clinsynth.errors import FolderError, UsageError

KEY_VARIABLE = "CLINSYNTH_DEID_KEY"
_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("source", metavar="IN", type=_PATH)
@click.argument("out", type=_PATH)
@click.option("--mode", type=click.Choice(["spans", "tags", "surrogates"]), required=True)
@click.option("--key-file", type=_PATH, help=f"Holds the key of the surrogates; else ${KEY_VARIABLE}.")
@click.option("--ner", type=_PATH, help="Folder of a model that looks beside the rules (deid train).")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 256), help="Processes.")
@click.option("--overwrite", is_flag=True, help="Replace OUT if it exists.")
def deid(
    source: Path,
    out: Path,
    mode: str,
    key_file: Path | None,
    ner: Path | None,
    workers: int,
    overwrite: bool,
) -> None:
    """Find identifiers of all Safe Harbor classes in notes, and take them out.

    IN is a file or folder of notes in any corpus format (JSONL, Parquet, CSV, text, CoNLL, BRAT). OUT ends
    in .jsonl or .jsonl.gz, or, but for spans, in .parquet.

    \b
      spans       rows {id, text, phi: [{start, end, label}]}: offsets into the text as it came
      tags        each identifier becomes a typed token such as <|NAME|>
      surrogates  each becomes an invented value, the same for the same patient under the same key

    \b
      clinsynth deid notes.jsonl tagged.jsonl --mode tags
      CLINSYNTH_DEID_KEY=... clinsynth deid notes.parquet shared.parquet --mode surrogates
    """
    suffixes = (".jsonl", ".jsonl.gz") if mode == "spans" else (".jsonl", ".jsonl.gz", ".parquet")
    if not out.name.endswith(suffixes):
        raise UsageError(f"{out}: the name must end in {', '.join(suffixes)}")
    if not source.exists():
        raise UsageError(f"{source}: no such file or folder")
    if out.exists() and not overwrite:
        raise FolderError(f"{out} exists: choose another name or pass --overwrite")
    key = _key(key_file) if mode == "surrogates" else ""

    from clinsynth.deid.config import DeidConfig
    from clinsynth.deid.files import Job, deidentify

    counts = deidentify(source, out, Job(mode, DeidConfig(ner=ner), key), workers=workers)  # type: ignore[arg-type]
    click.echo(f"{out}: {counts.pop('notes', 0):,} notes, {sum(counts.values()):,} identifiers")
    for label, count in counts.most_common():
        click.echo(f"{count:>9,}  {label}", err=True)


def _key(file: Path | None) -> str:
    if file is None:
        key = os.environ.get(KEY_VARIABLE, "")
        if not key:
            raise UsageError(f"surrogates need a key: give --key-file, or set {KEY_VARIABLE}")
        return key
    try:
        key = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"--key-file {file}: cannot be read") from None
    if not key:
        raise UsageError(f"--key-file {file}: is empty")
    return key

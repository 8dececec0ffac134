"""``clinsynth deid``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import click

from clinsynth.errors import FolderError, UsageError

KEY_VARIABLE = "CLINSYNTH_DEID_KEY"
_SUFFIXES: Final = (".jsonl", ".jsonl.gz", ".parquet")
_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("source", metavar="IN", type=_PATH)
@click.argument("out", type=_PATH)
@click.option("--mode", type=click.Choice(["spans", "tags", "surrogates"]), required=True)
@click.option("--key-file", type=_PATH, help=f"Holds the key of the surrogates; else ${KEY_VARIABLE}.")
@click.option("--ner", type=_PATH, help="Folder of a model that looks beside the rules (deid train).")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 256), help="Processes.")
@click.option("--report", type=_PATH, help="Write the counts by class to this JSON file, too.")
@click.option("--dry-run", is_flag=True, help="Read and count, say what would be done, write nothing.")
@click.option("--overwrite", is_flag=True, help="Replace OUT if it exists, or what another run left.")
def deid(
    source: Path,
    out: Path,
    mode: str,
    key_file: Path | None,
    ner: Path | None,
    workers: int,
    report: Path | None,
    dry_run: bool,
    overwrite: bool,
) -> None:
    """Find identifiers of all Safe Harbor classes in notes, and take them out.

    IN is a file or folder of notes in any corpus format (JSONL, Parquet, CSV, text, CoNLL, BRAT). OUT is a
    file, if its name ends in .jsonl, .jsonl.gz or (but for spans) .parquet; else a folder with a file for
    each of IN and a manifest. A run that was cut off goes on when it is started again.

    \b
      spans       rows {id, text, phi: [{start, end, label}]}: offsets into the text as it came
      tags        each identifier becomes a typed token such as <|NAME|>
      surrogates  each becomes an invented value of its form, the same for the same patient under
                  the same key; dates of a patient move together

    \b
      clinsynth deid notes.jsonl tagged.jsonl --mode tags
      CLINSYNTH_DEID_KEY=... clinsynth deid notes/ shared/ --mode surrogates --report counts.json
    """
    _check_places(source, out, report, overwrite)
    key = _key(key_file) if mode == "surrogates" else ""

    from clinsynth.deid.config import DeidConfig
    from clinsynth.deid.files import Job, plan_and_warm_up, run_plan

    job = Job(mode, DeidConfig(ner=ner), key)  # type: ignore[arg-type]
    plan = plan_and_warm_up(source, out, job, workers=1 if dry_run else workers)
    if dry_run:
        for line in plan.lines():
            click.echo(line)
        return
    counts = run_plan(plan, workers=workers, overwrite=overwrite)
    if report is not None:
        _write_report(report, counts.as_dict())
    for line in counts.table():
        click.echo(line, err=True)
    click.echo(f"{out}: {counts.notes:,} notes, {counts.identifiers.total():,} identifiers")


def _check_places(source: Path, out: Path, report: Path | None, overwrite: bool) -> None:
    if not source.exists():
        raise UsageError(f"{source}: no such file or folder")
    if out.suffix and not out.is_dir() and not out.name.lower().endswith(_SUFFIXES):
        raise UsageError(f"{out}: a file ends in {', '.join(_SUFFIXES)}; a folder's name has no suffix")
    if out.exists() and not overwrite:
        raise FolderError(f"{out} exists: choose another name or pass --overwrite")
    if report is not None and not report.parent.is_dir():
        raise UsageError(f"--report {report}: no folder {report.parent}")


def _write_report(path: Path, counts: dict[str, Any]) -> None:
    from clinsynth.folders import write_json

    temporary = path.parent / f".{path.name}.writing-{os.getpid()}"
    write_json(temporary, counts)
    temporary.replace(path)


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

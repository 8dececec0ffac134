"""``clinsynth export``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clinsynth.errors import UsageError

if TYPE_CHECKING:
    from clinsynth.export.config import ExportConfig
    from clinsynth.export.plan import Plan


@click.command()
@click.argument("config", required=False)
@click.argument("overrides", nargs=-1, metavar="[key=value ...]")
@click.option("--model", type=click.Path(path_type=Path), help="Model folder.")
@click.option("--adapter", type=click.Path(path_type=Path), help="Adapter folder of that model.")
@click.option("--out", type=click.Path(path_type=Path), help="Export folder to make.")
@click.option("--notes", type=int, help="How many notes.  [default: 1000]")
@click.option("--seed", type=int, help="Of the whole run.  [default: 0]")
@click.option(
    "--overwrite", is_flag=True, help="Replace the folder that stands at OUT, once the new is whole."
)
@click.option("--dry-run", is_flag=True, help="Print the plan and stop.")
def export(
    config: str | None,
    overrides: tuple[str, ...],
    model: Path | None,
    adapter: Path | None,
    out: Path | None,
    notes: int | None,
    seed: int | None,
    overwrite: bool,
    dry_run: bool,
) -> None:
    """Write a corpus of synthetic notes: Parquet that datasets.load_dataset opens.

    In goes a model folder (`clinsynth train` makes one), out comes a folder with shards, a dataset card, a
    manifest, checksums, and a list of what was withheld and why. Every note passes the gate; what it
    withholds is drawn again, up to max_attempts times. A run that was killed goes on where it was when it
    is started again with the same config. Exit code 0: all notes are there.

    \b
      clinsynth export --model runs/demo/model --out runs/demo/export --notes 400
      clinsynth export configs/export/demo.yaml notes=50 mode=tags
    """
    from clinsynth.export.run import prepare_export, run_export, summary

    options = {"model": model, "adapter": adapter, "out": out, "notes": notes, "seed": seed}
    run = _load(config, overrides, {key: value for key, value in options.items() if value is not None})
    if dry_run:
        click.echo(_plan_text(prepare_export(run, overwrite=overwrite)))
        return
    click.echo(f"{run.out}: {summary(run_export(run, overwrite=overwrite))}")


def _load(config: str | None, overrides: tuple[str, ...], options: dict[str, Any]) -> ExportConfig:
    from clinsynth.config import apply_overrides, load_config, parse_config
    from clinsynth.export.config import ExportConfig

    # JSON is YAML that holds any path
    given = [f"{key}={json.dumps(v if isinstance(v, int) else str(v))}" for key, v in options.items()]
    if config is not None and "=" not in config:
        return load_config(Path(config), ExportConfig, [*overrides, *given])
    data: dict[str, Any] = {}
    apply_overrides(data, [*([config] if config else []), *overrides, *given])
    for key in ("model", "out"):
        if key not in data:
            raise UsageError(f"--{key} is missing: give it, or a CONFIG file that has it")
    return parse_config(data, ExportConfig, source="options")


def _plan_text(plan: Plan) -> str:
    from clinsynth.export.journal import finished_shards

    c = plan.config
    ready = finished_shards(plan)
    lines = [
        f"{c.notes:,} notes in {plan.shards:,} shards of {c.shard_notes:,}, from {c.writer} to {c.out}",
        f"identifiers: {c.mode}; up to {c.max_attempts} draws a note; seed {c.seed}",
        f"run {plan.fingerprint[:12]}",
        f"conditions ({c.conditions.source}):",
    ]
    kinds = plan.cells.counts()
    for attributes, count in kinds[:20]:
        what = "the model writes the header" if attributes is None else _describe(attributes)
        lines.append(f"  {count:>8,}  {what}")
    if len(kinds) > 20:
        lines.append(f"  {sum(n for _, n in kinds[20:]):>8,}  in {len(kinds) - 20:,} more combinations")
    if ready:
        lines.append(f"{ready} shards of this run lie ready: the rest would be drawn")
    return "\n".join(lines)


def _describe(attributes: Any) -> str:
    values = [attributes.note_type, attributes.specialty, attributes.sex, attributes.age_band]
    found = [value for value in values if value] + list(attributes.diagnoses)
    return ", ".join(found) or "no header"

"""``clinsynth eval``: run measures, list and check them, compare two runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clinsynth.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clinsynth.measure import Task
    from clinsynth.report.config import EvalConfig

_PATH = click.Path(path_type=Path)


@click.group()
def evaluate() -> None:
    """Measure an export: is it as useful as real text, and is anybody in it?

    \b
      eval run       measure, and write a report
      eval ls        the tasks there are
      eval validate  check task files and configs without running them
      eval compare   two reports side by side
    """


@evaluate.command()
@click.option("--config", type=_PATH, help="YAML of an evaluation, such as configs/eval/demo.yaml.")
@click.option(
    "--tasks", help="Names or files, with commas; when left out, those that judge synthetic notes."
)
@click.option("--real", type=_PATH, help="Corpus folder, or notes in any corpus format.")
@click.option("--synthetic", type=_PATH, help="Export folder, or notes in any corpus format.")
@click.option("--test", type=_PATH, help="Gold notes; a corpus folder as --real brings its own.")
@click.option("--identified", type=_PATH, help="Notes as text, identifiers marked in phi: for task deid.")
@click.option("--output_path", "--output-path", type=_PATH, help="Report folder to write.")
@click.option("--encoder", type=_PATH, help="Encoder folder to fine-tune (config.json, safetensors).")
@click.option("--seed", type=int, help="First seed; 0 when left out.")
@click.option("--limit", type=int, help="At most so many notes of each source: for trying out.")
@click.option("--show-notes", type=int, help="Print so many synthetic notes in the report.")
@click.option("--overwrite", is_flag=True, help="Replace a report that stands at --output_path.")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
def run(config: Path | None, overrides: tuple[str, ...], overwrite: bool, **options: Any) -> None:
    """Measure synthetic notes and write a report.

    In go a corpus folder (`clinsynth prepare`), which brings training notes, gold and a hold-out, and an
    export folder (`clinsynth export`). Out comes a folder with report.html, to read, and results.json.
    Options win over the config; KEY=VALUE changes one key of it.

    \b
      clinsynth eval run --real runs/demo/corpus --synthetic runs/demo/export --output_path runs/demo/report
      clinsynth eval run --tasks ner_parity --real train.conll --synthetic notes.jsonl --test my.conll \\
          --output_path report --encoder my-encoder parameters.ner_parity.seeds=3
      clinsynth eval run --tasks deid --identified injected.jsonl --output_path deid-report
    """
    # Read when torch loads. Threads that wait by spinning stand in each other's way on a busy machine:
    # a step of fine-tuning beside other work took ten times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from clinsynth.folders import refuse_existing
    from clinsynth.measure import RunOptions, open_inputs, run_tasks
    from clinsynth.report import results_table, write_report

    settings = _settings(config, overrides, options)
    tasks = _load(settings.tasks, settings.parameters, str(config or "options"))
    for task in tasks:
        for name in task.needs:
            _needed(getattr(settings, name), name, f" for {task.name}")
    out = _needed(settings.output_path, "output_path")
    refuse_existing(out, overwrite=overwrite)
    inputs = open_inputs(
        settings.real, settings.synthetic, settings.test, settings.limit, identified=settings.identified
    )
    resolved = settings.model_dump(mode="json")
    results = run_tasks(tasks, inputs, RunOptions(settings.seed, settings.encoder, resolved))
    notes = [] if inputs.synthetic is None else inputs.synthetic.take(settings.show_notes)
    write_report(out, results, notes, overwrite=overwrite)
    click.echo(results_table(results))
    click.echo(f"report: {(out / 'report.html').resolve()}")


@evaluate.command("ls")
def list_command() -> None:
    """The tasks there are, with their versions and questions."""
    from clinsynth.measure import list_tasks

    click.echo("| task | version | group | question |\n| --- | ---: | --- | --- |")
    for file in list_tasks():
        click.echo(f"| {file.task} | {file.version} | {file.group} | {file.question} |")


@evaluate.command()
@click.option("--tasks", help="Names or files, with commas; all when left out.")
@click.option("--config", type=_PATH, help="Also check this evaluation and its parameters.")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
def validate(tasks: str | None, config: Path | None, overrides: tuple[str, ...]) -> None:
    """Check task files and configs without running them.

    \b
      clinsynth eval validate --config configs/eval/demo.yaml
      clinsynth eval validate --tasks my_task.yaml
    """
    from clinsynth.measure import list_tasks

    settings = _settings(config, overrides, {"tasks": tasks}) if config or overrides else None
    if tasks:
        names = _split(tasks)
    else:
        names = settings.tasks if settings else tuple(file.task for file in list_tasks())
    for task in _load(names, settings.parameters if settings else {}, str(config or "options")):
        click.echo(f"{task.name} version {task.file.version}: fine ({task.sha256()[:12]})")


@evaluate.command()
@click.argument("first", type=_PATH)
@click.argument("second", type=_PATH)
def compare(first: Path, second: Path) -> None:
    """Two reports side by side: every number of FIRST and SECOND, and what changed.

    Numbers of a task whose version or parameters differ between the two are marked: they answer different
    questions.
    """
    from clinsynth.measure import read_results
    from clinsynth.report import comparison_table

    click.echo(comparison_table(read_results(first), read_results(second)))


def _settings(config: Path | None, overrides: tuple[str, ...], options: Mapping[str, Any]) -> EvalConfig:
    from clinsynth.config import apply_overrides, load_config, parse_config
    from clinsynth.report.config import EvalConfig

    given = {name: value for name, value in options.items() if value is not None}
    if "tasks" in given:
        given["tasks"] = _split(given["tasks"])
    if config is None:
        apply_overrides(given, overrides)
        return parse_config(given, EvalConfig, source="options")
    base = load_config(config, EvalConfig, overrides)
    return parse_config({**base.model_dump(), **given}, EvalConfig, source=str(config))


def _split(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",") if name.strip())


def _needed(path: Path | None, name: str, what_for: str = "") -> Path:
    if path is None:
        raise UsageError(f"--{name} is missing{what_for}: give it, or key {name} in --config")
    return path


def _load(names: tuple[str, ...], parameters: Mapping[str, Mapping[str, Any]], source: str) -> list[Task]:
    from clinsynth.measure import list_tasks, load_task

    tasks = []
    for name in names:
        stem = Path(name).stem
        tasks.append(load_task(name, parameters.get(stem), source=f"{source}: parameters"))
    # Parameters of a task that is left out this time may stay in the file.
    known = {*(Path(name).stem for name in names), *(file.task for file in list_tasks())}
    unknown = sorted(set(parameters) - known)
    if unknown:
        raise UsageError(f"{source}: parameters.{unknown[0]}: no such task: {', '.join(sorted(known))}")
    return tasks

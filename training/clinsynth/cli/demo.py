"""``clinsynth demo``: the whole way, from simulated notes to a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from clinsynth.errors import UsageError

if TYPE_CHECKING:
    from clinsynth.cli.stages import Cost, Stage


@click.command()
@click.option("--out", default="runs/demo", show_default=True, type=click.Path(path_type=Path))
@click.option(
    "--configs",
    default="configs",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder with deid/, corpus/, train/, serve/, export/ and eval/demo.yaml.",
)
@click.option("--overwrite", is_flag=True, help="Start anew; without it, stages that are done are skipped.")
@click.option("--dry-run", is_flag=True, help="Print the commands and stop.")
def demo(out: Path, configs: Path, overwrite: bool, dry_run: bool) -> None:
    """The whole way on simulated notes, to a report you can open.

    Nothing is fetched and no real note is used: a simulated hospital writes the notes. About ten minutes on
    two cores. Every stage is a command of its own, printed before it runs, so that you can run it alone:

    \b
      deid     gold with known identifiers, and the model that finds them beside the rules
      prepare  simulated notes, de-identified, split, tokenised
      train    a 4M-parameter Llama with DeepSpeed
      serve    one note over HTTP, through the gate
      export   a corpus of synthetic notes with entities
      eval     utility and privacy, and the report
    """
    from clinsynth.cli.live import request_a_note
    from clinsynth.cli.stages import cost_table, run_stage

    for part in ("deid", "corpus", "train", "serve", "export", "eval"):
        if not (configs / part / "demo.yaml").is_file():
            raise UsageError(
                f"{configs / part / 'demo.yaml'} is missing: run in the repository or give --configs"
            )
    stages = _stages(out, configs, overwrite)
    if dry_run:
        for stage in stages:
            click.echo(f"clinsynth {' '.join(stage.arguments)}")
        return
    costs: list[Cost] = []
    for number, stage in enumerate(stages, 1):
        click.secho(
            f"\n[{number}/{len(stages)}] clinsynth {' '.join(stage.arguments)}", bold=True, err=True
        )
        if stage.done and not overwrite:
            click.echo(f"{stage.leaves} stands already: skipped (--overwrite starts anew)", err=True)
        elif stage.name == "serve":
            costs.append(request_a_note(stage))
        else:
            costs.append(run_stage(stage))
    click.echo(f"\n{cost_table(costs)}\n")
    click.echo(f"report: {(out / 'report' / 'report.html').resolve()}")


_GOLD_NOTES: Final = ("--notes", "80", "--seed", "77")


def _stages(out: Path, configs: Path, overwrite: bool) -> list[Stage]:
    from clinsynth.cli.stages import Stage

    corpus, model, export, report = (out / name for name in ("corpus", "model", "export", "report"))
    plain, gold, ner = (out / "deid" / name for name in ("notes.jsonl.gz", "gold.jsonl.gz", "ner"))
    again = ("--overwrite",) if overwrite else ()
    guarded = f"gate.deid.ner={ner}"

    def config(part: str) -> str:
        return str(configs / part / "demo.yaml")

    return [
        Stage("simulate", ("simulate", str(plain), *_GOLD_NOTES, *again), plain),
        Stage("inject", ("inject", str(plain), str(gold), "--split", "test", *again), gold),
        Stage("deid", ("deid", "train", config("deid"), f"out={ner}", *again), ner),
        Stage("prepare", ("prepare", config("corpus"), f"out={corpus}", *again), corpus),
        Stage("train", ("train", config("train"), f"corpus={corpus}", f"out={model}", *again), model),
        Stage("serve", ("serve", "--model", str(model), "--config", config("serve"), guarded)),
        Stage(
            "export",
            ("export", config("export"), f"model={model}", f"out={export}", guarded, *again),
            export,
        ),
        Stage(
            "eval",
            (
                "eval",
                "run",
                "--config",
                config("eval"),
                "--real",
                str(corpus),
                "--synthetic",
                str(export),
                "--identified",
                str(gold),
                "--output_path",
                str(report),
                f"parameters.deid.detector.ner={ner}",
                *again,
            ),
            report,
        ),
    ]

"""``clinsynth train``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--overwrite", is_flag=True, help="Start anew: replace the model, drop earlier checkpoints.")
def train(config: Path, overrides: tuple[str, ...], overwrite: bool) -> None:
    """Corpus in, model out: DeepSpeed on tensor x pipeline x data-parallel processes.

    Reads the corpus folder that `clinsynth prepare` wrote, starts the processes of the layout on this
    machine, and writes a Hugging Face folder with its card. A run that was cut off goes on from its newest
    checkpoint when it is started again.

    \b
      clinsynth train configs/train/demo.yaml
      clinsynth train configs/train/demo.yaml layout.tp=2 steps=100 optimizer.lr=5e-4
      torchrun --nproc-per-node 8 -m clinsynth.cli train my.yaml    # several machines

    Checkpoints, metrics.jsonl and a log per process go to the run folder (`run`, beside the model).
    """
    from clinsynth.config import load_config
    from clinsynth.errors import UsageError
    from clinsynth.train.checks import check_run
    from clinsynth.train.config import TrainConfig
    from clinsynth.train.distributed import Place

    run = load_config(config, TrainConfig, overrides)
    place = Place.from_environment()
    if place is None:
        from clinsynth.train.launch import launch

        check_run(run, overwrite=overwrite)
        launch(run, overwrite=overwrite)
        click.echo(f"model: {run.out}", err=True)
        return
    if place.world_size != run.layout.processes:
        raise UsageError(
            f"layout has {run.layout.processes} processes (tp x pp x dp), {place.world_size} started"
        )
    from clinsynth.train.run import run as take_part

    take_part(run, place, overwrite=overwrite)

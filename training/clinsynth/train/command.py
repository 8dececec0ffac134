"""``clinsynth train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig
    from clinsynth.train.distributed import Place


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--overwrite", is_flag=True, help="Start anew: replace the model, drop earlier checkpoints.")
def train(config: Path, overrides: tuple[str, ...], overwrite: bool) -> None:
    r"""Corpus in, model out: DeepSpeed on tensor x pipeline x data-parallel processes.

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
    from clinsynth.train.config import TrainConfig
    from clinsynth.train.distributed import Place

    parsed = load_config(config, TrainConfig, overrides)
    place = Place.from_environment()
    if place is None:
        from clinsynth.train.checks import check_run
        from clinsynth.train.launch import launch

        check_run(parsed, overwrite=overwrite)
        launch(parsed, ["train", str(config), *overrides, *(["--overwrite"] if overwrite else [])])
        click.echo(f"model: {parsed.out}", err=True)
    else:
        _work(parsed, place, overwrite=overwrite)


def _work(config: TrainConfig, place: Place, *, overwrite: bool) -> None:
    """This process's part; tells a failure of its own from that of a process it talks to."""
    import sys
    import traceback

    from clinsynth.errors import ClinsynthError, UsageError
    from clinsynth.train.launch import PEER_LOST, watch_lifeline

    watch_lifeline()
    if place.world_size != config.layout.processes:
        raise UsageError(
            f"layout has {config.layout.processes} processes (tp x pp x dp), {place.world_size} started"
        )
    from clinsynth.train.run import run

    try:
        run(config, place, overwrite=overwrite)
    except ClinsynthError:
        raise
    except Exception as error:
        if not _peer_lost(error):
            raise
        traceback.print_exc()
        sys.exit(PEER_LOST)


def _peer_lost(error: Exception) -> bool:
    import torch.distributed as dist

    words = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "Timed out waiting")
    return isinstance(error, dist.DistError) or any(word in str(error) for word in words)

"""``clinsynth train``."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from clinsynth.errors import DivergedError, StoppedError, UsageError

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig
    from clinsynth.train.distributed import Place


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--overwrite", is_flag=True, help="Start anew: replace the model, drop earlier checkpoints.")
@click.option("--dry-run", is_flag=True, help="Check everything, print what would run, and stop.")
@click.option(
    "--hostfile",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Run on the machines of a DeepSpeed hostfile (lines such as `dgx-01 slots=8`), started over ssh.",
)
@click.option(
    "--deepspeed-args",
    default="",
    metavar="OPTIONS",
    help="More options of DeepSpeed's launcher, for --hostfile: '--master_port 29600 --ssh_port 2222'.",
)
def train(
    config: Path,
    overrides: tuple[str, ...],
    overwrite: bool,
    dry_run: bool,
    hostfile: Path | None,
    deepspeed_args: str,
) -> None:
    """Corpus in, model out: DeepSpeed on tensor x pipeline x data-parallel processes.

    Reads the corpus folder that `clinsynth prepare` wrote, starts the processes of the layout, and writes a
    Hugging Face folder with its card. Any key of the YAML can be set on the command line.

    \b
      clinsynth train configs/train/demo.yaml
      clinsynth train configs/train/demo.yaml layout.tp=2 steps=100 optimizer.lr=5e-4
      clinsynth train my.yaml --dry-run                  what would run, and from which checkpoint
      clinsynth train my.yaml --hostfile hosts           several machines, over ssh
      sbatch configs/slurm/train.sbatch my.yaml          several machines, SLURM
      torchrun --nproc-per-node 8 -m clinsynth.cli train my.yaml

    The run folder (`run`; `train` beside the model when left out) gets checkpoints/, metrics.jsonl with
    every number, tensorboard/ (`tensorboard --logdir`), and logs/ with a file per process.

    A run that was cut off goes on from its newest checkpoint: give the same command again. Ctrl-C, SIGTERM,
    SIGUSR1 or a file `stop` in the run folder saves at the end of the step and leaves with exit code 85. A
    loss that is no number, or stays far above what was usual, stops the run with exit code 8 and the name
    of the last good checkpoint.
    """
    from clinsynth.config import load_config
    from clinsynth.train.checks import check_run
    from clinsynth.train.config import TrainConfig
    from clinsynth.train.distributed import Place

    run = load_config(config, TrainConfig, overrides)
    place = Place.from_environment()
    if place is not None:
        _take_part(run, place, overwrite=overwrite)
        return
    if deepspeed_args and hostfile is None:
        raise UsageError("--deepspeed-args goes with --hostfile")
    check_run(run, overwrite=overwrite)
    if hostfile is not None:
        arguments = [str(config), *overrides, *(["--overwrite"] if overwrite else [])]
        _on_hosts(run, hostfile, arguments, shlex.split(deepspeed_args), dry_run=dry_run)
    elif dry_run:
        from clinsynth.train.checks import accelerators, check_machine

        check_machine(run, accelerators())
        _print_outline(run, f"{_processes(run)} on this machine")
    else:
        from clinsynth.train.launch import launch

        launch(run, overwrite=overwrite)
    if not dry_run:
        click.echo(f"model: {run.out}", err=True)


def _take_part(run: TrainConfig, place: Place, *, overwrite: bool) -> None:
    """As one of several processes that torchrun or DeepSpeed's launcher started."""
    if place.world_size != run.layout.processes:
        raise UsageError(
            f"layout has {run.layout.processes} processes (tp x pp x dp), {place.world_size} started"
        )
    from clinsynth.train.launch import environment
    from clinsynth.train.stopping import leave_on_signals

    leave_on_signals(speaks=place.first)
    here = os.environ.get("LOCAL_WORLD_SIZE") or os.environ.get("LOCAL_SIZE") or "1"
    wanted = environment(int(here))
    del wanted["GLOO_SOCKET_IFNAME"]  # the other processes may be on other machines
    for name, value in wanted.items():
        os.environ.setdefault(name, value)
    from clinsynth.train.run import run as take_part

    try:
        take_part(run, place, overwrite=overwrite)
    except (StoppedError, DivergedError) as error:
        if place.first:
            raise
        sys.exit(error.exit_code)  # all say the same


def _on_hosts(
    run: TrainConfig, hostfile: Path, arguments: list[str], more: list[str], *, dry_run: bool
) -> None:
    from clinsynth.train.hostfile import check_hosts, command_line, launch_on_hosts, read_hostfile

    hosts = read_hostfile(hostfile)
    check_hosts(hostfile, hosts, run)
    command = command_line(hostfile, hosts, arguments, more)
    if dry_run:
        _print_outline(run, f"{_processes(run)} on {', '.join(hosts)}")
        click.echo(f"{'command':<12} {shlex.join(command)}")
    else:
        launch_on_hosts(run, hosts, command)


def _processes(run: TrainConfig) -> str:
    count = run.layout.processes
    return f"{count} process{'es' if count > 1 else ''}"


def _print_outline(run: TrainConfig, processes: str) -> None:
    from clinsynth.train.dryrun import outline

    for name, value in outline(run, processes):
        click.echo(f"{name:<12} {value}")

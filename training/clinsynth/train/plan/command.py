"""``clinsynth plan``."""

from __future__ import annotations

import json
from pathlib import Path

import click

_ABOVE_0 = click.FloatRange(0, min_open=True)
_GPUS = ("a100", "h100", "h200", "b200")


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--nodes", type=click.IntRange(1), help="Of the cluster; when left out, what the layout takes."
)
@click.option("--gpus-per-node", type=click.IntRange(1), default=8, show_default=True)
@click.option("--gpu", type=click.Choice(_GPUS), default="h100", show_default=True)
@click.option("--gpu-memory", type=click.FloatRange(1), help="GiB of one GPU; that of --gpu when left out.")
@click.option(
    "--mfu",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.4,
    show_default=True,
    help="Assumed share of the GPU's peak that computing reaches.",
)
@click.option(
    "--nvlink", type=click.FloatRange(0, min_open=True), help="GB/s that a GPU sends in its node."
)
@click.option(
    "--network", type=click.FloatRange(0, min_open=True), help="GB/s that a GPU sends to other nodes."
)
@click.option("--vocabulary", type=click.IntRange(1), help="Tokens, when the corpus is not there to say.")
@click.option("--top", type=click.IntRange(1), default=10, show_default=True, help="Layouts to show.")
@click.option("--json", "as_json", is_flag=True, help="Everything, for machines.")
def plan(
    config: Path,
    overrides: tuple[str, ...],
    nodes: int | None,
    gpus_per_node: int,
    gpu: str,
    gpu_memory: float | None,
    mfu: float,
    nvlink: float | None,
    network: float | None,
    vocabulary: int | None,
    top: int,
    as_json: bool,
) -> None:
    """What a training run needs, before a cluster is booked: memory, traffic, time, layouts that fit.

    Reads the YAML of `clinsynth train` and does arithmetic: no process is started, no GPU and no corpus is
    needed. Figures of time are as good as the assumed --mfu.

    \b
      clinsynth plan configs/train/gatortrongpt-20b.yaml --gpu a100 --vocabulary 50257
      clinsynth plan configs/train/llama-1.3b.yaml --nodes 1 --vocabulary 32000
      clinsynth plan my.yaml layout.tp=4 layout.pp=2 batch.micro_rows=2 --nodes 4 --json
    """
    from clinsynth.config import load_config
    from clinsynth.train.config import TrainConfig
    from clinsynth.train.plan.build import plan_run
    from clinsynth.train.plan.data import as_data
    from clinsynth.train.plan.hardware import GPUS, Cluster
    from clinsynth.train.plan.report import as_text

    run = load_config(config, TrainConfig, overrides)
    kind = GPUS[gpu]
    cluster = Cluster(
        gpu=kind,
        nodes=nodes or -(-run.layout.processes // gpus_per_node),
        gpus_per_node=gpus_per_node,
        mfu=mfu,
        memory=gpu_memory or kind.memory,
        nvlink=nvlink or kind.nvlink,
        network=network or kind.network,
    )
    answer = plan_run(run, cluster, vocabulary)
    click.echo(json.dumps(as_data(answer, top), indent=2) if as_json else as_text(answer, top))

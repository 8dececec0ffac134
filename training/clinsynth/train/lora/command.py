"""``clinsynth merge``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("adapter", type=click.Path(path_type=Path))
@click.option(
    "--base", required=True, type=click.Path(path_type=Path), help="Folder of the model it was trained on."
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Model folder to make.")
@click.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    default="auto",
    show_default=True,
    help="Of the written weights; auto: as the model has them.",
)
@click.option("--overwrite", is_flag=True, help="Replace the folder that stands at OUT.")
def merge(adapter: Path, base: Path, out: Path, dtype: str, overwrite: bool) -> None:
    """Merge an adapter into its model: any architecture is then served like any other model.

    In go an adapter folder (`clinsynth train` with a section `lora` makes one) and the model that it was
    trained on, out comes a Hugging Face folder with card. Logits are compared before the folder gets its
    name. The model must fit into memory once, in float32.

    \b
      clinsynth merge runs/ward/adapter --base models/our-gpt2 --out runs/ward/merged
      clinsynth serve --model runs/ward/merged
    """
    from transformers.utils import logging

    from clinsynth.train.lora.merge import merge as run

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    difference = run(adapter, base, out, dtype=dtype, overwrite=overwrite)  # type: ignore[arg-type]
    click.echo(f"model: {out} (rounding moves a logit by at most {difference:.2g})", err=True)

"""``clinsynth deid train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from clinsynth.deid.ner.card import NerCard
    from clinsynth.deid.ner.data import Examples

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("config", type=_PATH)
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--overwrite", is_flag=True, help="Replace the folder if it stands already.")
@click.option("--dry-run", is_flag=True, help="Read the notes, print what there is, and stop.")
def train(config: Path, overrides: tuple[str, ...], overwrite: bool, dry_run: bool) -> None:
    """Train the model that finds names, places and professions beside the rules.

    CONFIG names an encoder folder and notes whose identifiers are known (`phi`), as clinsynth inject and
    clinsynth simulate write them; configs/deid/ has examples with every key explained. The folder (`out`,
    else runs/<name of the config>/ner) is a Hugging Face folder with a card.json that says what the model
    was trained on and how well it does on the dev notes.

    \b
      clinsynth deid train configs/deid/demo.yaml
      clinsynth deid train configs/deid/demo.yaml fine_tuning.epochs=2
      clinsynth deid notes.jsonl tagged.jsonl --mode tags --ner runs/deid-demo/ner
    """
    from clinsynth.deid.ner.load import need_torch

    need_torch()
    from clinsynth.config import load_config
    from clinsynth.deid.ner.config import NerTraining
    from clinsynth.deid.ner.train import look
    from clinsynth.deid.ner.train import train as run

    parsed = load_config(config, NerTraining, overrides)
    if dry_run:
        labels, made = look(parsed)
        click.echo(_examples(made))
        click.echo(f"labels: {', '.join(labels.names)}")
        return
    out = parsed.out or Path("runs") / config.stem / "ner"
    card = run(parsed, out, overwrite=overwrite)
    click.echo(_scores(card))
    click.echo(f"model: {out}, trained in {card.seconds:,.0f} s")


def _examples(made: Examples) -> str:
    found = ", ".join(f"{label} {count:,}" for label, count in made.identifiers.most_common())
    return (
        f"{made.notes:,} notes, {len(made.windows):,} windows of {made.words:,} words "
        f"({made.windows_left_out:,} left out)\nidentifiers: {found}"
    )


def _scores(card: NerCard) -> str:
    lines = [f"{'dev notes, the model alone':<26}{'gold':>8}{'found':>8}{'recall':>8}{'precision':>11}"]
    for label, row in card.scores.items():
        shares = [f"{row[k]:.3f}" if row[k] is not None else "-" for k in ("recall", "precision")]
        lines.append(f"{label:<26}{row['gold']:>8,}{row['found']:>8,}{shares[0]:>8}{shares[1]:>11}")
    return "\n".join(lines)

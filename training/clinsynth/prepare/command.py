"""``clinsynth prepare``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--overwrite", is_flag=True, help="Replace the folder if it stands already.")
@click.option("--dry-run", is_flag=True, help="Read everything, print what there is, and stop.")
def prepare(config: Path, overrides: tuple[str, ...], overwrite: bool, dry_run: bool) -> None:
    """Notes in, corpus out: de-identified, split by patient, tokenised.

    CONFIG names the sources (JSONL, CSV, Parquet, CoNLL, BRAT, a folder of texts, or the simulated
    hospital) and what to do with them; configs/corpus/ has examples with every key explained. Keys can be
    set on the command line:

    \b
      clinsynth prepare configs/corpus/demo.yaml
      clinsynth prepare configs/corpus/demo.yaml out=runs/small/corpus sources.0.simulate.notes=200
      clinsynth prepare my.yaml --dry-run

    The folder (`out`, else runs/<name of the config>/corpus) holds train, valid, test and holdout notes
    without identifiers, the tokenizer, the tokens, an index of the training text, and a manifest that says
    what was dropped and why.
    """
    from clinsynth.config import load_config
    from clinsynth.prepare.config import PrepareConfig
    from clinsynth.prepare.run import count_sources
    from clinsynth.prepare.run import prepare as run

    parsed = load_config(config, PrepareConfig, overrides)
    for source in parsed.sources:
        if parsed.deid_mode(source) == "none":
            click.echo(f"source {source.label}: deid is none, identifiers stay in the corpus", err=True)
    if dry_run:
        click.echo(_source_lines(count_sources(parsed)))
        return
    out = parsed.out or Path("runs") / config.stem / "corpus"
    manifest = run(parsed, out, overwrite)
    click.echo(_summary(manifest.counts))
    click.echo(f"corpus: {out}")


def _source_lines(sources: dict[str, dict[str, Any]]) -> str:
    return "\n".join(
        f"{name}: {c['kept']:,} of {c['read']:,} notes, {c['characters']:,} characters, "
        f"{c['labelled']:,} with entities, {c['with_patient']:,} with a patient; "
        f"role {c['role']}, split {c['split']}, deid {c['deid']}{_reasons(c)}"
        for name, c in sources.items()
    )


def _reasons(counts: dict[str, Any]) -> str:
    lost = {**counts["dropped"], **{f"spans {k}": v for k, v in counts["spans_dropped"].items()}}
    return f"; dropped: {_listed(lost)}" if lost else ""


def _summary(counts: dict[str, Any]) -> str:
    splits, tokens = counts["splits"], counts["tokens"]
    lines = [
        f"{name}: {c['notes']:,} notes, {c['labelled']:,} with entities, {c['characters']:,} characters"
        for name, c in splits.items()
    ]
    dropped = {name: count for name, count in counts["dropped"].items() if count}
    lines.append(f"dropped: {_listed(dropped) or 'nothing'}")
    if (joined := counts["passages"]) and joined["groups"]:
        lines.append(
            f"kept together for a passage in common: {joined['notes']:,} notes in {joined['groups']:,} "
            f"groups, the largest of {joined['largest']:,}"
        )
    gold = counts["deid"]["gold"].values()
    if marked := sum(g["marked"] for g in gold):
        share = sum(g["found"] for g in gold) / marked
        lines.append(f"detector: found {share:.1%} of the {marked:,} identifiers that the sources mark")
    lines.append(
        f"training text: {tokens['train']['tokens']:,} tokens in {tokens['train']['documents']:,} "
        f"documents, vocabulary {tokens['vocabulary']:,}"
    )
    return "\n".join(lines)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())

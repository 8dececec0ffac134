"""Makes finished shards an export: card, list of what was withheld, manifest, sums, and the name."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Final

from clinsynth.checkpoint import CARD, Card
from clinsynth.export.journal import Workplace
from clinsynth.export.plan import Plan, public_config
from clinsynth.export.readme import dataset_card
from clinsynth.export.stats import counts
from clinsynth.folders import MANIFEST, Manifest, file_sha256, input_sha256, refuse_existing, write_json
from clinsynth.unfinished import fsync

SUMS: Final = "SHA256SUMS"


def seal(plan: Plan, place: Workplace, card: Card, *, seconds: float, overwrite: bool = False) -> Manifest:
    """The workplace's content takes the name of the export; the workplace is gone.

    Args:
        seconds: worked besides drawing.

    Raises:
        FolderError: something else has taken the name meanwhile.
    """
    folder, out = place.content, plan.config.out
    entries = [place.entries[shard] for shard in sorted(place.entries)]
    manifest = Manifest(
        kind="export",
        config=public_config(plan.config),
        inputs={"model": input_sha256(plan.config.writer), CARD: plan.card_sha256},
        counts=counts(entries, plan.config.notes, seconds),
        seeds={"export": plan.config.seed},
    )
    (folder / "rejected").mkdir(exist_ok=True)
    rows = (json.dumps(row) + "\n" for entry in entries for row in entry.rejected)
    with (folder / "rejected" / "rejected.jsonl").open("w", encoding="utf-8") as stream:
        stream.writelines(rows)
    (folder / "README.md").write_text(dataset_card(plan.config, card, manifest.counts), "utf-8")
    for stale in (MANIFEST, SUMS):  # of a run that was killed right here
        (folder / stale).unlink(missing_ok=True)
    manifest.files = {name: file_sha256(folder / name) for name in _files(folder)}
    write_json(folder / MANIFEST, asdict(manifest))
    sums = manifest.files | {MANIFEST: file_sha256(folder / MANIFEST)}
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
    (folder / SUMS).write_text(lines, "utf-8")
    _flush(folder)
    _take_name(folder, out, overwrite)
    place.remove()
    return manifest


def _files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def _flush(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        fsync(path)


def _take_name(folder: Path, out: Path, overwrite: bool) -> None:
    refuse_existing(out, overwrite=overwrite)
    doomed = None
    if out.exists():
        doomed = out.parent / f".{out.name}.replaced-{os.getpid()}"
        out.rename(doomed)
    folder.rename(out)
    fsync(out.parent)
    if doomed is not None and doomed.is_symlink():
        doomed.unlink()
    elif doomed is not None:
        shutil.rmtree(doomed)

"""An adapter of a tiny model, as a user makes one: ``clinsynth prepare`` and ``clinsynth train``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def make_adapter(folder: Path, base: Path, name: str, **lora: Any) -> Path:
    """Trains an adapter of ``base`` on sixty notes; its folder, ``folder/adapter``."""
    from tests.conftest import CONTEXT, invented_notes

    from clinsynth.corpus import to_dict

    notes = [json.dumps(to_dict(note)) for note in invented_notes(60, 5)]
    (folder / "notes.jsonl").write_text("\n".join(notes))
    corpus = {
        "sources": [{"path": str(folder / "notes.jsonl")}],
        "tokenizer": {"from": str(base)},
        "deid": {"mode": "none"},
        "out": str(folder / "corpus"),
    }
    run = {
        "name": name,
        "corpus": str(folder / "corpus"),
        "init_from": str(base),
        "out": str(folder / "adapter"),
        "lora": {"rank": 4, "alpha": 16, **lora},
        "context": CONTEXT,
        "steps": 12,
        "precision": "fp32",
        "batch": {"rows": 4, "micro_rows": 4},
        "optimizer": {"lr": 2e-2, "warmup_steps": 2},
        "validation": {"every_steps": 0, "rows": 4},
        "checkpoints": {"every_steps": 0, "every_minutes": 0},
        "trackers": [],
    }
    for command, config in (("prepare", corpus), ("train", run)):
        path = folder / f"{command}.yaml"
        path.write_text(json.dumps(config))
        done = subprocess.run(
            [sys.executable, "-m", "clinsynth.cli", command, str(path)],
            env=os.environ | {"DS_ACCELERATOR": "cpu"},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    return folder / "adapter"

"""What `clinsynth plan` says of memory, against the resident memory of real training runs on this CPU.

Each row is a few steps of `clinsynth train` on a made corpus, with real processes. Of each process the
highest resident memory is read once its second step is done, and that of the same layout with next to no
model is taken off: what is left is the model's. The plan's figure for the same process stands beside it.
glibc is told to give freed memory back at once, where the trainer tells it to keep it: this is about what
a step needs.

What it cannot show: a GPU's CUDA context, NCCL, and the fragments of its allocator; a bucket that is
allocated whole there is here only as large as what was written into it.

    python benchmarks/plan_memory.py [--only NAME]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import yaml

VOCABULARY = 4096
CONTEXT = 512
# Moments of the optimizer appear at the end of the first step, so the second is the first at full height.
MEASURED_STEP, STEPS = 2, 4
# Every tensor of some size is a mapping of its own, which goes when the tensor goes.
GIVE_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536", "MALLOC_TOP_PAD_": "0"}
MIB = 2**20


@dataclass(frozen=True)
class Case:
    """A run: what is not said is a Llama, 512 wide, 8 blocks, in one process."""

    name: str
    model: dict[str, Any] = field(default_factory=dict)
    layout: tuple[int, int, int] = (1, 1, 1)
    micro_rows: int = 2
    micro_batches: int = 2
    context: int = CONTEXT
    keys: dict[str, Any] = field(default_factory=dict)

    def run(self, folder: Path, corpus: Path) -> dict[str, Any]:
        """Its YAML."""
        tp, pp, dp = self.layout
        rows = self.micro_rows * self.micro_batches * dp
        shape = {"architecture": "llama", "hidden_size": 512, "layers": 8, "heads": 8}
        return {
            "name": self.name,
            "corpus": str(corpus),
            "out": str(folder / "model"),
            "model": {**shape, **self.model},
            "context": self.context,
            "steps": STEPS,
            "layout": {"tp": tp, "pp": pp, "dp": dp, "oversubscribe": True},
            "batch": {"rows": rows, "micro_rows": self.micro_rows},
            "validation": {"every_steps": 0, "rows": 1},
            "checkpoints": {"every_steps": 0, "every_minutes": 0},
            **self.keys,
        }

    def nearly_nothing(self) -> Case:
        """The same processes around a model that is next to nothing."""
        tiny = {"hidden_size": 64, "layers": self.layout[1], "heads": 2}
        # Its steps are over in no time: enough of them, that memory is read while they last.
        return Case(f"base {self.layout}", tiny, self.layout, micro_rows=1, keys={"steps": 1000})


AGAIN = {"activation_checkpointing": True}
CASES = (
    Case("256 wide, 4 blocks, 8 rows", {"hidden_size": 256, "layers": 4, "heads": 4}, micro_rows=8),
    Case("512 wide, 8 blocks, 2 rows"),
    Case("512 wide, 8 blocks, 8 rows", micro_rows=8),
    Case("the same, one micro-batch", micro_rows=8, micro_batches=1),
    Case("8 rows, computed again", micro_rows=8, keys=AGAIN),
    Case("512 wide, 16 blocks, 2 rows", {"layers": 16}),
    Case("1024 wide, 4 blocks, 2 rows", {"hidden_size": 1024, "layers": 4}),
    Case("float32, 4 rows", micro_rows=4, keys={"precision": "fp32"}),
    Case("GPT-2, 4 rows", {"architecture": "gpt2"}, micro_rows=4),
    Case("grouped queries, untied, 4 rows", {"kv_heads": 2, "tied": False}, micro_rows=4),
    Case("4 rows", layout=(2, 1, 1), micro_rows=4),
    Case("4 rows, 4 micro-batches", layout=(1, 2, 1), micro_rows=4, micro_batches=4),
    Case("the same, computed again", layout=(1, 2, 1), micro_rows=4, micro_batches=4, keys=AGAIN),
    Case("4 rows", layout=(1, 1, 2), micro_rows=4),
)


def main() -> None:
    """Runs the cases and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        train(options.train)
        return
    cases = [case for case in CASES if options.only in f"{case.name} {case.layout}"]
    if not cases:
        raise SystemExit(f"no case is named like {options.only!r}")
    with tempfile.TemporaryDirectory(prefix="plan-memory-") as name:
        corpus = Path(name) / "corpus"
        make_corpus(corpus)
        table(cases, Path(name), corpus)


def table(cases: list[Case], folder: Path, corpus: Path) -> None:
    """One line a process; in MiB."""
    bases: dict[tuple[int, int, int], dict[int, float]] = {}
    print(
        f"{'case':34} {'tp,pp,dp':>9} {'rank':>4} {'moment':>10} {'plan':>7} {'measured':>9} {'ratio':>6}"
    )
    ratios = []
    for case in cases:
        small = case.nearly_nothing()
        if case.layout not in bases:
            bases[case.layout] = measure(small, folder, corpus)
        base, found = bases[case.layout], measure(case, folder, corpus)
        for rank, (moment, planned) in enumerate(zip(*predict(case, folder, corpus))):
            planned -= predict(small, folder, corpus)[1][rank]
            measured = found[rank] - base[rank]
            ratios.append(planned / measured)
            layout = ",".join(str(size) for size in case.layout)
            print(
                f"{case.name:34} {layout:>9} {rank:>4} {moment:>10} {planned:>7,.0f} {measured:>9,.0f}"
                f" {planned / measured:>6.2f}",
                flush=True,
            )
    print(f"plan / measured: {min(ratios):.2f} to {max(ratios):.2f}, median {np.median(ratios):.2f}")


def predict(case: Case, folder: Path, corpus: Path) -> tuple[list[str], list[float]]:
    """By rank: the plan's moment of greatest need, and MiB."""
    from clinsynth.train.config import TrainConfig
    from clinsynth.train.plan.job import job_of, layout_of
    from clinsynth.train.plan.memory import stage_peak
    from clinsynth.train.plan.stages import stages_of

    config = TrainConfig.model_validate(case.run(folder, corpus))
    job, layout = job_of(config, VOCABULARY), layout_of(config)
    # DeepSpeed numbers the processes of the first stage first.
    peaks = [
        stage_peak(job, layout, stage, "cpu")
        for stage in stages_of(job.anatomy, layout.pp)
        for _ in range(layout.tp * layout.dp)
    ]
    return [peak.moment for peak in peaks], [peak.total / MIB for peak in peaks]


def measure(case: Case, folder: Path, corpus: Path) -> dict[int, float]:
    """By rank: highest resident memory until the measured step was done, MiB."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        here = Path(name)
        run = case.run(here, corpus)
        (here / "run.yaml").write_text(yaml.safe_dump(run))
        command = [sys.executable, __file__, "--train", str(here / "run.yaml")]
        environment = {key: value for key, value in os.environ.items() if key not in ("RANK", "WORLD_SIZE")}
        launcher = subprocess.Popen(
            command, env={**environment, "DS_ACCELERATOR": "cpu"}, stderr=subprocess.PIPE, text=True
        )
        metrics, logs = here / "train" / "metrics.jsonl", here / "train" / "logs"
        while launcher.poll() is None and steps_done(metrics) < MEASURED_STEP:
            time.sleep(0.01)
        peaks = dict(peaks_of(launcher.pid, logs)) if launcher.poll() is None else {}
        launcher.terminate()
        _, error = launcher.communicate()
    if len(peaks) != np.prod(case.layout):
        said = error.strip().splitlines() or ["over before its memory was read"]
        raise SystemExit(f"{case.name}: exit code {launcher.returncode}: {said[-1]}")
    return peaks


def train(run: Path) -> None:
    """`clinsynth train`, but for the allocator."""
    from clinsynth.train.command import train as command
    from clinsynth.train.launch import ALLOCATOR

    ALLOCATOR.update(GIVE_BACK)
    command.main([str(run)], standalone_mode=False)


def steps_done(metrics: Path) -> int:
    """Steps that a run has logged."""
    lines = metrics.read_text("utf-8").splitlines() if metrics.is_file() else []
    return sum("loss" in json.loads(line) for line in lines if line.endswith("}"))


def peaks_of(launcher: int, logs: Path) -> Iterator[tuple[int, float]]:
    """(rank, highest resident memory so far in MiB) of the processes that write to the logs."""
    for child in psutil.Process(launcher).children(recursive=True):
        log = Path(f"/proc/{child.pid}/fd/1").readlink()
        if log.parent == logs:
            status = Path(f"/proc/{child.pid}/status").read_text()
            line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
            yield int(log.stem.removeprefix("rank-")), int(line.split()[1]) / 1024


def make_corpus(folder: Path) -> None:
    """A corpus folder of random words, with a vocabulary of exactly ``VOCABULARY``."""
    from clinsynth.folders import Manifest, new_folder
    from clinsynth.tokens.shards import TokenWriter
    from clinsynth.tokens.tokenizer import save_tokenizer, train_tokenizer

    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = ["".join(rng.choice(letters, size=rng.integers(3, 9))) for _ in range(4000)]
    texts = [f"<|note|><|text|>{' '.join(rng.choice(words, size=CONTEXT))}<|end|>" for _ in range(200)]
    tokenizer = train_tokenizer(texts, VOCABULARY)
    assert tokenizer.vocabulary_size == VOCABULARY
    with new_folder(folder, Manifest("corpus", config={"deid": {"version": 1}})) as new:
        save_tokenizer(tokenizer, new / "tokenizer")
        (new / "overlap").mkdir()
        np.save(new / "overlap" / "ngrams.npy", np.arange(4, dtype=np.uint64))
        for split, part in (("train", texts[:180]), ("valid", texts[180:])):
            with TokenWriter(new / "tokens" / split / "notes", VOCABULARY) as writer:
                for ids in tokenizer.encode_batch(part):
                    writer.append(ids)


if __name__ == "__main__":
    main()

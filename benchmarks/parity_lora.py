"""Is training an adapter in parallel the same training? LoRA at every stage of ZeRO, against plain PEFT.

Tiny models with random weights on two processes of gloo, packed rows of short documents, a loss weighed by
tokens, accumulation, AdamW with weight decay, clipping, float32. Prints a table, a row a model and variant
and a column a stage: the largest difference of a step's or the validation's loss, and the largest relative
one of the gradient's norm. Leaves with 1 when one is over its bound.

    python benchmarks/parity_lora.py [--models llama,gpt2] [--stages 0,1,2,3] [--steps 10]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ["DS_ACCELERATOR"] = "cpu"
os.environ["HF_HUB_OFFLINE"] = "1"

NEW_TOKENS = "new tokens, tied"
"""Of a model with its own tokenizer: its embedding, which is its output layer too, is trained whole."""
VARIANTS: dict[str, dict[str, Any]] = {
    "": {},
    "dropout 0.1": {"lora": {"dropout": 0.1}},
    "DoRA, rsLoRA": {"lora": {"dora": True, "rslora": True}},
    "recomputing": {"activation_checkpointing": True},
    NEW_TOKENS: {},
}
"""Tried on the first model."""
COPIES = 2
LOSS, NORM = 1e-5, 1e-4
"""Bounds: absolute, relative."""

Cell = tuple[str, int, Any]
"""Name of the row, stage, the run's config."""


def main() -> None:
    """Reads the options, trains every cell, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", default="llama,qwen2,mistral,gpt2,gpt_neox")
    parser.add_argument("--stages", default="0,1,2,3")
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    stages = [int(stage) for stage in options.stages.split(",")]
    with tempfile.TemporaryDirectory() as name:
        cells = list(make_cells(Path(name), options.models.split(","), stages, options.steps))
        train_all(Path(name), [config for _, _, config in cells])
        differences = [(label, stage, *differ(config)) for label, stage, config in cells]
    print_table(differences, stages)
    if any(loss > LOSS or norm > NORM for *_, loss, norm in differences):
        sys.exit(1)


def make_cells(folder: Path, models: list[str], stages: list[int], steps: int) -> Iterator[Cell]:
    """Every run."""
    from benchmarks._plain import make_corpus
    from benchmarks._plain_peft import make_base, make_open_base

    from clinsynth.train.config import TrainConfig

    own = make_corpus(folder / "corpus")
    for model in models:
        made = make_base(folder / "bases" / model, own / "tokenizer", model)
        opened = make_open_base(folder / "open" / model, model, tie_word_embeddings=True)
        for variant, keys in VARIANTS.items() if model == models[0] else [("", VARIANTS[""])]:
            base, corpus = opened if variant == NEW_TOKENS else (made, own)
            for stage in stages:
                label = f"{model} {variant}".strip()
                run = {
                    "name": "parity",
                    "corpus": corpus,
                    "init_from": base,
                    "out": folder / "runs" / f"{label}-{stage}" / "out",
                    "context": 64,
                    "steps": steps,
                    "precision": "fp32",
                    "batch": {"rows": 8, "micro_rows": 2},
                    "optimizer": {"lr": 3e-3, "warmup_steps": 3},
                    "validation": {"every_steps": 0, "rows": 8},
                    "checkpoints": {"every_steps": 0, "every_minutes": 0},
                    "layout": {"dp": COPIES, "zero": stage, "oversubscribe": True},
                    **keys,
                    "lora": {"rank": 4, "alpha": 8, **keys.get("lora", {})},
                }
                yield label, stage, TrainConfig.model_validate(run)


def train_all(folder: Path, runs: list[Any]) -> None:
    """Trains every run in one pair of processes, one after the other."""
    context = multiprocessing.get_context("spawn")
    texts = [run.model_dump_json() for run in runs]
    processes = [
        context.Process(target=work, args=(rank, str(folder / "meet"), texts)) for rank in range(COPIES)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        sys.exit("a process failed")


def work(rank: int, rendezvous: str, runs: list[str]) -> None:
    """One of the processes."""
    from clinsynth.train.distributed import RENDEZVOUS

    place = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(COPIES), RENDEZVOUS: rendezvous}
    os.environ.update({**place, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"})
    from clinsynth.train.config import TrainConfig
    from clinsynth.train.distributed import Place, joined
    from clinsynth.train.lora.run import train_adapter

    here = Place(rank, COPIES, rank)
    with joined(here):
        for run in runs:
            trainer, _ = train_adapter(TrainConfig.model_validate_json(run), here)
            trainer.engine.engine.destroy()


def differ(config: Any) -> tuple[float, float]:
    """Largest differences of a finished run from plain PEFT: loss, and norm of the gradient."""
    import torch
    from benchmarks._plain import largest_difference
    from benchmarks._plain_peft import train_adapter_plainly

    from clinsynth.train.metrics import read_metrics

    torch.set_num_threads(1)
    plain = train_adapter_plainly(config)
    rows = read_metrics(config.folder)
    steps = [row for row in rows if "loss" in row]
    losses = [*(row["loss"] for row in steps), rows[-1]["valid_loss"]]
    loss = largest_difference(losses, [*plain.losses, plain.valid_losses["valid_loss"]])
    return loss, largest_difference([row["grad_norm"] for row in steps], plain.norms, relative=True)


def print_table(differences: list[tuple[str, int, float, float]], stages: list[int]) -> None:
    """Markdown."""
    print("| loss / norm of the gradient | " + " | ".join(f"ZeRO-{stage}" for stage in stages) + " |")
    print("| --- |" + " --- |" * len(stages))
    for label in dict.fromkeys(name for name, *_ in differences):
        cells = [f"{loss:.1e} / {norm:.1e}" for name, _, loss, norm in differences if name == label]
        print(f"| {label} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()

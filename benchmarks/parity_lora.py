"""LoRA at every stage of ZeRO on two processes, against PEFT and torch in one: the table of differences.

Tiny models with random weights, packed documents, a loss that is a mean over tokens, accumulation,
clipping. A row a model and variant, a column a stage: the largest difference of a step's loss, and the
largest relative one of the gradient's norm.

    python benchmarks/parity_lora.py [--steps 10] [--models llama,gpt2] [--stages 0,1,2,3]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

REPOSITORY = Path(__file__).parents[1]
sys.path.insert(0, str(REPOSITORY))  # the tests' models and reference

VARIANTS: dict[str, dict[str, Any]] = {
    "": {},
    "dropout .1": {"dropout": 0.1},
    "DoRA, rsLoRA": {"dora": True, "rslora": True},
    "recomputing": {},
}
WORDS = ("fever", "cough", "chest", "pain", "denies", "acute", "left", "lung", "heart", "of")
    "fever",
    "cough",
    "chest",
    "pain",
    "denies",
    "acute",
    "left",
    "lung",
    "heart",
    "normal",
    "of",
    "the",
)
COPIES = 2


def main() -> None:
    """Reads the options, trains every cell, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--models", default="llama,qwen2,mistral,gpt2,gpt_neox")
    parser.add_argument("--stages", default="0,1,2,3")
    options = parser.parse_args()
    stages = [int(stage) for stage in options.stages.split(",")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cells = list(make_cells(folder, options.models.split(","), stages, options.steps))
        run_all(folder, [config for _, _, config in cells])
        print_table(cells, stages)


def make_cells(folder: Path, models: list[str], stages: list[int], steps: int) -> Any:
    """(row's name, stage, config as JSON) of every run; variants are tried on the first model."""
    from tests.train.bases import make_base

    corpus = make_corpus(folder / "corpus")
    for model in models:
        base = make_base(folder / "bases" / model, corpus, model)
        for variant, keys in VARIANTS.items() if model == models[0] else [("", VARIANTS[""])]:
            for stage in stages:
                label = f"{model} {variant}".strip()
                out = folder / "runs" / f"{label}-{stage}".replace(" ", "-").replace(",", "") / "out"
                run = {
                    "name": "parity",
                    "corpus": str(corpus),
                    "init_from": str(base),
                    "out": str(out),
                    "context": 64,
                    "steps": steps,
                    "precision": "fp32",
                    "activation_checkpointing": variant == "recomputing",
                    "batch": {"rows": 8, "micro_rows": 2},
                    "optimizer": {"lr": 3e-3, "warmup_steps": 3},
                    "validation": {"every_steps": 0, "rows": 8},
                    "checkpoints": {"every_steps": 0, "every_minutes": 0},
                    "lora": {"rank": 4, "alpha": 8, **keys},
                    "layout": {"dp": COPIES, "zero": stage, "oversubscribe": True},
                }
                yield label, stage, json.dumps(run)


def make_corpus(folder: Path) -> Path:
    """Short documents of random words."""
    from clinsynth.folders import Manifest, new_folder
    from clinsynth.tokens.shards import TokenWriter
    from clinsynth.tokens.tokenizer import save_tokenizer, train_tokenizer

    rng = np.random.default_rng(0)
    texts = [
        f"<|note|><|text|>{' '.join(rng.choice(WORDS, size=rng.integers(3, 40)))}<|end|>"
        for _ in range(200)
    ]
    tokenizer = train_tokenizer(texts, 353)
    with new_folder(folder, Manifest("corpus", config={"deid": {"version": 1}})) as new:
        save_tokenizer(tokenizer, new / "tokenizer")
        for split, part in (("train", texts[:180]), ("valid", texts[180:])):
            with TokenWriter(new / "tokens" / split, tokenizer.vocabulary_size) as writer:
                for ids in tokenizer.encode_batch(part):
                    writer.append(ids)
    return folder


def run_all(folder: Path, runs: list[str]) -> None:
    """Trains every run in one pair of processes, one after the other."""
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=work, args=(rank, str(folder / "meet"), runs)) for rank in range(COPIES)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise SystemExit("a process failed")


def work(rank: int, rendezvous: str, runs: list[str]) -> None:
    """One of the processes."""
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(COPIES),
        "CLINSYNTH_RENDEZVOUS": rendezvous,
        "DS_ACCELERATOR": "cpu",
        "GLOO_SOCKET_IFNAME": "lo",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    from clinsynth.train.config import TrainConfig
    from clinsynth.train.distributed import Place, joined
    from clinsynth.train.lora.run import train_adapter

    place = Place(rank, COPIES, rank)
    with joined(place):
        for run in runs:
            trainer, _ = train_adapter(TrainConfig.model_validate_json(run), place)
            trainer.engine.engine.destroy()


def print_table(cells: list[tuple[str, int, str]], stages: list[int]) -> None:
    """Differences from the reference."""
    import torch
    from tests.train.plain_peft import train_plainly

    from clinsynth.train.config import TrainConfig
    from clinsynth.train.metrics import read_metrics

    torch.set_num_threads(1)
    rows: dict[str, dict[int, str]] = {}
    references: dict[str, Any] = {}
    for label, stage, run in cells:
        config = TrainConfig.model_validate_json(run)
        if label not in references:
            references[label] = train_plainly(config)
        losses, norms, valid, _ = references[label]
        found = read_metrics(config.folder)
        steps = [row for row in found if "loss" in row]
        loss = max(abs(row["loss"] - wanted) for row, wanted in zip(steps, losses, strict=True))
        loss = max(loss, abs(found[-1]["valid_loss"] - valid))
        norm = max(abs(row["grad_norm"] / wanted - 1) for row, wanted in zip(steps, norms, strict=True))
        rows.setdefault(label, {})[stage] = f"{loss:.1e} / {norm:.1e}"
    print("| model | " + " | ".join(f"ZeRO-{stage}" for stage in stages) + " |")
    print("| --- |" + " --- |" * len(stages))
    for label, row in rows.items():
        print(f"| {label} | " + " | ".join(row[stage] for stage in stages) + " |")


if __name__ == "__main__":
    main()

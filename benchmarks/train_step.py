"""Tokens per second of one training process, against the Hugging Face Trainer in the same run.

Same model, rows, batch, dtype (bfloat16 autocast, float32 weights), AdamW and clipping; each side in fresh
processes, one after the other in turn, so that both meet the same machine. Prints the ratio of medians.

    python benchmarks/train_step.py [--preset demo] [--context 512] [--rows 16] [--threads 2]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

VOCABULARY = 4096


def main() -> None:
    """Reads the options; compares, or is one of the sides."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--preset", default="demo")
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--side", choices=("clinsynth", "trainer"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        times = {"clinsynth": clinsynth_steps, "trainer": trainer_steps}[options.side](options)
        print(json.dumps({"seconds": times, "peak_mib": peak_mib()}))
        return
    compare(options)


def compare(options: argparse.Namespace) -> None:
    """Runs both sides in turn and prints the table."""
    seconds: dict[str, list[float]] = {"clinsynth": [], "trainer": []}
    memory: dict[str, float] = {}
    for _ in range(options.rounds):
        for side in seconds:
            found = run_side(side, options.threads)
            seconds[side] += found["seconds"]
            memory[side] = found["peak_mib"]
    tokens = options.rows * options.context
    rate = {side: tokens / statistics.median(times) for side, times in seconds.items()}
    batch = f"batch {options.rows} x {options.context}"
    print(f"{options.preset}, {batch}, {options.threads} threads, bf16 autocast")
    for side in seconds:
        print(f"  {side:10} {rate[side]:8,.0f} tokens/s   peak {memory[side]:6,.0f} MiB")
    print(f"  ratio      {rate['clinsynth'] / rate['trainer']:8.2f}")


def run_side(side: str, threads: int) -> dict:
    """What one side measured, in a process of its own."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "DS_ACCELERATOR": "cpu",
        "HF_HUB_OFFLINE": "1",
    }
    if side == "clinsynth":
        from clinsynth.train.launch import ALLOCATOR

        environment |= ALLOCATOR
    command = [sys.executable, __file__, *sys.argv[1:], "--side", side]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.strip().splitlines()[-1])


def clinsynth_steps(options: argparse.Namespace) -> list[float]:
    """Seconds of each step but the first, in the engine of `clinsynth train`."""
    os.environ.update(RANK="0", WORLD_SIZE="1", LOCAL_RANK="0", GLOO_SOCKET_IFNAME="lo")
    import torch

    from clinsynth.train.config import TrainConfig
    from clinsynth.train.distributed import RENDEZVOUS, Place, joined
    from clinsynth.train.engine import grad_norm, start_engine
    from clinsynth.train.families import family_of
    from clinsynth.train.loss import IGNORED
    from clinsynth.train.pipeline import build

    place = Place.from_environment()
    assert place is not None
    with tempfile.TemporaryDirectory() as folder:
        os.environ[RENDEZVOUS] = str(Path(folder) / "rendezvous")
        config = TrainConfig(
            name="benchmark",
            corpus=Path(folder),
            out=Path(folder) / "model",
            model=options.preset,
            context=options.context,
            steps=options.steps + 1,
            batch={"rows": options.rows, "micro_rows": options.rows},
        )
        assert config.shape is not None
        family = family_of(config.shape.architecture)
        with joined(place):
            settings = family.settings(config.shape, VOCABULARY, options.context)
            engine = start_engine(config, build(config, family.config(settings)))
            times = []
            for ids in batches(options):
                start = time.perf_counter()
                ids = torch.from_numpy(ids)
                labels = torch.nn.functional.pad(ids[:, 1:], (0, 1), value=IGNORED)
                weight = torch.tensor(1 / (options.rows * (options.context - 1)))
                loss = float(engine.train_batch(iter([(ids, (labels, weight))])))
                assert loss > 0
                assert grad_norm(engine) > 0
                times.append(time.perf_counter() - start)
    return times[1:]


def trainer_steps(options: argparse.Namespace) -> list[float]:
    """Seconds of each step but the first, in the Hugging Face Trainer."""
    import torch
    from transformers import AutoModelForCausalLM, Trainer, TrainerCallback, TrainingArguments

    from clinsynth.train.config import ShapeConfig
    from clinsynth.train.families import family_of
    from clinsynth.train.presets import PRESETS

    shape = ShapeConfig(**PRESETS[options.preset])
    family = family_of(shape.architecture)
    model = AutoModelForCausalLM.from_config(
        family.config(family.settings(shape, VOCABULARY, options.context))
    )
    rows = np.concatenate(list(batches(options)))
    data = [{"input_ids": torch.from_numpy(row), "labels": torch.from_numpy(row)} for row in rows]
    marks: list[float] = []

    class Clock(TrainerCallback):
        def on_step_begin(self, *args: object, **kwargs: object) -> None:
            marks.append(time.perf_counter())

        def on_step_end(self, *args: object, **kwargs: object) -> None:
            marks.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=options.rows,
            max_steps=options.steps + 1,
            bf16=True,
            use_cpu=True,
            report_to=[],
            save_strategy="no",
            disable_tqdm=True,
            max_grad_norm=1.0,
        )
        Trainer(model=model, args=arguments, train_dataset=data, callbacks=[Clock()]).train()
    return [end - start for start, end in zip(marks[2::2], marks[3::2])]


def batches(options: argparse.Namespace) -> Iterator[np.ndarray]:
    """The same random rows for both sides: [rows, context] a step."""
    rng = np.random.default_rng(0)
    for _ in range(options.steps + 1):
        yield rng.integers(0, VOCABULARY, (options.rows, options.context))


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def peak_mib() -> float:
    """Peak resident memory of this process."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()

"""Tokens per second of training, against the Hugging Face Trainer in the same run; its growth; its scaling.

Same model, rows, batch, dtype (bfloat16 autocast, float32 weights), AdamW and clipping; each side in
fresh processes, one after the other in turn, so that both meet the same machine. Prints the ratio of
medians. Then, for ours alone, the cost of a token by length of row and by depth; and weak scaling: one,
two and four processes with the same rows each.

    python benchmarks/train_step.py [--preset demo] [--context 512] [--rows 16] [--threads 2] [--only PART]
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
from typing import Any

import numpy as np

VOCABULARY = 4096
CONTEXTS = (256, 512, 1024, 2048)
DEPTHS = (2, 4, 8, 16)
LAYOUTS = ((1, 1, 1), (1, 1, 2), (1, 2, 1), (2, 1, 1), (1, 1, 4), (1, 4, 1), (4, 1, 1), (2, 2, 1))


def main() -> None:
    """Reads the options; measures, or is one of the sides."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--preset", default="demo")
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--only", choices=("compare", "growth", "scaling"))
    parser.add_argument("--side", choices=("clinsynth", "trainer"), help=argparse.SUPPRESS)
    parser.add_argument("--layers", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--layout", type=json.loads, default=[1, 1, 1], help=argparse.SUPPRESS)
    parser.add_argument("--micro-rows", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        measure = {"clinsynth": clinsynth_steps, "trainer": trainer_steps}[options.side]
        print(json.dumps({"seconds": measure(options), "peak_mib": peak_mib()}))
        return
    for part in ("compare", "growth", "scaling"):
        if options.only in (None, part):
            {"compare": compare, "growth": growth, "scaling": scaling}[part](options)


def compare(options: argparse.Namespace) -> None:
    """Runs both sides in turn and prints the ratio."""
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


def growth(options: argparse.Namespace) -> None:
    """Prints the cost of a token by length of row and by depth, and the exponent of each."""
    tokens = options.rows * options.context
    for name, values in (("context", CONTEXTS), ("layers", DEPTHS)):
        print(f"{options.preset}, {tokens:,} tokens a step, by {name}")
        costs = []
        for value in values:
            context = value if name == "context" else options.context
            more = ["--context", str(context), "--rows", str(tokens // context)]
            if name == "layers":
                more += ["--layers", str(value)]
            found = run_side("clinsynth", options.threads, *more)
            costs.append(statistics.median(found["seconds"]) / tokens * 1e6)
            print(f"  {value:6} {costs[-1]:8.1f} us a token   peak {found['peak_mib']:6,.0f} MiB")
        exponent = np.polyfit(np.log(values), np.log(costs), 1)[0]
        print(f"  grows as {name} to the power of {exponent:.2f}")


def scaling(options: argparse.Namespace) -> None:
    """Prints tokens/s by layout, one thread a process, the same rows a process."""
    micro = max(1, options.rows // 8)
    print(f"{options.preset}, {micro * 4} rows x {options.context} a process in micro-batches of {micro},")
    print(f"one thread a process, {cores()} cores, gloo: tensor x pipeline x data parallel")
    alone = 0.0
    for layout in LAYOUTS:
        processes = layout[0] * layout[1] * layout[2]
        rows = micro * 4 * processes
        more = ["--rows", str(rows), "--micro-rows", str(micro), "--layout", json.dumps(layout)]
        found = run_side("clinsynth", 1, *more, processes=processes)
        rate = rows * options.context / statistics.median(found["seconds"])
        alone = alone or rate
        share = rate / (alone * min(processes, cores()))
        print(
            f"  {'x'.join(map(str, layout))}  {rate:8,.0f} tokens/s   {share:5.0%} of what "
            f"{min(processes, cores())} would do alone   peak {found['peak_mib']:6,.0f} MiB a process"
        )


def run_side(side: str, threads: int, *more: str, processes: int = 1) -> dict[str, Any]:
    """What one side measured, in processes of its own; the first of them tells."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": str(threads),
            "DS_ACCELERATOR": "cpu",
            "HF_HUB_OFFLINE": "1",
            "GLOO_SOCKET_IFNAME": "lo",
            "CLINSYNTH_RENDEZVOUS": str(Path(folder) / "rendezvous"),
        }
        if side == "clinsynth":
            from clinsynth.train.launch import ALLOCATOR

            environment |= ALLOCATOR
        command = [sys.executable, __file__, *sys.argv[1:], *more, "--side", side]
        started = [
            subprocess.Popen(
                command,
                env=environment
                | {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(processes)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for rank in range(processes)
        ]
        said = [process.communicate() for process in started]
    for process, (_, errors) in zip(started, said):
        if process.returncode:
            raise SystemExit(errors)
    return dict(json.loads(said[0][0].strip().splitlines()[-1]))


def clinsynth_steps(options: argparse.Namespace) -> list[float]:
    """Seconds of each step but the first, in the engine of `clinsynth train`."""
    import torch

    from clinsynth.train.config import TrainConfig
    from clinsynth.train.distributed import Place, joined
    from clinsynth.train.engine import grad_norm, start_engine
    from clinsynth.train.families import family_of
    from clinsynth.train.loss import IGNORED
    from clinsynth.train.pipeline import build
    from clinsynth.train.presets import PRESETS

    place = Place.from_environment()
    assert place is not None
    tp, pp, dp = options.layout
    shape = dict(PRESETS[options.preset])
    config = TrainConfig(
        name="benchmark",
        corpus=Path("nowhere"),
        out=Path("nowhere"),
        model={**shape, "layers": options.layers or shape["layers"]},
        context=options.context,
        steps=options.steps + 1,
        layout={"tp": tp, "pp": pp, "dp": dp},
        batch={"rows": options.rows, "micro_rows": options.micro_rows or options.rows // dp},
    )
    assert config.shape is not None
    family = family_of(config.shape.architecture)
    micro, times = config.batch.micro_rows, []
    with joined(place):
        settings = family.settings(config.shape, VOCABULARY, options.context)
        network = build(config, family, family.config(settings))
        engine = start_engine(config, network)
        copy = network.mpu().get_data_parallel_rank()
        weight = torch.tensor(config.micro_batches * dp / (options.rows * (options.context - 1)))
        for step in batches(options):
            start = time.perf_counter()
            mine = torch.from_numpy(step).view(-1, dp, micro, options.context)[:, copy]
            micro_batches = [
                (
                    (ids, torch.ones_like(ids)),
                    (torch.nn.functional.pad(ids[:, 1:], (0, 1), value=IGNORED), weight),
                )
                for ids in mine
            ]
            assert float(engine.train_batch(iter(micro_batches))) > 0
            assert grad_norm(engine) > 0
            times.append(time.perf_counter() - start)
    return times[1:]


def trainer_steps(options: argparse.Namespace) -> list[float]:
    """Seconds of each step but the first, in the Hugging Face Trainer."""
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        del os.environ[name]
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

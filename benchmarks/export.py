"""Export against raw vLLM: the same requests to the same engine, with and without all that makes a corpus.

    python benchmarks/export.py [--model DIR] [--notes 512] [--rounds 3] [--growth]

`raw` is `vllm.LLM.generate` on the list of requests; `export` draws the same requests one by one, sends
each text through the gate in a process beside the engine, and writes shards; `in line` runs the gate in
between. Rounds alternate. Tokens are compared first. Prints output tokens/s and their ratio to raw, by the
clock and by the processor time of the engine's process (the gate's has a core of its own, and what else
runs on the machine disturbs this less); with --growth also time and memory from N to 10 N notes.

Without --model, the tiny model of the tests is made first: the smaller the model, the larger the share of
everything around it, so this is the hard case.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from _tiny import tiny_model

from clinsynth.engine import BulkEngine, EngineConfig
from clinsynth.export import ExportConfig, run_export
from clinsynth.export.plan import make_plan

ENGINE = EngineConfig(kv_cache_gib=0.5)


def main() -> None:
    """Makes or takes a model, starts one engine, prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument(
        "--notes", type=int, default=512, help="a round; growth is shown up to 10 times as many"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--growth", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        model = options.model or tiny_model(place / "model", steps=120)
        with BulkEngine(model, ENGINE) as engine:
            compare(engine, model, place, options.notes, options.rounds)
            if options.growth:
                growth(engine, model, place, options.notes)


def compare(engine: BulkEngine, model: Path, place: Path, notes: int, rounds: int) -> None:
    """Rounds of raw, export and export with the gate in line; medians of all but the first."""
    found: dict[str, list[Cost]] = {"raw": [], "export": [], "in line": []}
    for turn in range(rounds + 1):
        config = one_draw_each(model, place / "out", notes, seed=turn)
        costs = {
            "raw": raw(engine, config),
            "export": export(engine, config),
            "in line": export(engine, config.model_copy(update={"gate_workers": 0})),
        }
        tokens = costs["raw"].tokens
        for name, cost in costs.items():
            assert abs(cost.tokens - tokens) <= 0.002 * tokens, "other tokens were drawn"
            if turn:  # the first round warms up
                found[name].append(cost)
    print(f"{notes} notes a round, {rounds} rounds, {tokens / notes:.0f} tokens a note")
    print("| | tokens/s | of raw | tokens/CPU s | of raw | rounds, tokens/s |")
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    base = found["raw"]
    for name, rounds_of in found.items():
        clock, cpu = (statistics.median(c.tokens / getattr(c, k) for c in rounds_of) for k in KINDS)
        clock_0, cpu_0 = (statistics.median(c.tokens / getattr(c, k) for c in base) for k in KINDS)
        shown = ", ".join(f"{c.tokens / c.seconds:,.0f}" for c in rounds_of)
        print(
            f"| {name} | {clock:,.0f} | {clock / clock_0:.2f} | {cpu:,.0f} | {cpu / cpu_0:.2f} | {shown} |"
        )


def growth(engine: BulkEngine, model: Path, place: Path, notes: int) -> None:
    """Time and memory at N and 10 N notes, and the exponent between."""
    seconds, process = [], psutil.Process()
    for count in (notes, 10 * notes):
        cost = export(engine, one_draw_each(model, place / "out", count, seed=7))
        seconds.append(cost.cpu_seconds)
        resident = f"{process.memory_info().rss / 2**20:,.0f} MiB resident"
        print(f"{count:,} notes: {cost.seconds:.1f} s, {cost.cpu_seconds:.1f} CPU s, {resident}")
    print(f"exponent of CPU time: {math.log10(seconds[1] / seconds[0]):.2f}")


def one_draw_each(model: Path, out: Path, notes: int, seed: int) -> ExportConfig:
    """An export whose draws are known beforehand: one for each note, taken or not."""
    return ExportConfig(
        model=model, out=out, notes=notes, seed=seed, engine=ENGINE, max_attempts=1, on_short="finish"
    )


@dataclass(frozen=True)
class Cost:
    """Output tokens, seconds by the clock, and processor time of this process, which is the engine's."""

    tokens: int
    seconds: float
    cpu_seconds: float


KINDS = ("seconds", "cpu_seconds")


def raw(engine: BulkEngine, config: ExportConfig) -> Cost:
    """Only vLLM; prompts are tokenised inside the time, as ours are."""
    from vllm.inputs import tokens_input

    plan = make_plan(config)
    start, cpu = time.perf_counter(), time.process_time()
    requests = [plan.request(note, 1) for note in range(config.notes)]
    prompts = [tokens_input(engine._translator.prompt_ids(request)) for request in requests]
    params = [engine._translator.sampling_params(request.sampling, n=1) for request in requests]
    outputs = engine._llm.generate(prompts, params, use_tqdm=False)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    return Cost(sum(len(output.outputs[0].token_ids) for output in outputs), seconds, cpu_seconds)


def export(engine: BulkEngine, config: ExportConfig) -> Cost:
    """A whole export; its seconds leave out the start of the gate."""
    cpu = time.process_time()
    counts = run_export(config, overwrite=True, engine=engine).counts
    return Cost(counts["tokens_generated"], counts["seconds_drawing"], time.process_time() - cpu)


if __name__ == "__main__":
    main()

"""Is parallel training the same training? Every family at every layout, against plain Hugging Face and
torch.

Same first values, rows, AdamW with weight decay, clipping and learning rates, in float32, over packed
rows of short documents, with a loss weighed by tokens. Real DeepSpeed processes: up to eight of them on
gloo. Then each family is cut off in the middle at 2x2x2 and goes on at other layouts. Prints a table and
leaves with 1 when a difference is over its bound.

    python benchmarks/parity.py [--families llama,gpt2] [--layouts 111,221] [--steps 20] [--out FILE.md]

A layout is its three sizes: tensor, pipeline, data parallel.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ["DS_ACCELERATOR"] = "cpu"
os.environ["HF_HUB_OFFLINE"] = "1"

SHAPES: dict[str, dict[str, Any]] = {
    "llama, tied, 8 heads over 4": {"architecture": "llama", "kv_heads": 4, "tied": True},
    "llama, untied": {"architecture": "llama", "tied": False},
    "mistral, 8 heads over 4": {"architecture": "mistral", "kv_heads": 4, "tied": False},
    "qwen2, tied, 8 heads over 4": {"architecture": "qwen2", "kv_heads": 4, "tied": True},
    "qwen3, 8 heads over 4": {"architecture": "qwen3", "kv_heads": 4, "tied": False},
    "gpt_neox": {"architecture": "gpt_neox", "tied": False},
    "gpt2, tied": {"architecture": "gpt2", "tied": True},
}
LAYOUTS = ("111", "211", "121", "112", "221", "212", "122", "222")
CHANGES = ("111", "141", "411", "212")
"""Layouts at which a run that was saved at 2x2x2 goes on."""
EPS = 1e-6
"""Of AdamW. At 1e-8 it makes full steps of gradients that are rounding alone, such as that of a key's bias:
plain training then differs from itself by 7e-4 when its sums run in another order."""
LOSS, NORM, LOGITS, RESUMED = 1e-5, 1e-4, 1e-4, 1e-6
"""Bounds: absolute, relative, absolute; and absolute of a run that went on, against the unbroken one."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table: a difference a column, and its bound."""

    family: str
    layout: str
    values: tuple[tuple[str, float, float], ...]
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether every difference is within its bound."""
        return all(value <= bound for _, value, bound in self.values)

    def __str__(self) -> str:
        cells = " | ".join(f"{value:.1e}" for _, value, _ in self.values)
        verdict = "" if self.holds else " **over its bound**"
        return f"| {self.family} | {self.layout} | {cells}{verdict} | {self.seconds:.0f} s |"


def main() -> None:
    """Reads the options, runs everything, prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--families", help="beginnings of their names; all when left out")
    parser.add_argument("--layouts", default=",".join(LAYOUTS))
    parser.add_argument("--changes", default=",".join(CHANGES))
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--out", type=Path, help="also write the tables here")
    options = parser.parse_args()
    wanted = [
        name
        for name in SHAPES
        if not options.families or name.startswith(tuple(options.families.split(",")))
    ]
    with tempfile.TemporaryDirectory() as folder:
        report = Report(options.out)
        bench = Bench(Path(folder), options.steps, report)
        bench.layouts(wanted, [layout for layout in options.layouts.split(",") if layout])
        bench.changes(wanted, [layout for layout in options.changes.split(",") if layout])
        report.finish()
    sys.exit(0 if report.holds else 1)


class Report:
    """Prints as it goes, and writes the file at the end."""

    def __init__(self, out: Path | None) -> None:
        self._out, self._said, self.holds = out, [], True

    def say(self, text: str) -> None:
        """A line of prose or of a table's head."""
        print(text, flush=True)
        self._said.append(text)

    def add(self, line: Line) -> None:
        """A row."""
        self.holds &= line.holds
        self.say(str(line))

    def finish(self) -> None:
        """Says whether all held."""
        self.say(
            "\nEvery difference is within its bound."
            if self.holds
            else "\nNot every difference is within its bound."
        )
        if self._out is not None:
            self._out.write_text("\n".join(self._said) + "\n", encoding="utf-8")


class Bench:
    """Runs of one small corpus."""

    def __init__(self, folder: Path, steps: int, report: Report) -> None:
        from benchmarks._plain import make_corpus

        self._folder, self._steps, self._report = folder, steps, report
        self._corpus = make_corpus(folder / "corpus")
        self._runs = 0

    def layouts(self, families: list[str], layouts: list[str]) -> None:
        """Every family at every layout against plain training."""
        from benchmarks._plain import backward_one_by_one, largest_difference, train_plainly

        if not layouts:
            return
        self._report.say(f"Against plain Hugging Face and torch, {self._steps} steps:\n")
        self._report.say(
            "| model | tp pp dp | loss | gradient norm (relative) | logits of the exported folder | time |"
        )
        self._report.say("| --- | --- | ---: | ---: | ---: | ---: |")
        for family in families:
            start = time.monotonic()
            plain = train_plainly(self.config(family, "111"))
            other = train_plainly(self.config(family, "111"), backward=backward_one_by_one)
            control = (
                ("loss", largest_difference(other.losses, plain.losses), LOSS),
                ("norm", largest_difference(other.norms, plain.norms, relative=True), NORM),
                ("logits", largest_logits_difference(other.model, plain.model), LOGITS),
            )
            self._report.add(Line(family, "plain, other order", control, time.monotonic() - start))
            for layout in layouts:
                start = time.monotonic()
                config = self.run(self.config(family, layout))
                losses, norms = curves(config)
                values = (
                    ("loss", largest_difference(losses, plain.losses), LOSS),
                    ("norm", largest_difference(norms, plain.norms, relative=True), NORM),
                    ("logits", logits_difference(config, plain.model), LOGITS),
                )
                self._report.add(Line(family, " ".join(layout), values, time.monotonic() - start))

    def changes(self, families: list[str], layouts: list[str]) -> None:
        """Each family, saved at 2x2x2 and going on at other layouts, against the unbroken run."""
        from benchmarks._plain import largest_difference

        if not layouts:
            return
        self._report.say(
            "\nSaved at 2 2 2 in the middle, going on at another layout, against the unbroken run:\n"
        )
        self._report.say("| model | goes on at | loss | time |")
        self._report.say("| --- | --- | ---: | ---: |")
        for family in families:
            whole = self.run(self.config(family, "222", checkpoints={"every_steps": self._steps // 2}))
            for layout in layouts:
                start = time.monotonic()
                config = self.run(self.going_on(whole, family, layout))
                values = (("loss", largest_difference(curves(config)[0], curves(whole)[0]), RESUMED),)
                self._report.add(Line(family, " ".join(layout), values, time.monotonic() - start))

    def going_on(self, whole: Any, family: str, layout: str) -> Any:
        """The config of a run that finds what ``whole`` had written by its middle."""
        import shutil

        from clinsynth.train import checkpoints
        from clinsynth.train.metrics import FILE

        config = self.config(family, layout)
        name = checkpoints.name_of(self._steps // 2)
        shutil.copytree(whole.folder / checkpoints.FOLDER / name, config.folder / checkpoints.FOLDER / name)
        shutil.copyfile(whole.folder / FILE, config.folder / FILE)
        return config

    def config(self, family: str, layout: str, **more: Any) -> Any:
        """A run of its own folder."""
        from clinsynth.train.config import TrainConfig

        self._runs += 1
        tp, pp, dp = map(int, layout)
        shape = {"hidden_size": 64, "layers": 4, "heads": 8, "intermediate_size": 96, **SHAPES[family]}
        return TrainConfig(
            name="parity",
            corpus=self._corpus,
            out=self._folder / str(self._runs) / "model",
            model=shape,
            context=64,
            steps=self._steps,
            precision="fp32",
            layout={"tp": tp, "pp": pp, "dp": dp, "oversubscribe": True},
            batch={"rows": 8, "micro_rows": 2},
            optimizer={"lr": 1e-3, "warmup_steps": 3, "weight_decay": 0.1, "clip": 1.0, "eps": EPS},
            validation={"every_steps": 0, "rows": 8},
            **{"checkpoints": {"every_steps": 0, "every_minutes": 0}, **more},
        )

    def run(self, config: Any) -> Any:
        """Trains in real processes."""
        from clinsynth.train.launch import launch

        with quiet():
            launch(config, overwrite=False)
        return config


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the progress of runs."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def curves(config: Any) -> tuple[list[float], list[float]]:
    """Losses and gradient norms of a run, a step each."""
    from clinsynth.train.metrics import read_metrics

    steps = [row for row in read_metrics(config.folder) if "loss" in row]
    return [row["loss"] for row in steps], [row["grad_norm"] for row in steps]


def logits_difference(config: Any, model: Any) -> float:
    """Largest difference of the exported folder's logits from those of the plain model."""
    from transformers import AutoModelForCausalLM

    return largest_logits_difference(AutoModelForCausalLM.from_pretrained(config.out), model)


def largest_logits_difference(one: Any, other: Any) -> float:
    """Largest difference of two models' logits."""
    import torch
    from benchmarks._plain import VOCABULARY

    ids = torch.randint(0, VOCABULARY, (2, 40), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return float((one.eval()(ids).logits - other.eval()(ids).logits).abs().max())


if __name__ == "__main__":
    main()

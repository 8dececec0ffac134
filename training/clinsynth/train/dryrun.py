"""What a run would do, as lines to read before it is started: ``clinsynth train --dry-run``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clinsynth.train.checks import checkpoint_to_resume
from clinsynth.train.data import open_batches
from clinsynth.train.settings import model_settings

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig


def outline(config: TrainConfig, processes: str) -> list[tuple[str, str]]:
    """(name, value) a line, of a run that passed its checks. The model's weights are counted, not made.

    Args:
        processes: where the processes run.

    Raises:
        FolderError, UsageError: as the run itself would.
    """
    family, settings = model_settings(config)
    tokens = open_batches(config, 0).tokens_per_step
    layout, batch, optimizer, guard = config.layout, config.batch, config.optimizer, config.guard
    warmup = min(optimizer.warmup_steps, config.steps)
    return [
        ("model", f"{_size(family, settings)}, {config.precision}"),
        ("layout", f"tp {layout.tp} x pp {layout.pp} x dp {layout.dp}: {processes}"),
        ("corpus", str(config.corpus)),
        (
            "batch",
            f"{batch.rows} rows of {config.context:,} tokens, {tokens / (batch.rows * config.context):.0%} "
            f"full of whole documents, {batch.micro_rows} at once on a copy",
        ),
        ("steps", f"{config.steps:,}, about {round(tokens * config.steps):,} tokens to learn from"),
        ("rate", f"{optimizer.lr:g}, {optimizer.schedule} after {warmup:,} steps of warm-up"),
        ("starts from", _start(config)),
        ("checkpoints", f"{_every(config)}, the newest {config.checkpoints.keep} kept, in {config.folder}"),
        ("guard", "off" if guard.spike is None else f"{guard.patience} spikes in a row stop the run"),
        ("trackers", ", ".join(config.trackers) or "none"),
        ("writes", str(config.out)),
    ]


def _size(family: Any, settings: dict[str, Any]) -> str:
    """``LlamaForCausalLM, 4,261,888 parameters``."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(family.config(settings))
    return f"{type(model).__name__}, {sum(p.numel() for p in model.parameters()):,} parameters"


def _start(config: TrainConfig) -> str:
    found = checkpoint_to_resume(config)
    if found is None:
        return "the beginning" if config.init_from is None else f"{config.init_from}"
    path, record = found
    return f"{path.name}: {record.step:,} steps and {record.tokens:,} tokens done"


def _every(config: TrainConfig) -> str:
    steps, minutes = config.checkpoints.every_steps, config.checkpoints.every_minutes
    parts = [f"every {steps:,} steps"] if steps else []
    parts += [f"every {minutes:g} minutes"] if minutes else []
    return " or ".join(parts) or "at the end"

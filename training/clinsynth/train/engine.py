"""DeepSpeed's engine for a run: ZeRO-1, AdamW, clipping, mixed precision."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.checkpoint import checkpoint

from clinsynth.train.writing import write_in_background

if TYPE_CHECKING:
    from clinsynth.train.config import OptimizerConfig, TrainConfig


def start_engine(config: TrainConfig, network: Any, *, universal: bool = False) -> Any:
    """The engine that trains ``network``, a ``PipelineModule``. Collective.

    Args:
        universal: it will read a checkpoint in its universal form.
    """
    import deepspeed

    optimizer = adamw(config.optimizer, list(network.parameters()))
    settings = deepspeed_config(config)
    settings["checkpoint"]["load_universal"] = universal
    engine, *_ = deepspeed.initialize(model=network, optimizer=optimizer, config=settings)
    # DeepSpeed's own way computes again outside of autocast, in another precision, and fails.
    network.activation_checkpoint_func = functools.partial(checkpoint, use_reentrant=False)
    write_in_background(engine)
    return engine


def adamw(config: OptimizerConfig, parameters: Sequence[torch.nn.Parameter]) -> torch.optim.AdamW:
    """AdamW that decays matrices, and neither norms nor biases."""
    dimensions = [len(getattr(p, "ds_shape", p.shape)) for p in parameters]  # under ZeRO-3 a share is flat
    groups = [
        {
            "params": [p for p, dims in zip(parameters, dimensions) if dims >= 2],
            "weight_decay": config.weight_decay,
        },
        {"params": [p for p, dims in zip(parameters, dimensions) if dims < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=config.lr,
        betas=(config.beta1, config.beta2),
        eps=config.eps,
        fused=True,
    )


def deepspeed_config(config: TrainConfig) -> dict[str, Any]:
    """The run in DeepSpeed's own words.

    ZeRO-1 also where dp is 1: ZeRO-0 clips gradients wrongly under pipeline and tensor parallelism.
    """
    return {
        "train_micro_batch_size_per_gpu": config.batch.micro_rows,
        "gradient_accumulation_steps": config.micro_batches,
        "gradient_clipping": config.optimizer.clip,
        "zero_optimization": {"stage": 1},
        "zero_allow_untested_optimizer": True,
        "torch_autocast": {
            "enabled": config.precision == "bf16",
            "dtype": "bfloat16",
            # Gradients travel in float32: the list of modules that may send them in bfloat16 is empty.
            "lower_precision_safe_modules": [],
        },
        "pipeline": {"use_reentrant": False},
        "checkpoint": {"tag_validation": "Fail"},
        "steps_per_print": None,
    }


def set_learning_rate(engine: Any, rate: float) -> None:
    """Sets the rate of the next step."""
    for group in engine.optimizer.param_groups:
        group["lr"] = rate


def grad_norm(engine: Any) -> float:
    """Norm of the last step's gradient over the whole model, before clipping."""
    norm = engine.get_global_grad_norm()
    return float("nan") if norm is None else float(norm)

"""What a run must keep to go on: the adapter and the optimizer's moments, whole and by name, in one
safetensors file.

DeepSpeed's own checkpoint holds each process's share, and can be read by as many processes only. This
one knows no layout: any number of copies at any stage of ZeRO goes on from it. It is small, and holds
nothing of the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import torch

FILE: Final = "adapter.safetensors"
_MOMENTS: Final = ("exp_avg", "exp_avg_sq")  # AdamW's, by torch's names
_STEP: Final = "step"


def trained(module: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Parameter]]:
    """The parameters that are trained, by name, in the same order in every process."""
    return ((name, p) for name, p in module.named_parameters() if p.requires_grad)


def whole_weights(engine: Any) -> dict[str, torch.Tensor]:
    """The trained parameters in float32 on the CPU, by their names in ``engine.module``. Collective."""
    return {name: _whole(engine, parameter) for name, parameter in trained(engine.module)}


def save_state(engine: Any, path: Path) -> None:
    """Hands the state of a run to the engine's writer. Collective; the first process writes.

    Args:
        engine: a ``DeepSpeedEngine`` that has done a step.
    """
    import torch.distributed as dist

    _link_moments(engine.optimizer)
    tensors = {_STEP: torch.tensor(engine.global_steps)}
    for name, parameter in trained(engine.module):
        tensors[f"weight/{name}"] = _whole(engine, parameter)
        for moment in _MOMENTS:
            tensors[f"{moment}/{name}"] = _whole(engine, parameter, moment)
    if dist.get_rank() == 0:
        engine.checkpoint_engine.save(tensors, str(path))
    path.parent.mkdir(parents=True, exist_ok=True)


def load_state(engine: Any, path: Path) -> None:
    """Brings an engine to where ``save_state`` found one, whatever the number of copies was. Collective."""
    from safetensors.torch import load_file

    tensors = load_file(path)
    step = int(tensors[_STEP])
    stage = engine.zero_optimization_stage()
    if stage > 0:
        _make_moments(engine.optimizer, step)
    for name, parameter in trained(engine.module):
        values = {key: tensors[f"{key}/{name}"].to(engine.device) for key in ("weight", *_MOMENTS)}
        _set(engine, parameter, values, step)
    engine.global_steps = step


@torch.no_grad()
def _whole(engine: Any, parameter: Any, moment: str | None = None) -> torch.Tensor:
    from deepspeed.utils import safe_get_full_fp32_param, safe_get_full_optimizer_state

    if engine.zero_optimization_stage() == 0:
        value = parameter if moment is None else engine.optimizer.state[parameter][moment]
    elif moment is None:
        value = safe_get_full_fp32_param(parameter)
    else:
        value = safe_get_full_optimizer_state(parameter, moment)
    # a copy: what DeepSpeed hands out may lie in a buffer of its own
    whole: torch.Tensor = value.detach().to("cpu", torch.float32, copy=True).contiguous()
    return whole


@torch.no_grad()
def _set(engine: Any, parameter: Any, values: dict[str, torch.Tensor], step: int) -> None:
    import deepspeed
    from deepspeed.utils import safe_set_full_fp32_param, safe_set_full_optimizer_state

    stage = engine.zero_optimization_stage()
    with deepspeed.zero.GatheredParameters([parameter], modifier_rank=0, enabled=stage == 3):
        parameter.data.copy_(values["weight"])
    if stage == 0:
        engine.optimizer.state[parameter] = {
            "step": torch.tensor(float(step), device=parameter.device),
            **{moment: values[moment] for moment in _MOMENTS},
        }
        return
    safe_set_full_fp32_param(parameter, values["weight"])
    for moment in _MOMENTS:
        safe_set_full_optimizer_state(parameter, values[moment], moment)


def _make_moments(zero: Any, step: int) -> None:
    """Torch makes the moments in the first step; ZeRO's flat shares get theirs here, to be set."""
    flats = getattr(zero, "fp32_partitioned_groups_flat", None) or zero.single_partition_of_fp32_groups
    for flat in flats:
        zero.optimizer.state[flat] = {
            "step": torch.tensor(float(step), device=flat.device),
            **{moment: torch.zeros_like(flat) for moment in _MOMENTS},
        }
    _link_moments(zero)


def _link_moments(zero: Any) -> None:
    """ZeRO-1 and 2 link parameters to their moments when the first group has stepped, and the others'
    are not there yet; so it is done once more."""
    if hasattr(zero, "_lazy_init_hp_params_optimizer_state"):
        zero._hp_optimizer_states_linked = False
        zero._lazy_init_hp_params_optimizer_state()

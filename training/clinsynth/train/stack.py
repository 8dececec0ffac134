"""The layers of a pipeline in one process, for ZeRO stages that a pipeline cannot have.

Parameters are named as DeepSpeed's pipeline names them. Under ZeRO-3 each layer is shared out as soon as it
is built: no process ever holds the whole model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from clinsynth.train.layers import Block
from clinsynth.train.plain_engine import PlainEngine, start_plain_engine, zero_settings

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig

Inputs = tuple[torch.Tensor, torch.Tensor]


class Stack(nn.Module):
    """All layers one after the other; answers a micro-batch with its loss, or with logits.

    Args:
        specs: DeepSpeed's ``LayerSpec`` or ``TiedLayerSpec`` of each layer.
        grid: DeepSpeed's grid of the processes.
        loss: logits and target -> a scalar.
        share_out: called with each layer when it is built.
        recompute: keep only what goes into each block, and compute it again for its gradient.
    """

    stage_id = 0

    def __init__(
        self,
        specs: Sequence[Any],
        grid: Any,
        loss: Callable[..., torch.Tensor],
        share_out: Callable[[nn.Module], None],
        *,
        recompute: bool,
    ) -> None:
        from deepspeed.pipe import TiedLayerSpec

        super().__init__()
        self.loss, self._grid, self._recompute = loss, grid, recompute
        self.tied_modules = nn.ModuleDict()
        self._run: list[Callable[[Any], Any]] = []
        for number, spec in enumerate(specs):
            if isinstance(spec, TiedLayerSpec) and spec.key in self.tied_modules:
                layer = _Again(self.tied_modules[spec.key], spec.forward_fn)
            else:
                layer = spec.build()
                share_out(layer)
            if isinstance(spec, TiedLayerSpec) and spec.key not in self.tied_modules:
                self.tied_modules[spec.key] = layer
            else:
                self.add_module(str(number), layer)
            self._run.append(layer)

    def mpu(self) -> Any:
        """The grid that the layers are spread over."""
        return self._grid

    def forward(self, inputs: Inputs, target: Inputs | None = None) -> torch.Tensor:
        """Token ids and segments [B, T] -> logits [B, T, V]; with labels and weight, their loss."""
        states: Any = inputs
        for layer in self._run:
            if self._recompute and isinstance(layer, Block) and torch.is_grad_enabled():
                states = checkpoint(layer, states, use_reentrant=False)
            else:
                states = layer(states)
        return states if target is None else self.loss(states, target)


class _Again(nn.Module):
    """A layer that runs once more, in another way. Its weights are the layer's, and not registered here."""

    def __init__(self, layer: nn.Module, forward: Callable[[Any, Any], Any]) -> None:
        from deepspeed.runtime.zero import register_external_parameter

        super().__init__()
        self._call = lambda inputs: forward(layer, inputs)
        for parameter in layer.parameters():
            if hasattr(parameter, "ds_id"):  # under ZeRO-3: gather it for this module too
                register_external_parameter(self, parameter)

    def forward(self, inputs: Any) -> Any:
        """What the other way gives."""
        return self._call(inputs)  # type: ignore[no-untyped-call]


def start_stack(config: TrainConfig, stack: Stack, width: int) -> PlainEngine:
    """The engine that trains ``stack`` under the run's ZeRO stage. Collective.

    Args:
        width: of the model's hidden states.
    """
    grid = stack.mpu()
    return PlainEngine(start_plain_engine(config, stack, width, grid), config, grid)


def share_out(config: TrainConfig, width: int, grid: Any) -> Callable[[nn.Module], None]:
    """What to do with each layer when it is built: under ZeRO-3, keep this process's share only."""
    if config.layout.zero != 3:
        return lambda _layer: None

    def keep_share(layer: nn.Module) -> None:
        from deepspeed import zero

        settings = {
            "train_micro_batch_size_per_gpu": config.batch.micro_rows,
            "zero_optimization": zero_settings(3, width),
        }
        copies = grid.get_data_parallel_group()
        zero.Init(module=layer, data_parallel_group=copies, config_dict_or_path=settings)

    return keep_share

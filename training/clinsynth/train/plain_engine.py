"""A Hugging Face model under DeepSpeed without a pipeline, behind the calls that the loop makes of one.

Copies share a batch; what each of them holds of optimizer, gradients and weights is ZeRO's stage:

0   everything          2   a share of optimizer and gradients
1   a share of the      3   a share of the weights too, gathered layer by layer for as long as they compute
    optimizer's state

Shapes: B rows of a micro-batch, T tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import nn

from clinsynth.train.attention import document_mask, document_positions
from clinsynth.train.dropout import number_of
from clinsynth.train.engine import adamw, deepspeed_config
from clinsynth.train.writing import write_in_background

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig
    from clinsynth.train.data import MicroBatch

Loss = Callable[[torch.Tensor, tuple[torch.Tensor, torch.Tensor]], torch.Tensor]
"""Logits [B, T, V]; labels [B, T] and the weight of a token -> a micro-batch's share in its step's loss."""


class Scored(nn.Module):
    """A decoder of Hugging Face that answers a micro-batch with its loss, attending inside documents."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(
        self, inputs: tuple[torch.Tensor, torch.Tensor], target: tuple[torch.Tensor, torch.Tensor]
    ) -> torch.Tensor:
        """A scalar; ``inputs`` are token ids and segments, [B, T] both."""
        ids, segments = inputs
        output = self.model(
            input_ids=ids,
            attention_mask=document_mask(segments),
            position_ids=document_positions(segments),
            use_cache=False,
        )
        return self.loss(output.logits, target)


@dataclass(frozen=True, slots=True)
class Copies:
    """This process's place on a grid that has no axis but the data-parallel one."""

    copy: int
    copies: int

    @classmethod
    def all(cls) -> Self:
        """Every process of the run is a copy."""
        import torch.distributed as dist

        return cls(dist.get_rank(), dist.get_world_size())

    def get_data_parallel_rank(self) -> int:
        """Which copy this is."""
        return self.copy

    def get_data_parallel_world_size(self) -> int:
        """How many copies there are."""
        return self.copies

    def get_data_parallel_group(self) -> None:
        """All processes (``torch.distributed``'s default group)."""

    def get_pipe_parallel_rank(self) -> int:
        """There is one stage."""
        return 0

    def get_slice_parallel_rank(self) -> int:
        """Layers are not split."""
        return 0


class PlainEngine:
    """What ``Trainer`` and ``checkpoints`` ask of an engine, on a ``DeepSpeedEngine``. All is collective.

    Args:
        engine: DeepSpeed's, around ``Scored``.
        config: of the run.
        grid: the processes' places; None: all are copies.
    """

    def __init__(self, engine: Any, config: TrainConfig, grid: Any = None) -> None:
        self.engine, self._config = engine, config
        self.mpu = grid or Copies.all()
        self._norm: float | None = None

    @property
    def module(self) -> Any:
        """The ``Scored`` model."""
        return self.engine.module

    @property
    def checkpoint_engine(self) -> Any:
        """What writes checkpoints, in the background."""
        return self.engine.checkpoint_engine

    @property
    def optimizer(self) -> Any:
        """With ``param_groups``, whose ``lr`` may be set."""
        return self.engine.optimizer

    def get_global_grad_norm(self) -> float | None:
        """Norm of the last step's gradient, before clipping."""
        return self.engine.get_global_grad_norm() if self._norm is None else self._norm

    def train_batch(self, micro_batches: Iterator[MicroBatch]) -> torch.Tensor:
        """One optimizer step on ``config.micro_batches`` of this copy; the loss over all copies."""
        self.engine.train()
        step, total = self.engine.global_steps, torch.zeros((), device=self.engine.device)
        for number in range(self._config.micro_batches):
            copies = self.mpu.get_data_parallel_world_size()
            self._seed(step, number * copies + self.mpu.get_data_parallel_rank())
            loss = self._loss(next(micro_batches))
            self.engine.backward(loss)
            if self._config.layout.zero == 0 and self.engine.is_gradient_accumulation_boundary():
                self._clip()
            self.engine.step()
            total += loss.detach()
        return self._mean(total / self._config.micro_batches)

    @torch.no_grad()
    def eval_batch(
        self, micro_batches: Iterator[MicroBatch], num_micro_batches: int, return_logits: bool = False
    ) -> Any:
        """The loss over all copies; with ``return_logits`` the logits of one micro-batch behind it."""
        self.engine.eval()
        if return_logits:
            inputs, _ = next(micro_batches)
            return None, self.engine(tuple(tensor.to(self.engine.device) for tensor in inputs))
        total = torch.zeros((), device=self.engine.device)
        for _ in range(num_micro_batches):
            total += self._loss(next(micro_batches))
        return self._mean(total / num_micro_batches)

    def save_checkpoint(self, folder: str, tag: str, save_latest: bool = False) -> None:
        """Writes DeepSpeed's files into ``folder/tag``."""
        self.engine.save_checkpoint(folder, tag=tag, save_latest=save_latest)

    def load_checkpoint(self, folder: str, tag: str) -> None:
        """Reads what ``save_checkpoint`` wrote."""
        self.engine.load_checkpoint(folder, tag=tag)

    def _loss(self, micro_batch: MicroBatch) -> torch.Tensor:
        (ids, segments), (labels, weight) = micro_batch
        device = self.engine.device
        loss: torch.Tensor = self.engine(
            (ids.to(device), segments.to(device)), (labels.to(device), weight.to(device))
        )
        return loss

    def _mean(self, value: torch.Tensor) -> torch.Tensor:
        import torch.distributed as dist

        dist.all_reduce(value, group=self.mpu.get_data_parallel_group())
        return value / self.mpu.get_data_parallel_world_size()

    def _clip(self) -> None:
        """Without ZeRO, DeepSpeed clips and tells no norm: it is done here, and its own is switched off."""
        trained = [parameter for parameter in self.module.parameters() if parameter.requires_grad]
        self._norm = float(nn.utils.clip_grad_norm_(trained, self._config.optimizer.clip))

    def _seed(self, step: int, micro_batch: int) -> None:
        """Dropout depends on step and micro-batch alone, not on the copy that computes it or a restart."""
        torch.manual_seed(number_of("dropout", self._config.seed, step, micro_batch))


def start_plain_engine(config: TrainConfig, scored: nn.Module, width: int, grid: Any = None) -> Any:
    """DeepSpeed's engine; parameters that require a gradient are trained. Collective.

    Args:
        scored: answers a micro-batch with its loss, as ``Scored`` does.
        width: of the model's hidden states.
        grid: DeepSpeed's, where there is tensor parallelism.
    """
    import deepspeed

    optimizer = adamw(config.optimizer, [p for p in scored.parameters() if p.requires_grad])
    settings = deepspeed_config(config) | {"zero_optimization": zero_settings(config.layout.zero, width)}
    if config.layout.zero == 0:
        settings["gradient_clipping"] = 0.0
    engine, *_ = deepspeed.initialize(model=scored, optimizer=optimizer, config=settings, mpu=grid)
    write_in_background(engine)
    return engine


def zero_settings(stage: int, width: int) -> dict[str, Any]:
    """DeepSpeed's section for a stage; buffers go by the model's width, as in Hugging Face's trainer.

    The defaults are made for the largest models: gigabytes before the first step.
    """
    settings: dict[str, Any] = {"stage": stage}
    if stage >= 1:
        settings["reduce_bucket_size"] = max(width * width, 1 << 20)
    if stage == 3:
        settings |= {
            "stage3_prefetch_bucket_size": int(0.9 * width * width),
            "stage3_param_persistence_threshold": 10 * width,
        }
    return settings

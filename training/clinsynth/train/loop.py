"""The training loop: step, look at the numbers, validate, save."""

from __future__ import annotations

import math
import os
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from clinsynth.errors import ClinsynthError
from clinsynth.progress import Progress
from clinsynth.train import checkpoints
from clinsynth.train.distributed import PROGRESS_FD, Place, from_first
from clinsynth.train.dropout import seed_step
from clinsynth.train.engine import grad_norm, set_learning_rate
from clinsynth.train.metrics import Metrics, memory_mib
from clinsynth.train.schedule import learning_rate

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig
    from clinsynth.train.data import Batches


@dataclass(slots=True)
class State:
    """How far a run is: optimizer steps done, tokens the loss was taken over."""

    step: int = 0
    tokens: int = 0


@dataclass(slots=True)
class Trainer:
    """Trains an engine to the end of its run. Every method but the private ones is collective.

    Args:
        run: what makes a checkpoint one of this run.
    """

    config: TrainConfig
    engine: Any
    batches: Batches
    place: Place
    run: dict[str, Any]
    state: State = field(default_factory=State)
    _saved: float = field(default_factory=time.monotonic)

    def fit(self) -> None:
        """Goes on from ``state`` to the last step, and leaves a checkpoint of it.

        Raises:
            ClinsynthError: the loss or the gradient is no longer a number.
        """
        metrics = Metrics(self.config.folder, self.state.step) if self.place.first else None
        total = round(self.batches.tokens_per_step * self.config.steps)
        progress = Progress("training", total, "tokens", stream=_progress_stream(self.place))
        progress.resume_from(self.state.tokens)
        with progress:
            while self.state.step < self.config.steps:
                row, tokens = self._step()
                if metrics is not None:
                    metrics.add(**row)
                if self._due(self.config.validation.every_steps) or self._last:
                    valid = self.validate()
                    if metrics is not None:
                        metrics.add(step=self.state.step, **valid)
                if self._last or self._due(self.config.checkpoints.every_steps) or self._overdue():
                    self.save()
                self.engine.checkpoint_engine.check()
                progress.advance(
                    tokens, f"step {self.state.step:,}/{self.config.steps:,}, loss {row['loss']:.3f}"
                )
            checkpoints.wait(self.engine)

    def validate(self) -> dict[str, float]:
        """Nats per token on the validation rows: ``valid_loss``, and ``valid_loss/NAME`` of each source."""
        total, seen, losses = 0.0, 0, {}
        for source, micro_batches, tokens in self.batches.validation():
            loss = float(self.engine.eval_batch(iter(micro_batches), num_micro_batches=len(micro_batches)))
            losses[f"valid_loss/{source}"] = loss
            total, seen = total + loss * tokens, seen + tokens
        return {"valid_loss": total / max(1, seen), **losses}

    def save(self) -> None:
        """Begins to write a checkpoint."""
        layout = self.config.layout.axes
        progress = checkpoints.Progress(self.state.step, self.state.tokens, self.run, layout)
        checkpoints.save(self.engine, self.config.folder, progress, self.config.checkpoints.keep)
        self._saved = time.monotonic()

    def _step(self) -> tuple[dict[str, Any], int]:
        start = time.monotonic()
        rate = learning_rate(self.state.step, self.config.steps, self.config.optimizer)
        set_learning_rate(self.engine, rate)
        micro_batches, tokens = self.batches.step(self.state.step)
        grid = self.engine.mpu
        copy, stage = grid.get_data_parallel_rank(), grid.get_pipe_parallel_rank()
        seed_step(self.config, self.state.step, copy, stage)
        loss = float(self.engine.train_batch(iter(micro_batches)))
        norm = grad_norm(self.engine)
        self.state.step += 1
        self.state.tokens += tokens
        self._guard(loss, norm)
        seconds = time.monotonic() - start
        row = {
            "step": self.state.step,
            "loss": loss,
            "lr": rate,
            "grad_norm": norm,
            "tokens": self.state.tokens,
            "tokens_per_second": round(tokens / seconds, 1),
            "memory_mib": round(memory_mib(), 1),
        }
        return row, tokens

    def _guard(self, loss: float, norm: float) -> None:
        if math.isfinite(loss) and math.isfinite(norm):
            return
        last = checkpoints.find(self.config.folder, "auto")
        remains = (
            "no checkpoint was written before" if last is None else f"the last good one is {last.name}"
        )
        raise ClinsynthError(
            f"step {self.state.step}: the loss is {loss} and the norm of the gradient {norm}; {remains}. "
            "Lower optimizer.lr or raise optimizer.warmup_steps"
        )

    @property
    def _last(self) -> bool:
        return self.state.step == self.config.steps

    def _due(self, every: int) -> bool:
        return every > 0 and self.state.step % every == 0

    def _overdue(self) -> bool:
        minutes = self.config.checkpoints.every_minutes
        if not minutes:
            return False
        # Clocks differ between processes, and they must save together.
        return bool(from_first(time.monotonic() - self._saved > minutes * 60))


def _progress_stream(place: Place) -> TextIO:
    if not place.first:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - lives as long as the process
    if PROGRESS_FD in os.environ:
        return os.fdopen(int(os.environ[PROGRESS_FD]), "w", closefd=False)
    return sys.stderr

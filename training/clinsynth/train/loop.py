"""The training loop: step, look at the numbers, validate, save; stop when asked to or when they go bad."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from clinsynth.errors import DivergedError, StoppedError
from clinsynth.progress import Progress
from clinsynth.train import checkpoints, endings
from clinsynth.train.distributed import PROGRESS_FD, Place, any_of, from_all, from_first
from clinsynth.train.dropout import seed_step
from clinsynth.train.engine import grad_norm, set_learning_rate
from clinsynth.train.guard import Guard
from clinsynth.train.metrics import memory_mib, memory_reserved_mib
from clinsynth.train.records import Records, open_records
from clinsynth.train.schedule import learning_rate
from clinsynth.train.stopping import StopFlag

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
        utilisation: model FLOPs utilisation of one token a second; None where the accelerator's peak is not
            known.
    """

    config: TrainConfig
    engine: Any
    batches: Batches
    place: Place
    run: dict[str, Any]
    utilisation: float | None = None
    state: State = field(default_factory=State)
    _saved_at: float = field(default_factory=time.monotonic)
    _owed: bool = False
    _unproven: int | None = None

    def fit(self) -> None:
        """Goes on from ``state`` to the last step, and leaves a checkpoint of it.

        Raises:
            StoppedError: asked to stop; what was done is saved.
            DivergedError: the loss or the gradient is no number, or the loss stays far above what was
            usual.
        """
        self._drop_later()
        first = self.place.first
        total = round(self.batches.tokens_per_step * self.config.steps)
        progress = Progress("training", total, "tokens", stream=_progress_stream(self.place))
        progress.resume_from(self.state.tokens)
        with (
            open_records(self.config, self.state.step, writes=first) as records,
            StopFlag(self.config.folder if first else None) as flag,
            progress,
        ):
            guard = Guard(self.config.guard, records.losses)
            while self.state.step < self.config.steps:
                row, tokens = self._step()
                records.add(**row)
                progress.advance(
                    tokens, f"step {self.state.step:,}/{self.config.steps:,}, loss {row['loss']:.3f}"
                )
                self._look_after(row, guard, flag, records)
                self.engine.checkpoint_engine.check()
            checkpoints.wait(self.engine)
            self._prune()
            if any_of(flag.reason is not None)[0]:  # it came while the last checkpoint was written
                self._leave(flag)

    def validate(self) -> dict[str, float]:
        """Nats per token on the validation rows: ``valid_loss``, and ``valid_loss/NAME`` of each source."""
        total, seen, losses = 0.0, 0, {}
        for source, micro_batches, tokens in self.batches.validation():
            loss = float(self.engine.eval_batch(iter(micro_batches), num_micro_batches=len(micro_batches)))
            losses[f"valid_loss/{source}"] = loss
            total, seen = total + loss * tokens, seen + tokens
        return {"valid_loss": total / max(1, seen), **losses}

    def save(self) -> None:
        """Begins to write a checkpoint. The oldest stays until a step has shown that this one is good."""
        layout = self.config.layout.axes
        progress = checkpoints.Progress(self.state.step, self.state.tokens, self.run, layout)
        checkpoints.save(self.engine, self.config.folder, progress, self.config.checkpoints.keep + 1)
        self._saved_at, self._owed, self._unproven = time.monotonic(), False, self.state.step

    def _look_after(self, row: dict[str, Any], guard: Guard, flag: StopFlag, records: Records) -> None:
        """All that follows a step. The first process judges, any may be asked to stop, all act as one."""
        first = self.place.first
        trouble = guard.judge(row["loss"], row["grad_norm"]) if first else None
        diverged, doubtful, overdue, stop = any_of(
            trouble is not None,
            first and guard.spikes > 0,
            first and self._overdue,
            flag.reason is not None,
        )
        if diverged:
            checkpoints.wait(self.engine)
            line = trouble and endings.diverged(self.config, self.state.step, trouble, guard.spikes)
            raise DivergedError(from_first(line))
        if not doubtful:
            self._prove()
        if self._due(self.config.validation.every_steps) or self._last:
            records.add(step=self.state.step, **self.validate())
        self._owed |= overdue or stop or self._due(self.config.checkpoints.every_steps)
        if self._last or (self._owed and not doubtful):
            self.save()
        if stop:
            self._leave(flag)

    def _leave(self, flag: StopFlag) -> NoReturn:
        checkpoints.wait(self.engine)
        reasons = from_all(flag.reason)
        flag.agree()
        raise StoppedError(endings.stopped(self.config, self.state.step, reasons))

    def _step(self) -> tuple[dict[str, Any], int]:
        start = time.monotonic()
        rate = learning_rate(self.state.step, self.config.steps, self.config.optimizer)
        set_learning_rate(self.engine, rate)
        micro_batches, tokens = self.batches.step(self.state.step)
        waited = time.monotonic() - start
        grid = self.engine.mpu
        copy, stage = grid.get_data_parallel_rank(), grid.get_pipe_parallel_rank()
        seed_step(self.config, self.state.step, copy, stage)
        loss = float(self.engine.train_batch(iter(micro_batches)))
        norm = grad_norm(self.engine)
        self.state.step += 1
        self.state.tokens += tokens
        seconds = time.monotonic() - start
        speed = tokens / seconds
        row = {
            "step": self.state.step,
            "loss": loss,
            "lr": rate,
            "grad_norm": norm,
            "tokens": self.state.tokens,
            "tokens_per_second": round(speed, 1),
            "tokens_per_second_per_process": round(speed / self.place.world_size, 1),
            "step_seconds": round(seconds, 4),
            "data_seconds": round(waited, 4),
            "mfu": None if self.utilisation is None else round(self.utilisation * speed, 4),
            "memory_mib": round(memory_mib(), 1),
            "memory_reserved_mib": memory_reserved_mib(),
        }
        return row, tokens

    def _drop_later(self) -> None:
        """Removes checkpoints after the one that the run goes on from: their future is given up."""
        if self.place.first:
            checkpoints.drop_after(self.config.folder, self.state.step)
        from_all(None)

    def _prove(self) -> None:
        """The newest checkpoint's weights gave a usual loss: once it is written, the oldest may go."""
        if self._unproven in (None, self.state.step) or not self.place.first:
            return
        name = checkpoints.name_of(self._unproven)
        if (self.config.folder / checkpoints.FOLDER / name / checkpoints.RECORD).exists():
            self._unproven = None
            self._prune()

    def _prune(self) -> None:
        if self.place.first:
            checkpoints.prune(self.config.folder, self.config.checkpoints.keep)

    @property
    def _last(self) -> bool:
        return self.state.step == self.config.steps

    def _due(self, every: int) -> bool:
        return every > 0 and self.state.step % every == 0

    @property
    def _overdue(self) -> bool:
        minutes = self.config.checkpoints.every_minutes
        return minutes > 0 and time.monotonic() - self._saved_at > minutes * 60


def _progress_stream(place: Place) -> TextIO:
    if not place.first:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - lives as long as the process
    if PROGRESS_FD in os.environ:
        return os.fdopen(int(os.environ[PROGRESS_FD]), "w", closefd=False)
    return sys.stderr

"""What a run that ends early says: one line, with the checkpoint to go on from and the keys to set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from clinsynth.train import checkpoints

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig


def diverged(config: TrainConfig, step: int, trouble: str, spikes: int) -> str:
    """Of a run whose numbers went bad: what, and how to go on.

    A checkpoint of the step before the first bad loss is not called good: its weights gave that loss.

    Args:
        step: the last one done.
        trouble: what is wrong with its numbers.
        spikes: how many steps up to it were bad.
    """
    there = checkpoints.complete(config.folder)
    good = [path.name for path in there if path.name < checkpoints.name_of(step - spikes)]
    if good:
        way = f"the last good checkpoint is {good[-1]}: go on with resume={good[-1]}"
    elif there:
        name = there[0].name
        way = f"{name} was written just before and may be bad: try resume={name}, else --overwrite, with"
    else:
        way = "there is no checkpoint of before: start again with"
    rest = "" if config.guard.spike is None else ", or guard.spike=null to let spikes pass"
    return f"step {step}: {trouble}; {way} optimizer.lr={config.optimizer.lr / 2:.3g}{rest}"


def stopped(config: TrainConfig, step: int, reasons: Iterable[str | None]) -> str:
    """Of a run that was asked to stop: what asked, and what was saved.

    Args:
        step: the last one done.
        reasons: what asked each process.
    """
    reason = next(reason for reason in reasons if reason is not None)
    there = checkpoints.complete(config.folder)
    again = "the same command" if config.resume == "auto" else "resume=auto"
    if not there:
        return f"{reason} came, nothing is saved yet; {again} starts from the beginning"
    newest = there[-1].name
    if newest != checkpoints.name_of(step):  # a spike, which the guard has not stopped for yet
        return f"{reason} came, step {step} is in doubt and not saved; {again} goes on from {newest}"
    return f"{reason} came, saved {newest}; {again} goes on from it"

"""The simulated hospital as a source of notes in a config."""

from __future__ import annotations

from pydantic import Field

from clinsynth.config import Config


class Simulate(Config):
    """Notes of the simulated hospital in place of a file.

    Args:
        notes: how many.
        seed: None: the run's.
        start: number of the first note: another part of the same hospital.
    """

    notes: int = Field(ge=1)
    seed: int | None = None
    start: int = Field(default=0, ge=0)

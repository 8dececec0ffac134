"""A run's config as trackers may see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig

Setting = int | float | str | bool
_LEFT_OUT: Final = ("name", "resume", "trackers")


def settings_of(config: TrainConfig) -> dict[str, Setting]:
    """``{"optimizer.lr": 0.001, ...}``: every key but paths, which may tell a user's or a study's name."""
    values = config.model_dump(exclude=set(_LEFT_OUT))
    shape = config.shape
    if shape is not None:
        values["model"] = shape.model_dump()
    return dict(_flat(values, ""))


def _flat(value: Any, key: str) -> Iterator[tuple[str, Setting]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{key}.{number}")
    elif value is not None and not isinstance(value, Path):
        yield key, value

"""What a tracker is, what it is told of a run, and which series of numbers it goes on with."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from clinsynth.errors import MissingExtraError
from clinsynth.folders import write_json

FILE: Final = "trackers.json"
EXTRA: Final[Mapping[str, tuple[str, str]]] = {
    "tensorboard": ("tensorboard", "train"),
    "mlflow": ("mlflow", "trackers"),
    "wandb": ("wandb", "trackers"),
}
"""The package of each tracker, and the extra that installs it."""
_BESIDES: Final = ("layout.", "batch.micro_rows", "checkpoints.", "validation.", "guard.")
"""Settings that may change while the numbers stay those of one series."""


class Tracker(Protocol):
    """Takes numbers until it is closed. Called from one thread.

    Args:
        reached: the last step that it has already; it is given later ones only.
    """

    reached: int

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Numbers of a step; steps don't fall."""

    def close(self) -> None:
        """Nothing comes any more; returns when all has been handed over."""


@dataclass(frozen=True, slots=True)
class Series:
    """The numbers of a run so far, for a tracker that starts or goes on.

    Args:
        folder: the run folder.
        name: what the run is called.
        settings: the run's config, flat, without paths.
        rows: the rows of ``metrics.jsonl`` up to the step that the run goes on from, that one included.
        step: that step.
        reached: the last step that trackers have been told of; past ``step`` when the run was cut off.
    """

    folder: Path
    name: str
    settings: Mapping[str, Any]
    rows: list[dict[str, Any]]
    step: int
    reached: int

    def known_id(self, tracker: str) -> str | None:
        """The id that the tracker knows this series by; None when it starts one.

        A run with other settings than before is another series: steps that it takes again come out
        otherwise.
        """
        known = self._known().get(tracker)
        if known is None or not self.reached or known["settings"] != self._decisive():
            return None
        return str(known["id"])

    def remember(self, tracker: str, identifier: str) -> None:
        """Notes the id for the next start."""
        entry = {"id": identifier, "settings": self._decisive()}
        temporary = self.folder / f".{FILE}"
        write_json(temporary, {**self._known(), tracker: entry})
        temporary.rename(self.folder / FILE)

    def _known(self) -> dict[str, Any]:
        try:
            known: dict[str, Any] = json.loads((self.folder / FILE).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return known

    def _decisive(self) -> dict[str, Any]:
        return {key: value for key, value in self.settings.items() if not key.startswith(_BESIDES)}


def check_installed(names: Iterable[str]) -> None:
    """Fails when a tracker's package is missing.

    Raises:
        MissingExtraError: names the extra.
    """
    for name in names:
        package, extra = EXTRA[name]
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:  # a folder of that name is no package
            raise MissingExtraError(package, extra)

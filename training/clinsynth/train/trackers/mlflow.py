"""MLflow: to the server of ``MLFLOW_TRACKING_URI``, or to files in the run folder.

The plain client, not the fluent calls, which would add tags with the names of user and program.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any, Final

from clinsynth.errors import MissingExtraError
from clinsynth.train.trackers.base import EXTRA, Series

NAME: Final = "mlflow"
_EXPERIMENT: Final = "clinsynth"
_BATCH: Final = 500  # MLflow takes at most 1,000 at once
_SECONDS: Final = 5.0


def start(series: Series) -> MLflow:
    """Goes on with the run that MLflow knows, or starts one."""
    try:
        import mlflow
    except ImportError:
        raise MissingExtraError(*EXTRA[NAME]) from None
    client = mlflow.MlflowClient(_address(series))
    known = series.known_id(NAME)
    if known is not None:
        client.update_run(known, status="RUNNING")
        return MLflow(client, known, series.reached)
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", _EXPERIMENT)
    experiment = client.get_experiment_by_name(name)
    number = client.create_experiment(name) if experiment is None else experiment.experiment_id
    run = client.create_run(number, run_name=series.name).info.run_id
    client.log_batch(run, params=[mlflow.entities.Param(k, str(v)) for k, v in series.settings.items()])
    series.remember(NAME, run)
    return MLflow(client, run, 0)


def _address(series: Series) -> str:
    address = os.environ.get("MLFLOW_TRACKING_URI")
    if address:
        return address
    # MLflow asks for this word since it wants databases; files need no further packages.
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    return (series.folder / NAME).absolute().as_uri()


class MLflow:
    """Metrics of one run, handed over every few seconds."""

    def __init__(self, client: Any, run: str, reached: int) -> None:
        self._client, self._run, self.reached = client, run, reached
        self._waiting: list[Any] = []
        self._sent = time.monotonic()

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Takes the numbers of a step."""
        from mlflow.entities import Metric

        now = round(time.time() * 1000)
        self._waiting += [Metric(key, value, now, step) for key, value in numbers.items()]
        if len(self._waiting) >= _BATCH or time.monotonic() - self._sent > _SECONDS:
            self._send()

    def close(self) -> None:
        """Hands over what is left and marks the run as finished."""
        self._send()
        self._client.set_terminated(self._run)

    def _send(self) -> None:
        if self._waiting:
            self._client.log_batch(self._run, metrics=self._waiting)
        self._waiting, self._sent = [], time.monotonic()

"""Where a run's numbers can be watched: TensorBoard, MLflow, Weights & Biases.

``metrics.jsonl`` has every number in any case; trackers show them. They get numbers and settings, and
nothing else: no text, no paths, no name of a user or a machine. None of them sends anything away unless its
own environment variable says where to (``MLFLOW_TRACKING_URI``, ``WANDB_MODE``).
"""

from clinsynth.train.trackers.base import EXTRA, Series, Tracker, check_installed
from clinsynth.train.trackers.feed import Trackers, open_trackers
from clinsynth.train.trackers.settings import settings_of

__all__ = ["EXTRA", "Series", "Tracker", "Trackers", "check_installed", "open_trackers", "settings_of"]

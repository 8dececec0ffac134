"""What the real trackers hold of a run that is cut off and goes on: every step once, and nobody's name."""

from __future__ import annotations

import getpass
import importlib.util
import json
import platform
import sys
import time
from pathlib import Path

import pytest

from clinsynth.config import load_config
from clinsynth.errors import MissingExtraError
from clinsynth.train.config import TrainConfig
from clinsynth.train.metrics import read_metrics
from clinsynth.train.records import open_records
from clinsynth.train.trackers import Trackers, check_installed, settings_of
from clinsynth.train.trackers.feed import numbers_of

ALL = ("tensorboard", "mlflow", "wandb")
needs_all = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("mlflow", "wandb")),
    reason="requirements/trackers.txt is not installed; `make test` does",
)


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_ALLOW_FILE_STORE", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def config(tmp_path, write_run):
    path = write_run(tmp_path, steps=20, model="demo", trackers=list(ALL))
    return load_config(path, TrainConfig)


def loss(step, rate=1.0):
    return rate * 10 / step


def take(config, first, last, rate=1.0):
    """Steps ``first`` to ``last``, with a validation every fifth."""
    if first > 1:
        time.sleep(1.1)  # TensorBoard reads its files in the order of the second that they were begun in
    with open_records(config, first - 1, writes=True) as records:
        for step in range(first, last + 1):
            records.add(step=step, loss=loss(step, rate), mfu=None, grad_norm=float("nan"))
            if step % 5 == 0:
                records.add(step=step, valid_loss=2 * loss(step, rate))


def in_tensorboard(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def in_mlflow(folder):
    """The series of each run, oldest first."""
    from mlflow import MlflowClient

    client = MlflowClient((folder / "mlflow").as_uri())
    experiment = client.get_experiment_by_name("clinsynth")
    runs = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])
    return [
        {
            key: [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, key)]
            for key in run.data.metrics
        }
        for run in runs
    ]


def in_wandb(folder):
    """The series of each run, oldest first; of a run's files, the later ones follow."""
    runs = {}
    for file in sorted((folder / "wandb").glob("offline-run-*/*.wandb")):
        series = runs.setdefault(file.stem, {})
        for record in wandb_records(file.read_bytes()):
            if record.WhichOneof("record_type") == "history":
                row = {
                    item.key or item.nested_key[0]: json.loads(item.value_json)
                    for item in record.history.item
                }
                for key in [key for key in row if not key.startswith("_")]:
                    series.setdefault(key, []).append((row["_step"], row[key]))
    return list(runs.values())


def wandb_records(data):
    """W&B writes LevelDB's log format: blocks of 32 KiB, each piece with a head of 7 bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    place, record = 7, b""
    while place + 7 <= len(data):
        if 32768 - place % 32768 < 7:
            place += 32768 - place % 32768
            continue
        length, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        record += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # the whole of a record, or its last piece
            yield Record.FromString(record)
            record = b""


def expected(last, rate_of=lambda step: 1.0):
    steps = range(1, last + 1)
    return {
        "loss": [(step, pytest.approx(loss(step, rate_of(step)))) for step in steps],
        "valid_loss": [
            (step, pytest.approx(2 * loss(step, rate_of(step)))) for step in steps if step % 5 == 0
        ],
    }


@needs_all
def test_a_run_that_goes_on_has_every_step_once(config):
    take(config, 1, 10)
    take(config, 8, 13)  # cut off in step 11, and the newest checkpoint is of step 7
    assert in_tensorboard(config.folder) == expected(13)
    assert in_mlflow(config.folder) == [expected(13)]
    assert in_wandb(config.folder) == [expected(13)]
    assert [row["step"] for row in read_metrics(config.folder) if "loss" in row] == list(range(1, 14))


def test_tensorboard_alone_has_every_step_once(config):
    alone = config.model_copy(update={"trackers": ("tensorboard",)})
    take(alone, 1, 10)
    take(alone, 8, 13)
    assert in_tensorboard(config.folder) == expected(13)
    assert sorted(path.name for path in config.folder.iterdir()) == ["metrics.jsonl", "tensorboard"]


@needs_all
def test_a_run_that_goes_on_with_other_settings_is_another_series(config):
    take(config, 1, 10)
    slower = config.model_copy(update={"optimizer": config.optimizer.model_copy(update={"lr": 1e-5})})
    take(slower, 8, 12, rate=2.0)
    changed = expected(12, lambda step: 1.0 if step < 8 else 2.0)
    assert in_tensorboard(config.folder) == changed
    assert in_mlflow(config.folder) == [expected(10), changed]
    assert sorted(in_wandb(config.folder), key=lambda series: len(series["loss"])) == [
        expected(10),
        changed,
    ]


@needs_all
def test_a_tracker_that_comes_later_gets_the_steps_of_before(config):
    take(config.model_copy(update={"trackers": ()}), 1, 6)
    assert not (config.folder / "tensorboard").exists()
    take(config, 7, 9)
    assert in_tensorboard(config.folder) == expected(9)
    assert in_mlflow(config.folder) == [expected(9)]


@needs_all
def test_trackers_are_told_of_no_path_and_nobody(config, tmp_path):
    take(config, 1, 3)
    told = settings_of(config)
    assert told["optimizer.lr"] == 3e-3
    assert told["model.layers"] == 4
    assert not [value for value in told.values() if isinstance(value, str) and "/" in value]
    parameters = {
        file.name: file.read_text()
        for file in (config.folder / "mlflow").rglob("params/*")
        if file.is_file()
    }
    assert parameters == {key: str(value) for key, value in told.items()}
    tags = {file.name for file in (config.folder / "mlflow").rglob("tags/*")}
    assert tags == {"mlflow.runName"}
    (file,) = (config.folder / "wandb").rglob("*.wandb")
    for name in (getpass.getuser(), platform.node(), str(tmp_path), str(Path.cwd())):
        assert name.encode() not in file.read_bytes()


class Broken:
    """A tracker whose server goes away after some rows."""

    reached = 0

    def __init__(self, rows):
        self.rows = rows

    def log(self, step, numbers):
        if self.rows == 0:
            raise ConnectionError("a server's answer, which may hold anything")
        self.rows -= 1

    def close(self):
        raise AssertionError("it is gone")


class Kept:
    reached = 2

    def __init__(self):
        self.rows = []

    def log(self, step, numbers):
        self.rows.append((step, numbers))

    def close(self):
        pass


def test_a_tracker_that_fails_is_left_out_and_training_goes_on(capfd):
    kept = Kept()
    trackers = Trackers({"mlflow": Broken(2), "wandb": kept}, [{"step": 1, "loss": 5.0}])
    for step in range(2, 6):
        trackers.log({"step": step, "loss": 1.0, "note": "text"})
    trackers.close()
    assert kept.rows == [(step, {"loss": 1.0}) for step in range(3, 6)]
    assert capfd.readouterr().err == (
        "warning: trackers: mlflow failed (ConnectionError): its numbers end before step 3; "
        "metrics.jsonl has them all\n"
    )


def test_only_numbers_are_told():
    row = {"step": 3, "loss": 1.5, "mfu": None, "text": "fever", "grad_norm": float("inf"), "tokens": 7}
    assert numbers_of(row) == {"loss": 1.5, "tokens": 7}


@pytest.mark.parametrize(
    ("name", "extra"), [("tensorboard", "train"), ("mlflow", "trackers"), ("wandb", "trackers")]
)
def test_a_missing_tracker_names_its_extra(name, extra, monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(
        MissingExtraError, match=rf"{name} is not installed: pip install 'clinsynth\[{extra}\]'"
    ):
        check_installed([name])


def test_a_folder_of_its_name_is_no_tracker(monkeypatch, tmp_path):
    (tmp_path / "wandb").mkdir()
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert importlib.util.find_spec("wandb") is not None
    with pytest.raises(MissingExtraError):
        check_installed(["wandb"])

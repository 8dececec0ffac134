"""One process's part in a training run: check, build, fit, export."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from clinsynth.train import checkpoints
from clinsynth.train.checks import check_run, checkpoint_to_resume, identity
from clinsynth.train.data import open_batches
from clinsynth.train.describe import describe
from clinsynth.train.distributed import Place, from_all, joined
from clinsynth.train.engine import start_engine
from clinsynth.train.export import export, parameter_count
from clinsynth.train.loop import State, Trainer
from clinsynth.train.metrics import FILE
from clinsynth.train.pipeline import build
from clinsynth.train.settings import model_settings

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig


def run(config: TrainConfig, place: Place, *, overwrite: bool = False) -> None:
    """Trains and writes the model folder. Called in every process of the run.

    Raises:
        ClinsynthError: anything about the run's config, corpus, checkpoint or numbers that is wrong.
    """
    check_run(config, overwrite=overwrite)
    family, settings = model_settings(config)
    hf_config = family.config(settings)
    with joined(place):
        if overwrite:
            _clear(config, place)
        network = build(config, hf_config)
        engine = start_engine(config, network)
        trainer = Trainer(
            config,
            engine,
            open_batches(config, network.mpu().get_data_parallel_rank()),
            place,
            identity(config),
        )
        resume(trainer)
        trainer.fit()
        parameters = parameter_count(network)
        card = describe(config, hf_config, trainer.state, parameters)
        export(config, hf_config, network, place, card, overwrite=overwrite)


def resume(trainer: Trainer) -> None:
    """Goes on from the checkpoint that the config asks for, if there is one. Collective.

    Raises:
        UsageError: the checkpoint is of another run.
        FolderError: it is damaged.
    """
    found = checkpoint_to_resume(trainer.config)
    if found is not None:
        path, record = found
        checkpoints.load(trainer.engine, path, record)
        trainer.state = State(record.step, record.tokens)


def _clear(config: TrainConfig, place: Place) -> None:
    if place.first:
        shutil.rmtree(config.folder / checkpoints.FOLDER, ignore_errors=True)
        (config.folder / FILE).unlink(missing_ok=True)
    from_all(None)

"""One process's part in a training run: check, build, fit, export."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clinsynth.train import checkpoints
from clinsynth.train.checks import check_run, checkpoint_to_resume, identity
from clinsynth.train.data import open_batches
from clinsynth.train.describe import describe
from clinsynth.train.distributed import Place, from_all, joined
from clinsynth.train.engine import start_engine
from clinsynth.train.export import export, parameter_count
from clinsynth.train.flops import model_flops, peak_flops
from clinsynth.train.loop import State, Trainer
from clinsynth.train.metrics import FILE
from clinsynth.train.pipeline import build
from clinsynth.train.rehearsal import rehearse
from clinsynth.train.settings import model_settings
from clinsynth.train.stack import start_stack
from clinsynth.train.universal import describe_parameters

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig


def run(config: TrainConfig, place: Place, *, overwrite: bool = False) -> None:
    """Trains and writes the model folder. Called in every process of the run.

    Raises:
        ClinsynthError: anything about the run's config, corpus, checkpoint or numbers that is wrong.
    """
    check_run(config, overwrite=overwrite)
    if config.lora is not None:
        from clinsynth.train.lora.run import run_lora

        run_lora(config, place, overwrite=overwrite)
        return
    family, settings = model_settings(config)
    hf_config = family.config(settings)
    with joined(place):
        if overwrite:
            clear(config, place)
        if not family.compared:
            rehearse(config, family, hf_config)
        network = build(config, family, hf_config)
        if config.layout.piped:
            describe_parameters(network)
        found = prepare_to_resume(config, place)
        if config.layout.piped:
            engine = start_engine(config, network, universal=found is not None and found.converted)
        else:
            engine = start_stack(config, network, hf_config.hidden_size)
        trainer = Trainer(
            config,
            engine,
            open_batches(config, network.mpu().get_data_parallel_rank()),
            place,
            identity(config),
            _utilisation(config, hf_config, place),
        )
        if found is not None:
            checkpoints.load(engine, found.path, converted=found.converted, first=place.first)
            trainer.state = State(found.record.step, found.record.tokens)
        trainer.fit()
        parameters = parameter_count(network)
        card = describe(config, hf_config, trainer.state, parameters)
        export(config, hf_config, engine, trainer.batches, place, card, overwrite=overwrite)


@dataclass(frozen=True, slots=True)
class Found:
    """A verified checkpoint to go on from; ``converted`` when it was written at another layout."""

    path: Path
    record: checkpoints.Record
    converted: bool


def prepare_to_resume(config: TrainConfig, place: Place) -> Found | None:
    """The checkpoint that the config asks for, ready to be read at the run's layout. Collective.

    Raises:
        UsageError: the checkpoint is of another run.
        FolderError: it is damaged.
    """
    found = checkpoint_to_resume(config)
    if found is None:
        return None
    path, record = found
    checkpoints.verify(path, record)
    # What is kept of an adapter knows no layout.
    other = config.lora is None and record.layout != config.layout.axes
    if other:
        checkpoints.convert(path, first=place.first)
    return Found(path, record, other)


def _utilisation(config: TrainConfig, hf_config: Any, place: Place) -> float | None:
    """Model FLOPs utilisation of one token a second, over all processes; None where it cannot be known."""
    peak = peak_flops(config.precision) if place.first else None
    if peak is None:
        return None
    return model_flops(hf_config, config.context) / (peak * place.world_size)


def clear(config: TrainConfig, place: Place) -> None:
    """Removes what an earlier run left in the run folder. Collective."""
    if place.first:
        shutil.rmtree(config.folder / checkpoints.FOLDER, ignore_errors=True)
        (config.folder / FILE).unlink(missing_ok=True)
    from_all(None)

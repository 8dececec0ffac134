"""One process's part in an adapter's run: build, fit, write the adapter or the merged model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from clinsynth.train.checks import identity
from clinsynth.train.data import open_batches
from clinsynth.train.distributed import Place, from_all, joined
from clinsynth.train.loop import Trainer
from clinsynth.train.lora.export import adapter_card, export_adapter
from clinsynth.train.lora.merge import merge
from clinsynth.train.lora.model import adapted_model
from clinsynth.train.lora.state import FILE, load_state, save_state, whole_weights
from clinsynth.train.loss import token_loss
from clinsynth.train.plain_engine import PlainEngine, start_plain_engine
from clinsynth.train.run import clear, resume

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig

ADAPTER = "adapter"
"""Where in the run folder the adapter of a merged model stays."""


class AdapterEngine(PlainEngine):
    """Keeps the adapter alone, in a form that any number of copies goes on from."""

    def save_checkpoint(self, folder: str, tag: str, save_latest: bool = False) -> None:
        """Writes ``folder/tag/adapter.safetensors``."""
        save_state(self.engine, Path(folder) / tag / FILE)

    def load_checkpoint(self, folder: str, tag: str) -> None:
        """Reads what ``save_checkpoint`` wrote."""
        load_state(self.engine, Path(folder) / tag / FILE)


def run_lora(config: TrainConfig, place: Place, *, overwrite: bool) -> None:
    """Trains an adapter, and writes it or the model with it merged into. Called in every process of the
    run.

    Raises:
        ClinsynthError: anything about the run's config, corpus, checkpoint or numbers that is wrong.
    """
    assert config.lora is not None
    with joined(place):
        if overwrite:
            clear(config, place)
        model = adapted_model(config)
        width = model.config.hidden_size
        engine = AdapterEngine(start_plain_engine(config, model, token_loss, width), config)
        batches = open_batches(config, engine.mpu.get_data_parallel_rank())
        trainer = Trainer(config, engine, batches, place, identity(config))
        resume(trainer)
        trainer.fit()
        weights = whole_weights(engine.engine)
        if place.first:
            card = adapter_card(config, model, trainer.state, weights)
            out = config.folder / ADAPTER if config.lora.merge else config.out
            export_adapter(config, model, weights, card, out, overwrite=overwrite or config.lora.merge)
            if config.lora.merge:
                assert config.init_from is not None
                merge(out, config.init_from, config.out, overwrite=overwrite)
        from_all(None)

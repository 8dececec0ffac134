"""One process's part in an adapter's run: build, fit, write the adapter or the merged model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from clinsynth.train import checkpoints
from clinsynth.train.checks import identity
from clinsynth.train.data import open_batches
from clinsynth.train.distributed import Place, from_all, joined
from clinsynth.train.loop import State, Trainer
from clinsynth.train.lora.export import adapter_card, export_adapter
from clinsynth.train.lora.merge import merge
from clinsynth.train.lora.model import adapted_model
from clinsynth.train.lora.state import FILE, load_state, save_state, whole_weights
from clinsynth.train.loss import TokenLoss
from clinsynth.train.plain_engine import PlainEngine, Scored, start_plain_engine
from clinsynth.train.run import clear, prepare_to_resume

if TYPE_CHECKING:
    import torch

    from clinsynth.train.config import TrainConfig

ADAPTER: Final = "adapter"
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
    with joined(place):
        if overwrite:
            clear(config, place)
        trainer, model = train_adapter(config, place)
        weights = whole_weights(trainer.engine.engine)
        if place.first:
            _write(config, model, trainer.state, weights, overwrite=overwrite)
        from_all(None)


def train_adapter(config: TrainConfig, place: Place) -> tuple[Trainer, Any]:
    """Trains to the last step; the trainer, whose engine is an ``AdapterEngine``, and the ``PeftModel``.

    Collective; ``torch.distributed`` must be up.
    """
    found = prepare_to_resume(config, place)
    model = adapted_model(config)
    scored = Scored(model, TokenLoss(group=None, first=0, columns=model.config.vocab_size))
    engine = AdapterEngine(start_plain_engine(config, scored, model.config.hidden_size), config)
    trainer = Trainer(config, engine, open_batches(config, place.rank), place, identity(config))
    if found is not None:
        checkpoints.load(engine, found.path, converted=False, first=place.first)
        trainer.state = State(found.record.step, found.record.tokens)
    trainer.fit()
    return trainer, model


def _write(
    config: TrainConfig, model: Any, state: State, weights: dict[str, torch.Tensor], *, overwrite: bool
) -> None:
    assert config.lora is not None
    assert config.init_from is not None
    card = adapter_card(config, model, state, weights)
    if not config.lora.merge:
        export_adapter(config, model, weights, card, config.out, overwrite=overwrite)
        return
    adapter = config.folder / ADAPTER
    export_adapter(config, model, weights, card, adapter, overwrite=True)
    merge(adapter, config.init_from, config.out, overwrite=overwrite)

"""The trained adapter as a folder: PEFT's two files, and what a model folder has beside its weights.

``base_model_name_or_path`` is null. A path would name the machine that trained, and libraries look a
bare name up on a hub; which model the adapter belongs to is said by the card, as a hash.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clinsynth.checkpoint.adapter import KIND, SETTINGS, WEIGHTS
from clinsynth.checkpoint.card import CARD, Card, read_card, write_card
from clinsynth.checkpoint.tensors import weights_sha256
from clinsynth.folders import Manifest, input_sha256, new_folder, write_json
from clinsynth.overlap import write_indexes
from clinsynth.train.describe import describe

if TYPE_CHECKING:
    import torch

    from clinsynth.train.config import TrainConfig
    from clinsynth.train.loop import State


def adapter_card(config: TrainConfig, model: Any, state: State, weights: dict[str, torch.Tensor]) -> Card:
    """What the folder will say of an adapter; ``model`` is a ``PeftModel``, ``weights`` those trained."""
    assert config.init_from is not None
    assert config.lora is not None
    base = (
        read_card(config.init_from).name if (config.init_from / CARD).is_file() else config.init_from.name
    )
    card = describe(config, model.config, state, sum(weight.numel() for weight in weights.values()))
    return replace(
        card,
        layout={**card.layout, "zero": config.layout.zero},
        base_model=base,
        base_sha256=weights_sha256(config.init_from),
        lora={
            **config.lora.model_dump(mode="json", exclude={"merge"}),
            "targets": sorted(model.active_peft_config.target_modules),
            "modules_to_save": trained_whole(model),
        },
    )


def export_adapter(
    config: TrainConfig,
    model: Any,
    weights: dict[str, torch.Tensor],
    card: Card,
    out: Path,
    *,
    overwrite: bool,
) -> None:
    """Writes the adapter's folder at ``out``.

    Args:
        model: a ``PeftModel``, for the names that PEFT gives its tensors.
        weights: the trained ones, whole, by their names in the engine's module.

    Raises:
        FolderError: something stands there and ``overwrite`` is false.
    """
    assert config.init_from is not None
    manifest = Manifest(
        kind=KIND,
        config=config.model_dump(mode="json"),
        inputs={"corpus": input_sha256(config.corpus), "base": card.base_sha256 or ""},
        counts={"parameters": card.parameters, "tokens_seen": card.tokens_seen, "steps": card.steps},
        seeds=card.seeds,
    )
    with new_folder(out, manifest, overwrite=overwrite) as folder:
        _write_adapter(model, weights, folder)
        for file in sorted((config.corpus / "tokenizer").iterdir()):
            shutil.copyfile(file, folder / file.name)
        write_indexes(folder, [config.corpus, config.init_from])
        write_card(folder, card)


def trained_whole(model: Any) -> list[str]:
    """Last parts of the names of the modules that are trained beside a ``PeftModel``'s adapter, sorted."""
    from peft.utils.other import ModulesToSaveWrapper

    wrapped = [name for name, module in model.named_modules() if isinstance(module, ModulesToSaveWrapper)]
    return sorted({name.rpartition(".")[2] for name in wrapped})


def _write_adapter(model: Any, weights: dict[str, torch.Tensor], folder: Path) -> None:
    import peft
    from safetensors.torch import save_file

    state = {name.removeprefix("model."): weight for name, weight in weights.items()}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if parameter.requires_grad and name not in state:  # an output layer that is the embedding
            state[name] = state[_twin(model, name)].clone()
    tensors = peft.get_peft_model_state_dict(model, state_dict=state, save_embedding_layers=False)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    (folder / WEIGHTS).chmod(0o644)
    settings = model.active_peft_config.to_dict()
    settings["base_model_name_or_path"] = None
    # PEFT leaves out what it tied, and would not tie it when it reads that.
    settings["modules_to_save"] = trained_whole(model) or None
    settings["inference_mode"] = True
    for key, value in settings.items():
        if isinstance(value, set):
            settings[key] = sorted(value)
    write_json(folder / SETTINGS, settings)


def _twin(model: Any, name: str) -> str:
    """The name under which a parameter that stands in two places comes first."""
    parameter = model.get_parameter(name)
    return str(next(other for other, one in model.named_parameters() if one is parameter))

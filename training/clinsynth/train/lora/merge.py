"""An adapter becomes part of its model: what any library then loads, and vLLM serves whatever its
architecture.

The weights are added in float32 and compared by what they say: logits of a fixed probe with the adapter
beside the model, after merging, and as the written folder gives them.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from clinsynth.checkpoint.adapter import check_base
from clinsynth.checkpoint.card import Card, write_card
from clinsynth.errors import FolderError
from clinsynth.folders import Manifest, input_sha256, new_folder, refuse_existing
from clinsynth.overlap import write_indexes
from clinsynth.tokens.tokenizer import FILES, load_tokenizer
from clinsynth.train.lora.model import fit_vocabulary, load_model
from clinsynth.train.settings import existing_settings

if TYPE_CHECKING:
    import torch

Dtype = Literal["auto", "float32", "bfloat16"]

TOLERANCE: Final = 1e-4
"""Largest difference of a logit, as a share of the largest logit if that is over 1."""
_PROBE: Final = (2, 64)  # rows, tokens


def merge(adapter: Path, base: Path, out: Path, *, dtype: Dtype = "auto", overwrite: bool = False) -> float:
    """Writes the model folder ``out``: ``base`` with ``adapter`` in its weights.

    Args:
        dtype: of the written weights; ``auto``: that of the model.

    Returns:
        The largest difference that rounding to ``dtype`` makes to a logit of the probe.

    Raises:
        FolderError: the adapter is damaged, has no card, or was trained on another model; ``out`` is
            taken; or what was merged does not say the same.
    """
    import torch

    refuse_existing(out, overwrite=overwrite)
    card = check_base(adapter, base)
    manifest = _manifest(adapter, base, card)
    with new_folder(out, manifest, overwrite=overwrite) as folder, torch.no_grad():
        network = _with_adapter(adapter, base, card)
        probe = _probe(card)
        beside = network(probe).logits
        network = network.merge_and_unload()
        inside = network(probe).logits
        _compare(beside, inside, "the merged model")
        _round(network, _torch_dtype(dtype, base))
        network.save_pretrained(folder)
        _round(network, torch.float32)
        rounded = network(probe).logits
        parameters = sum(p.numel() for p in network.parameters())
        del network
        _compare(rounded, load_model(folder, torch.float32)(probe).logits, "the written folder")
        _write_rest(adapter, folder, replace(card, parameters=parameters))
        manifest.counts["parameters"] = parameters
    return float((rounded - beside).abs().max())


def _with_adapter(adapter: Path, base: Path, card: Card) -> Any:
    import peft
    import torch

    model = load_model(base, torch.float32)
    fit_vocabulary(model, card.vocabulary)
    return peft.PeftModel.from_pretrained(model, adapter, autocast_adapter_dtype=False).eval()


def _probe(card: Card) -> torch.Tensor:
    import torch

    rows, tokens = _PROBE
    generator = torch.Generator().manual_seed(0)
    return torch.randint(card.vocabulary, (rows, min(tokens, card.context)), generator=generator)


def _compare(expected: torch.Tensor, found: torch.Tensor, what: str) -> None:
    difference = float((found - expected).abs().max())
    allowed = TOLERANCE * max(1.0, float(expected.abs().max()))
    if not difference <= allowed:  # NaN is no agreement
        raise FolderError(
            f"{what} differs from the model with its adapter by {difference:.2g} in a logit, more than "
            f"{allowed:.2g}: nothing was written"
        )


def _round(network: Any, dtype: torch.dtype) -> None:
    """Gives the weights another type; not the tables of rotations, which no folder stores."""
    for parameter in network.parameters():
        parameter.data = parameter.data.to(dtype)


def _torch_dtype(dtype: Dtype, base: Path) -> torch.dtype:
    import torch

    stored = existing_settings(base)
    named = stored.get("dtype") or stored.get("torch_dtype") if dtype == "auto" else dtype
    return torch.bfloat16 if named == "bfloat16" else torch.float32


def _manifest(adapter: Path, base: Path, card: Card) -> Manifest:
    return Manifest(
        kind="model",
        config={"adapter": adapter.resolve().name, "base": base.resolve().name, "lora": card.lora},
        inputs={"adapter": input_sha256(adapter), "base": card.base_sha256 or ""},
        counts={"tokens_seen": card.tokens_seen, "steps": card.steps},
        seeds=card.seeds,
    )


def _write_rest(adapter: Path, folder: Path, card: Card) -> None:
    from transformers import GenerationConfig

    tokenizer = load_tokenizer(adapter)
    ids = {
        "bos_token_id": tokenizer.note_id,
        "eos_token_id": tokenizer.end_id,
        "pad_token_id": tokenizer.pad_id,
    }
    settings = json.loads((folder / "config.json").read_text("utf-8")) | ids
    (folder / "config.json").write_text(json.dumps(settings, indent=2) + "\n", "utf-8")
    GenerationConfig(**ids, do_sample=True, max_length=card.context).save_pretrained(folder)
    for name in FILES:
        shutil.copyfile(adapter / name, folder / name)
    write_indexes(folder, [adapter])
    write_card(folder, card)
    for file in folder.glob("*.safetensors"):
        file.chmod(0o644)

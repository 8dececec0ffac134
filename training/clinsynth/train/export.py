"""The trained model as a Hugging Face folder, written by all pipeline stages at once.

Each stage gathers its parameters over its tensor-parallel processes one at a time, and one process of it
writes them. The folder takes its name when every stage is done and Hugging Face has read it back.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from clinsynth.checkpoint.card import Card, write_card
from clinsynth.checkpoint.tensors import ShardWriter, finish_shards
from clinsynth.folders import Manifest, input_sha256, new_folder, write_json
from clinsynth.overlap import write_indexes
from clinsynth.train.distributed import from_all, from_first
from clinsynth.train.layers import Origin
from clinsynth.train.proof import probe_logits, prove

if TYPE_CHECKING:
    from clinsynth.overlap import write_indexes
    from clinsynth.train.config import TrainConfig
    from clinsynth.train.data import Batches
from clinsynth.train.distributed import Place


def export(
    config: TrainConfig,
    hf_config: Any,
    engine: Any,
    batches: Batches,
    place: Place,
    card: Card,
    *,
    overwrite: bool,
) -> None:
    """Writes the model folder at ``config.out``, once Hugging Face gives the network's logits. Collective.

    Raises:
        FolderError: something stands there and ``overwrite`` is false.
        ClinsynthError: the folder is not the model that was trained.
    """
    network = engine.module
    probe = probe_logits(engine, batches)
    with ExitStack() as stack:
        folder = None
        if place.first:
            folder = stack.enter_context(
                new_folder(config.out, _manifest(config, card), overwrite=overwrite)
            )
        folder = from_first(folder)
        shards = from_all(write_stage(network, folder, _dtype(config)))
        if place.first:
            finish_shards(folder, [shard for part in shards for shard in part])
            _write_rest(config, hf_config, folder, card)
            prove(folder, config, *probe)
    from_all(None)


def write_stage(network: Any, folder: Path, dtype: torch.dtype) -> list[Any]:
    """Writes this stage's tensors; the files that this process wrote. Collective over the stage."""
    grid = network.mpu()
    writes = grid.get_data_parallel_rank() == 0 and grid.get_slice_parallel_rank() == 0
    writer = ShardWriter(folder, f"stage-{network.stage_id:04}")
    for name, tensor in whole_tensors(network):
        if writes:
            writer.add(name, tensor.to(dtype))
    writer.flush()
    return writer.shards


def whole_tensors(network: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """This stage's tensors as the Hugging Face model has them, one at a time. Collective over the stage.

    A tied embedding that another stage holds too is left to the first that holds it.
    """
    for parameter in network.parameters():
        if getattr(parameter, "ds_pipe_replicated", False):
            continue
        origin: Origin = parameter.origin
        tensor = _gathered(parameter)[: origin.rows]
        yield origin.name, tensor.t() if origin.transposed else tensor


def parameter_count(network: Any) -> int:
    """Weights of the whole model, tied ones once and the vocabulary's padding not. Collective."""
    grid = network.mpu()
    counts = grid.get_data_parallel_rank() == 0 and grid.get_slice_parallel_rank() == 0
    mine = sum(tensor.numel() for _, tensor in whole_tensors(network))
    return sum(from_all(mine if counts else 0))


@torch.no_grad()
def _gathered(parameter: Any) -> torch.Tensor:
    """The whole of a parameter, which keeps its own share."""
    if hasattr(parameter, "ds_id"):  # ZeRO-3 has shared it out
        from deepspeed import zero

        with zero.GatheredParameters([parameter]):
            return _of_all_shares(parameter).clone()
    return _of_all_shares(parameter)


def _of_all_shares(parameter: Any) -> torch.Tensor:
    """What the tensor-parallel processes hold of a parameter, put together."""
    share: torch.Tensor = parameter.data
    gather = getattr(parameter, "gather_params", None)
    if gather is None:
        return share
    gather([parameter])  # DeepSpeed puts the whole in the parameter's place
    whole: torch.Tensor = parameter.data
    parameter.data = share
    return whole


def _dtype(config: TrainConfig) -> torch.dtype:
    return torch.bfloat16 if config.precision == "bf16" else torch.float32


def _manifest(config: TrainConfig, card: Card) -> Manifest:
    sources = {"corpus": config.corpus, "init_from": config.init_from}
    return Manifest(
        kind="model",
        config=config.model_dump(mode="json"),
        inputs={name: input_sha256(path) for name, path in sources.items() if path is not None},
        counts={"parameters": card.parameters, "tokens_seen": card.tokens_seen, "steps": card.steps},
        seeds=card.seeds,
    )


def _write_rest(config: TrainConfig, hf_config: Any, folder: Path, card: Card) -> None:
    from transformers import GenerationConfig

    from clinsynth.tokens.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(config.corpus / "tokenizer")
    ids = {
        "bos_token_id": tokenizer.note_id,
        "eos_token_id": tokenizer.end_id,
        "pad_token_id": tokenizer.pad_id,
    }
    hf_config.update(ids)
    hf_config.architectures = [card.architecture]
    hf_config.dtype = _dtype(config)
    write_json(folder / "config.json", hf_config.to_dict())
    GenerationConfig(**ids, do_sample=True, max_length=config.context).save_pretrained(folder)
    for file in sorted((config.corpus / "tokenizer").iterdir()):
        shutil.copyfile(file, folder / file.name)
    write_indexes(folder, [path for path in (config.corpus, config.init_from) if path is not None])
    write_card(folder, card)

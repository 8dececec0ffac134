"""The model of a run: a DeepSpeed pipeline over a grid of pipeline x data x tensor-parallel processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from clinsynth.checkpoint.tensors import TensorFolder
from clinsynth.train.attention import register
from clinsynth.train.layers import Block, Blueprint, Embedding, Head, Norm, Positions
from clinsynth.train.loss import TokenLoss
from clinsynth.train.stack import Stack, share_out
from clinsynth.train.weights import FolderWeights, SeededWeights, Weights

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig
    from clinsynth.train.families import Family


def build(config: TrainConfig, family: Family, hf_config: Any, weights: Weights | None = None) -> Any:
    """The ``PipelineModule`` of this process, or a ``Stack`` for ZeRO stages that a pipeline cannot have.

    ``torch.distributed`` must be up. Collective.

    Args:
        weights: first values; None: those that the run asks for.
    """
    from deepspeed.pipe import PipelineModule
    from deepspeed.runtime.pipe.topology import PipelineParallelGrid, PipeModelDataParallelTopology

    layout = config.layout
    topology = PipeModelDataParallelTopology(num_pp=layout.pp, num_mp=layout.tp, num_dp=layout.dp)
    weights = weights or _weights(config, family, hf_config)
    blueprint = _blueprint(config, family, hf_config, weights, topology)
    if not layout.piped:
        grid = PipelineParallelGrid(topology)
        return Stack(
            _layers(blueprint),
            grid,
            _loss(blueprint),
            share_out(config, hf_config.hidden_size, grid),
            recompute=config.activation_checkpointing,
        )
    return PipelineModule(
        _layers(blueprint),
        topology=topology,
        loss_fn=_loss(blueprint),
        partition_method=f"type:{Block.__name__}",
        activation_checkpoint_interval=int(config.activation_checkpointing),
    )


def _loss(blueprint: Blueprint) -> TokenLoss:
    """The loss over this process's share of the vocabulary."""
    share = blueprint.padded_vocabulary // blueprint.tp
    first = blueprint.tp_rank * share
    columns = min(max(blueprint.vocabulary - first, 0), share)
    return TokenLoss(blueprint.group if blueprint.tp > 1 else None, first, columns)


def _weights(config: TrainConfig, family: Family, hf_config: Any) -> Weights:
    if config.init_from is None:
        return SeededWeights(family, hf_config, config.seed)
    parts = family.parts(hf_config)
    rows = frozenset(f"{name}.weight" for name in (parts.embedding, parts.head))
    return FolderWeights(family, TensorFolder(config.init_from), rows)


def _blueprint(
    config: TrainConfig, family: Family, hf_config: Any, weights: Weights, topology: Any
) -> Blueprint:
    import deepspeed.comm as dist
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        skeleton = AutoModelForCausalLM.from_config(
            hf_config, attn_implementation=register(), dtype=torch.float32
        )
    group = _tensor_group(topology)
    return Blueprint(
        family=family,
        config=skeleton.config,
        skeleton=skeleton,
        weights=weights,
        group=group,
        tp=config.layout.tp,
        tp_rank=dist.get_rank(group),
        vocabulary=hf_config.vocab_size,
    )


def _tensor_group(topology: Any) -> Any:
    """The group of processes that this one shares its layers with. Every process makes every group."""
    import deepspeed.comm as dist
    from deepspeed.module_inject.layers import set_autotp_mode

    set_autotp_mode(training=True)  # otherwise DeepSpeed's layers freeze their weights
    mine = None
    for ranks in topology.get_axis_comm_lists("model"):
        group = dist.new_group(ranks=ranks)
        if dist.get_rank() in ranks:
            mine = group
    assert mine is not None
    return mine


def _layers(blueprint: Blueprint) -> list[Any]:
    from deepspeed.pipe import LayerSpec, TiedLayerSpec

    tied = bool(blueprint.config.tie_word_embeddings)
    weight = "table.weight"
    first = (
        TiedLayerSpec("embedding", Embedding, blueprint, tied_weight_attr=weight)
        if tied
        else LayerSpec(Embedding, blueprint)
    )
    last = (
        TiedLayerSpec(
            "embedding", Embedding, blueprint, forward_fn=Embedding.logits, tied_weight_attr=weight
        )
        if tied
        else LayerSpec(Head, blueprint)
    )
    positions = [LayerSpec(Positions, blueprint)] if blueprint.parts.positions else []
    blocks = [LayerSpec(Block, blueprint, i) for i in range(blueprint.config.num_hidden_layers)]
    return [first, *positions, *blocks, LayerSpec(Norm, blueprint), last]

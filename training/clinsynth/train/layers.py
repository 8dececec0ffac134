"""A Hugging Face decoder as layers of a pipeline.

The decoder is built on the meta device, where it takes no memory, and each process fills in only the parts
of its own stage: it takes a part, gets its tensors one by one, keeps its tensor-parallel share of each, and
puts DeepSpeed's tensor-parallel layers where the plan says. Every parameter remembers where it came from,
so that it finds its way back into a Hugging Face folder.

Between layers travel the hidden states and the segments: which document each token belongs to.

Shapes: B rows of a micro-batch, T tokens, H width, V vocabulary with its padding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import nn

from clinsynth.train.attention import DocumentsOf, document_positions
from clinsynth.train.dropout import HeadRandomness
from clinsynth.train.families import Family, Parts, Split

if TYPE_CHECKING:
    from clinsynth.train.weights import Weights


States = tuple[torch.Tensor, torch.Tensor]
"""Hidden states [B, T, H] and segments [B, T]."""

_VOCABULARY_TILE: Final = 128


def padded_vocabulary(vocabulary: int, tp: int) -> int:
    """Rows of the embedding, the same for every ``tp`` that divides 128: a run may change its layout."""
    multiple = math.lcm(_VOCABULARY_TILE, tp)
    return -(-vocabulary // multiple) * multiple


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a parameter stands in the Hugging Face model.

    Args:
        transposed: Hugging Face stores inputs first.
        rows: rows before the vocabulary was padded, or None.
    """

    name: str
    transposed: bool = False
    rows: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Blueprint:
    """All that a layer of the pipeline is built from.

    Args:
        skeleton: the Hugging Face model on the meta device.
        group: the processes that share this stage's layers (``torch.distributed`` group of size ``tp``).
        tp, tp_rank: how many they are, and which of them this one is.
        vocabulary: tokens of the tokenizer; the embedding has padding behind them.
        documents: the documents of the micro-batch at hand, shared by the blocks of the stage.
    """

    family: Family
    config: Any
    skeleton: nn.Module
    weights: Weights
    group: Any
    tp: int
    tp_rank: int
    vocabulary: int
    documents: DocumentsOf = field(default_factory=DocumentsOf)

    @property
    def parts(self) -> Parts:
        """Where the parts of the decoder stand."""
        return self.family.parts(self.config)

    @property
    def padded_vocabulary(self) -> int:
        """Rows of the embedding with its padding."""
        return padded_vocabulary(self.vocabulary, self.tp)

    def parameter(self, name: str, like: torch.Tensor, *, transposed: bool = False) -> nn.Parameter:
        """Tensor ``name``, whole, as a parameter that knows its origin."""
        tensor = self.weights.get(name, like.shape)
        return _remember(tensor.t().contiguous() if transposed else tensor, Origin(name, transposed))

    def vocabulary_parameter(self, name: str, like: torch.Tensor) -> nn.Parameter:
        """Tensor ``name`` with a row per token, filled up with rows of zeros."""
        tensor = self.weights.get(name, like.shape)
        padding = self.padded_vocabulary - self.vocabulary
        if padding:
            tensor = torch.cat([tensor, tensor.new_zeros(padding, tensor.shape[1])])
        return _remember(tensor, Origin(name, rows=self.vocabulary))


def _remember(tensor: torch.Tensor, origin: Origin) -> nn.Parameter:
    parameter = nn.Parameter(tensor)
    parameter.origin = origin  # type: ignore[attr-defined]
    return parameter


class Embedding(nn.Module):
    """Token ids [B, T] and segments -> hidden states. Tied, the same weights give the logits."""

    def __init__(self, blueprint: Blueprint) -> None:
        from deepspeed.module_inject.layers import VocabParallelEmbedding

        super().__init__()
        name = blueprint.parts.embedding
        table: Any = blueprint.skeleton.get_submodule(name)
        weight = blueprint.vocabulary_parameter(f"{name}.weight", table.weight)
        plain = nn.Embedding(weight.shape[0], weight.shape[1], device="meta")
        plain.weight = weight
        self.table = VocabParallelEmbedding(plain, blueprint.group)
        # Learned positions come first where there are any, and drop out with the embeddings.
        self.dropout = nn.Identity() if blueprint.parts.positions else embedding_dropout(blueprint)

    def forward(self, inputs: tuple[torch.Tensor, torch.Tensor]) -> States:
        """Embeddings of tokens."""
        ids, segments = inputs
        return self.dropout(self.table(ids)), segments

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """[B, T, H] -> [B, T, V/tp] by the same weights: those of this process's tokens."""
        from deepspeed.module_inject.layers import ColumnParallel

        table = self.table
        local: torch.Tensor = torch.matmul(ColumnParallel.apply(table.mp_group, hidden), table.weight.t())
        return local


def embedding_dropout(blueprint: Blueprint) -> nn.Module:
    """Dropout of the embeddings, where the architecture has it."""
    name = blueprint.parts.dropout
    return nn.Identity() if name is None else blueprint.skeleton.get_submodule(name)


class Positions(nn.Module):
    """Adds learned positions to the hidden states.

    A layer of its own, so that the last stage, which needs the embedding for its logits, holds no copy.
    """

    def __init__(self, blueprint: Blueprint) -> None:
        super().__init__()
        name = blueprint.parts.positions
        assert name is not None, "this architecture has no learned positions"
        table: Any = blueprint.skeleton.get_submodule(name)
        self.weight = blueprint.parameter(f"{name}.weight", table.weight)
        self.dropout = embedding_dropout(blueprint)

    def forward(self, states: States) -> States:
        """Hidden states with the positions of their places in their documents."""
        hidden, segments = states
        places = nn.functional.embedding(document_positions(segments), self.weight)
        return self.dropout(hidden + places), segments


class Block(nn.Module):
    """One decoder block of Hugging Face, on hidden states and segments."""

    def __init__(self, blueprint: Blueprint, index: int) -> None:
        super().__init__()
        parts = blueprint.parts
        name = f"{parts.blocks}.{index}"
        self.block = blueprint.skeleton.get_submodule(name)
        fill(self.block, name, blueprint, blueprint.family.splits(blueprint.config))
        blueprint.family.localise(self.block, blueprint.tp)
        for norm in (m for m in self.block.modules() if type(m).__name__.endswith("Norm")):
            norm.register_forward_hook(_hand_on)
        if blueprint.tp > 1:
            for module in self.block.modules():
                if type(module).__name__.endswith("Attention"):
                    module.attention_randomness = HeadRandomness(blueprint.tp_rank)  # type: ignore[assignment]
        self.rotary: nn.Module | None = None
        if parts.rotary is not None:
            kind: Any = type(blueprint.skeleton.get_submodule(parts.rotary))
            self.rotary = kind(blueprint.config)  # holds no weights, and its buffers are not on meta
        self.documents = blueprint.documents

    def forward(self, states: States) -> States:
        """The block, with attention to everything earlier in the same document."""
        hidden, segments = states
        documents = self.documents(segments)
        more = {}
        if self.rotary is not None:
            more["position_embeddings"] = self.rotary(
                hidden.to(_compute_dtype(hidden)), position_ids=documents.positions
            )
        out = self.block(hidden, attention_mask=documents, **more)
        return out[0] if isinstance(out, tuple) else out, segments


class Norm(nn.Module):
    """The last norm: hidden states and segments -> hidden states [B, T, H]."""

    def __init__(self, blueprint: Blueprint) -> None:
        super().__init__()
        name = blueprint.parts.norm
        self.norm = blueprint.skeleton.get_submodule(name)
        fill(self.norm, name, blueprint, {})

    def forward(self, states: States) -> torch.Tensor:
        """Hidden states, normalised."""
        normed: torch.Tensor = self.norm(states[0])
        return normed


class Head(nn.Module):
    """The output layer when it is not the embedding: [B, T, H] -> [B, T, V/tp]."""

    def __init__(self, blueprint: Blueprint) -> None:
        from deepspeed.module_inject.layers import VocabParallelLinear

        super().__init__()
        name = blueprint.parts.head
        head: Any = blueprint.skeleton.get_submodule(name)
        plain = nn.Linear(1, 1, bias=False, device="meta")
        plain.weight = blueprint.vocabulary_parameter(f"{name}.weight", head.weight)
        self.head = VocabParallelLinear(plain, blueprint.group, name="lm_head")

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits of this process's tokens."""
        logits: torch.Tensor = self.head(hidden)
        return logits


def _compute_dtype(like: torch.Tensor) -> torch.dtype:
    """What autocast computes in; the tensor's own type where it is off."""
    device = like.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else like.dtype


def _hand_on(_norm: nn.Module, _inputs: object, output: torch.Tensor) -> torch.Tensor:
    """Casts what a norm gives once; autocast would cast it for each linear layer that reads it."""
    return output.to(_compute_dtype(output))


def fill(module: nn.Module, name: str, blueprint: Blueprint, splits: Any) -> None:
    """Gives the parameters of a part on the meta device their values, and splits its linear layers.

    Args:
        name: of the part in the Hugging Face model.
        splits: name of a linear layer in the part -> how it is split.
    """
    from transformers.pytorch_utils import Conv1D

    for path, child in list(module.named_modules()):
        transposed = isinstance(child, Conv1D)
        full = f"{name}.{path}" if path else name
        values = {
            key: blueprint.parameter(f"{full}.{key}", meta, transposed=transposed and key == "weight")
            for key, meta in list(child.named_parameters(recurse=False))
        }
        split = splits.get(path)
        if split is Split.SUMMED_GRADIENT:
            _sum_gradients(values, blueprint)
        elif split is not None:
            module.set_submodule(path, _split(values, split, blueprint, full))
            continue
        assert not (values and transposed), f"{full} is stored transposed and has no split"
        for key, value in values.items():
            setattr(child, key, value)
    left = [key for key, p in [*module.named_parameters(), *module.named_buffers()] if p.is_meta]
    assert not left, f"{name}: {left} were not filled in"


def _sum_gradients(values: dict[str, nn.Parameter], blueprint: Blueprint) -> None:
    """Each process applies the whole parameter to its own heads: what they say of it adds up."""
    import torch.distributed as dist

    def total(gradient: torch.Tensor) -> torch.Tensor:
        gradient = gradient.contiguous()
        dist.all_reduce(gradient, group=blueprint.group)
        return gradient

    if blueprint.tp > 1:
        for parameter in values.values():
            parameter.register_hook(total)  # type: ignore[no-untyped-call]


def _split(values: dict[str, nn.Parameter], split: Split, blueprint: Blueprint, name: str) -> nn.Module:
    from deepspeed.module_inject.layers import LinearAllreduce, LinearLayer, SubParamLinearLayer

    plain = nn.Linear(1, 1, bias=False, device="meta")
    plain.weight, plain.bias = values["weight"], values.get("bias")  # type: ignore[assignment]
    layer: nn.Module
    if split is Split.COLUMNS:
        layer = LinearLayer(plain, blueprint.group, name=name)
    elif split is Split.ROWS:
        layer = LinearAllreduce(plain, blueprint.group, name=name)
    else:
        layer = SubParamLinearLayer(plain, blueprint.group, shape=(3, -1), name=name)
    return layer

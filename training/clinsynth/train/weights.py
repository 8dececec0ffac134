"""Where a tensor's first values come from: a seed, or a Hugging Face folder.

Both answer one name at a time, so that a process only ever makes or reads what it will hold.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch

from clinsynth.checkpoint.tensors import TensorFolder
from clinsynth.errors import FolderError

if TYPE_CHECKING:
    from clinsynth.train.families import Family


class Weights(Protocol):
    """A source of first values."""

    def get(self, name: str, shape: torch.Size) -> torch.Tensor:
        """Tensor ``name`` of the Hugging Face model, float32, of the given shape."""
        ...


@dataclass(frozen=True, slots=True)
class SeededWeights:
    """Hugging Face's rules: matrices normal around 0, norms 1, biases 0.

    A tensor's values depend on the seed and its name alone, so every layout starts from the same model.
    """

    family: Family
    config: Any
    seed: int

    def get(self, name: str, shape: torch.Size) -> torch.Tensor:
        """The tensor's first values."""
        if name.endswith("bias"):
            return torch.zeros(shape)
        if len(shape) == 1:
            return torch.ones(shape)
        digest = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little", signed=True))
        return torch.empty(shape).normal_(
            0, self.family.initial_std(self.config, name), generator=generator
        )


@dataclass(frozen=True, slots=True)
class FolderWeights:
    """The values of an existing model.

    Tokens that it does not know start as the mean of those it knows, which keeps what it says of the others
    (Hewitt 2021, "Initializing new word embeddings for pretrained language models").

    Args:
        vocabulary: names of the tensors with a row for each token.

    Raises:
        FolderError: a tensor is missing or has another shape than its config says.
    """

    family: Family
    folder: TensorFolder
    vocabulary: frozenset[str]

    def get(self, name: str, shape: torch.Size) -> torch.Tensor:
        """The stored tensor, in float32."""
        names = self.family.stored_names(name)
        tensor = self.folder.get(next((known for known in names if known in self.folder), name))
        new_tokens = shape[0] - tensor.shape[0]
        if new_tokens > 0 and name in self.vocabulary and tensor.shape[1:] == shape[1:]:
            tensor = torch.cat(
                [tensor.float(), tensor.float().mean(0, keepdim=True).expand(new_tokens, -1)]
            )
        if tensor.shape != shape:
            raise FolderError(
                f"tensor {name} has shape {list(tensor.shape)}, its config says {list(shape)}"
            )
        return tensor.float()

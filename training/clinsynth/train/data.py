"""What a step sees, as a function of (seed, step) alone: the layout only decides who computes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from clinsynth.tokens.packing import IGNORED, PackedRows, Row
from clinsynth.tokens.shards import TokenShards

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig

ORDER: Final = "whole documents packed by best fit; rows in an order of (seed, epoch), version 1"
"""How rows are made and follow each other, for the card."""

MicroBatch = tuple[tuple[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""Input ids and segments [B, T]; labels [B, T], shifted, and the weight of a token."""


@dataclass(slots=True, repr=False)
class Batches:
    """The steps of a run on one data-parallel copy.

    Args:
        rows: rows of a step, over all copies.
        micro_rows: rows of a micro-batch.
        copies, copy: how many data-parallel copies there are, and which one this is.
        tokens_per_step: tokens that a step learns from, on average.
    """

    train: PackedRows
    valid: PackedRows | None
    rows: int
    micro_rows: int
    copies: int
    copy: int
    valid_rows: int
    tokens_per_step: float

    def step(self, step: int) -> tuple[list[MicroBatch], int]:
        """The micro-batches of a step on this copy, and the tokens that the whole step learns from."""
        first = step * self.rows
        return self._share([self.train.row(first + i) for i in range(self.rows)])

    def validation(self) -> tuple[list[MicroBatch], int]:
        """The micro-batches of a validation pass on this copy, and the tokens of the whole pass.

        Padded with rows without labels to a whole number of micro-batches on every copy.
        """
        assert self.valid is not None
        rows = [self.valid.row(i) for i in range(min(self.valid_rows, len(self.valid)))]
        missing = -len(rows) % (self.micro_rows * self.copies)
        return self._share(rows + [_without_labels(rows[0])] * missing)

    def _share(self, rows: Sequence[Row]) -> tuple[list[MicroBatch], int]:
        tokens = sum(int(np.count_nonzero(row.targets != IGNORED)) for row in rows)
        micro_batches = len(rows) // (self.micro_rows * self.copies)
        # DeepSpeed takes the mean over micro-batches and copies; this makes it the mean over tokens.
        weight = torch.tensor(micro_batches * self.copies / max(1, tokens), dtype=torch.float32)
        mine = [
            rows[start : start + self.micro_rows]
            for start in range(self.copy * self.micro_rows, len(rows), self.micro_rows * self.copies)
        ]
        return [_stack(part, weight) for part in mine], tokens


def open_batches(config: TrainConfig, copy: int) -> Batches:
    """The data of a run for one data-parallel copy.

    Raises:
        FolderError: the corpus folder's tokens are missing, damaged or empty.
    """
    shards = TokenShards(config.corpus / "tokens" / "train")
    train = PackedRows(shards, config.context, config.seed)
    valid = TokenShards(config.corpus / "tokens" / "valid")
    learned = len(shards) - len(shards.lengths)  # nothing predicts the first token of a document
    return Batches(
        train=train,
        valid=PackedRows(valid, config.context, config.seed) if len(valid) else None,
        rows=config.batch.rows,
        micro_rows=config.batch.micro_rows,
        copies=config.layout.dp,
        copy=copy,
        valid_rows=config.validation.rows,
        tokens_per_step=config.batch.rows * learned / len(train),
    )


def _stack(rows: Sequence[Row], weight: torch.Tensor) -> MicroBatch:
    ids = torch.from_numpy(np.stack([row.input_ids for row in rows]))
    segments = torch.from_numpy(np.stack([row.segments for row in rows]))
    labels = torch.from_numpy(np.stack([row.targets for row in rows]))
    return (ids, segments), (labels, weight)


def _without_labels(row: Row) -> Row:
    return Row(row.input_ids, np.full_like(row.labels, IGNORED), row.positions, row.segments)

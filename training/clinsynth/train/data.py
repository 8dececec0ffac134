"""What a step sees, as a function of (seed, step) alone: the layout only decides who computes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
import torch

from clinsynth.tokens.mixture import MixedRows, open_sources
from clinsynth.tokens.packing import IGNORED, PackedRows, Row
from clinsynth.tokens.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig

ORDER: Final = (
    "whole documents packed by best fit; sources in turn by their shares, rows of each in an order of "
    "(seed, source, epoch), version 2"
)
"""How rows are made and follow each other, for the card."""

MicroBatch = tuple[tuple[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""Input ids and segments [B, T]; labels [B, T], shifted, and the weight of a token."""


class Rows(Protocol):
    """``PackedRows`` and ``MixedRows`` both are."""

    def row(self, sample: int) -> Row:
        """A sample."""

    def targets_of(self, sample: int) -> int:
        """Tokens of the sample that a loss is taken over."""


@dataclass(slots=True, repr=False)
class Batches:
    """The steps of a run on one data-parallel copy.

    Args:
        valid: by the source's name.
        rows: rows of a step, over all copies.
        micro_rows: rows of a micro-batch.
        copies, copy: how many data-parallel copies there are, and which one this is.
        valid_rows: rows of a validation, over all sources.
    """

    train: MixedRows
    valid: Mapping[str, PackedRows]
    rows: int
    micro_rows: int
    copies: int
    copy: int
    valid_rows: int

    @property
    def tokens_per_step(self) -> float:
        """Tokens that a step learns from, on average."""
        return self.rows * self.train.targets_per_row

    def step(self, step: int) -> tuple[list[MicroBatch], int]:
        """The micro-batches of a step on this copy, and the tokens that the whole step learns from."""
        return self._share(self.train, range(step * self.rows, (step + 1) * self.rows))

    def validation(self) -> Iterator[tuple[str, list[MicroBatch], int]]:
        """For each source, its name, the micro-batches on this copy, and their tokens over all copies.

        The mean over a source's micro-batches and copies is its loss in nats per token; that of the whole
        validation is the mean over sources, weighed by tokens.
        """
        for name, count in dealt_rows(self.valid, self.valid_rows).items():
            yield name, *self._share(self.valid[name], range(count))

    def _share(self, rows: Rows, samples: Sequence[int]) -> tuple[list[MicroBatch], int]:
        """Filled up with rows without labels to a whole number of micro-batches on every copy."""
        tokens = sum(map(rows.targets_of, samples))
        round_ = self.micro_rows * self.copies
        micro_batches = -(-len(samples) // round_)
        # DeepSpeed takes the mean over micro-batches and copies; this makes it the mean over tokens.
        weight = torch.tensor(micro_batches * self.copies / max(1, tokens), dtype=torch.float32)
        mine = []
        for start in range(self.copy * self.micro_rows, micro_batches * round_, round_):
            part = [rows.row(sample) for sample in samples[start : start + self.micro_rows]]
            missing = self.micro_rows - len(part)
            mine.append(_stack(part + [_without_labels(rows.row(samples[0]))] * missing, weight))
        return mine, tokens


def open_batches(config: TrainConfig, copy: int) -> Batches:
    """The data of a run for one data-parallel copy.

    Raises:
        FolderError: the corpus folder's tokens or its tokenizer are missing, damaged or empty.
        UsageError: ``mixture`` does not name the sources of the corpus.
    """
    pad_id = load_tokenizer(config.corpus / "tokenizer").pad_id
    train, valid = (
        open_sources(config.corpus / "tokens" / split, config.context, config.seed, pad_id)
        for split in ("train", "valid")
    )
    return Batches(
        train=MixedRows(train, config.mixture),
        valid=valid,
        rows=config.batch.rows,
        micro_rows=config.batch.micro_rows,
        copies=config.layout.dp,
        copy=copy,
        valid_rows=config.validation.rows,
    )


def dealt_rows(sources: Mapping[str, PackedRows], rows: int) -> dict[str, int]:
    """How many rows of each source a validation takes: about ``rows`` in all, in proportion to what there
    is, at least one of each."""
    total = sum(map(len, sources.values()))
    return {
        name: min(len(source), max(1, round(rows * len(source) / total)))
        for name, source in sources.items()
    }


def _stack(rows: Sequence[Row], weight: torch.Tensor) -> MicroBatch:
    ids = torch.from_numpy(np.stack([row.input_ids for row in rows]))
    segments = torch.from_numpy(np.stack([row.segments for row in rows]))
    labels = torch.from_numpy(np.stack([row.targets for row in rows]))
    return (ids, segments), (labels, weight)


def _without_labels(row: Row) -> Row:
    return Row(row.input_ids, np.full_like(row.labels, IGNORED), row.positions, row.segments)

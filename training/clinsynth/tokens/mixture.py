"""Rows of several sources in one order, each source as often as its share says.

    tokens/train/annotated/    share 0.2   0 . . . . 1 . . . . 2 . . . .
    tokens/train/letters/      share 0.8   . 0 1 2 3 . 4 5 6 7 . 8 9 ...

Which source a training sample is taken from, and which of the source's own rows it is, are functions of
(shares, sample) alone: whatever the number of data-parallel copies and wherever a run goes on, the same
rows follow each other. Each source runs through shuffled epochs of its own, every row once in each.
"""

from __future__ import annotations

import heapq
import math
import zlib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from clinsynth.errors import FolderError, UsageError
from clinsynth.tokens.packing import PackedRows, Row
from clinsynth.tokens.shards import TokenShards

# Shares are kept to a 65,536th: a turn of so many samples takes 0.05 s to work out.
_FINEST: Final = 1 << 16


class Mixture:
    """Deals samples 0, 1, 2, ... out to sources by their shares.

    After any number n of samples, a source of share p has had more than n p - 1 and fewer than n p + 1 of
    them: its k-th sample may come once n p > k - 1 and must have come when n p >= k, and of the sources
    that may give the next sample, the one that must soonest does. (That this always works out: R. Tijdeman,
    "The chairman assignment problem", Discrete Mathematics 32, 1980.) The order repeats after ``period``
    samples, so one turn of it is kept.

    Args:
        weights: one a source, at least one above 0; shares are weights over their sum, to a 65,536th where
            the sum of the smallest whole numbers in the same proportions is more than that.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        self._parts = _whole(weights)
        self.period = sum(self._parts)
        self._source, self._nth = _one_turn(self._parts)

    @property
    def shares(self) -> tuple[Fraction, ...]:
        """Share of the samples that each source gets."""
        return tuple(Fraction(part, self.period) for part in self._parts)

    def place(self, sample: int) -> tuple[int, int]:
        """The source that gives a sample, and how many samples it has given before."""
        assert sample >= 0, sample
        turn, moment = divmod(sample, self.period)
        source = int(self._source[moment])
        return source, turn * self._parts[source] + int(self._nth[moment])


class MixedRows:
    """Rows of several sources as one endless training run.

    Args:
        sources: rows by the source's name.
        weights: by the source's name, each source named; 0 leaves it out. None: the number of its rows, so
            that all epochs begin together.

    Raises:
        UsageError: ``weights`` do not name just these sources, or all of them are 0.
    """

    def __init__(
        self, sources: Mapping[str, PackedRows], weights: Mapping[str, float] | None = None
    ) -> None:
        if weights is None:
            weights = {name: len(rows) for name, rows in sources.items()}
        check_weights(weights, list(sources))
        self.mixture = Mixture([weights[name] for name in sources])
        self._rows = tuple(sources.values())

    @property
    def targets_per_row(self) -> float:
        """Tokens that a loss is taken over in an average row."""
        return float(
            sum(
                share * Fraction(rows.targets, len(rows))
                for share, rows in zip(self.mixture.shares, self._rows)
            )
        )

    def row(self, sample: int) -> Row:
        """Sample ``sample`` of the run. With a global batch of B, step s reads samples ``s * B`` to
        ``s * B + B - 1``, however they are shared out."""
        source, nth = self.mixture.place(sample)
        return self._rows[source].row(nth)

    def targets_of(self, sample: int) -> int:
        """Tokens of a sample that a loss is taken over, known without reading them."""
        source, nth = self.mixture.place(sample)
        return self._rows[source].targets_of(nth)


def source_names(folder: Path) -> list[str]:
    """The sources that have tokens in ``tokens/train`` or ``tokens/valid``, by name.

    Raises:
        FolderError: there is no such folder, or no source in it.
    """
    if not folder.is_dir():
        raise FolderError(f"{folder} is missing")
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    if not names:
        raise FolderError(f"{folder} holds no source: it is damaged, or was prepared by an older release")
    return names


def open_sources(folder: Path, length: int, seed: int, pad_id: int) -> dict[str, PackedRows]:
    """The rows of each source in ``tokens/train`` or ``tokens/valid``.

    Args:
        seed: with a source's name it decides how its documents meet in rows, and the order of those.

    Raises:
        FolderError: there is none, or one is missing files, damaged or empty.
    """
    return {
        name: PackedRows(TokenShards(folder / name), length, seed << 32 | zlib.crc32(name.encode()), pad_id)
        for name in source_names(folder)
    }


def check_weights(weights: Mapping[str, float], sources: Sequence[str]) -> None:
    """Each source has a weight, and no other has.

    Raises:
        UsageError: names the source.
    """
    known = ", ".join(sources)
    for name in weights:
        if name not in sources:
            raise UsageError(f"mixture: the corpus has no tokens of a source {name}; it has {known}")
    for name in sources:
        if name not in weights:
            raise UsageError(f"mixture: source {name} has no weight; 0 leaves it out")
    if not any(weights.values()):
        raise UsageError("mixture: every weight is 0")


def _whole(weights: Sequence[float]) -> list[int]:
    """The smallest whole numbers in the proportions of ``weights``; near ones when their sum is large."""
    exact = [Fraction(str(weight)) for weight in weights]
    common = math.lcm(*(weight.denominator for weight in exact))
    numbers = [int(weight * common) for weight in exact]
    divisor, total = math.gcd(*numbers), sum(numbers)
    if total // divisor <= _FINEST:
        return [number // divisor for number in numbers]
    return [max(1, round(Fraction(number * _FINEST, total))) if number else 0 for number in numbers]


def _one_turn(parts: Sequence[int]) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int32]]:
    """Of each sample of a turn: its source, and how many the source had before. Earliest deadline first."""
    period = sum(parts)
    source_of, nth_of = np.empty(period, np.int16), np.empty(period, np.int32)
    had = [0] * len(parts)
    waiting = [(0, source) for source, part in enumerate(parts) if part]  # until this moment
    ready: list[tuple[int, int]] = []  # to be served before this moment
    for moment in range(period):
        while waiting and waiting[0][0] <= moment:
            source = heapq.heappop(waiting)[1]
            heapq.heappush(ready, (-(-(had[source] + 1) * period // parts[source]), source))
        source = heapq.heappop(ready)[1]
        source_of[moment], nth_of[moment] = source, had[source]
        had[source] += 1
        heapq.heappush(waiting, (had[source] * period // parts[source], source))
    return source_of, nth_of

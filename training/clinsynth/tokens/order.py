"""A shuffled order of any size that takes no memory: the n-th element is computed, not looked up.

Training reads sample ``step * batch + i`` whatever the number of data-parallel ranks, so an order that is a
pure function of (seed, epoch, index) makes what is read a function of (seed, step) alone.
"""

from __future__ import annotations

from typing import Final

_ROUNDS: Final = 8
_WORD: Final = (1 << 64) - 1


class Permutation:
    """A pseudo-random permutation of ``range(size)``: a Feistel network, walked until it lands inside.

    Args:
        size: number of elements, at least 1.
        seed, epoch: any non-negative integers; another pair is another order.
    """

    def __init__(self, size: int, seed: int, epoch: int = 0) -> None:
        assert size >= 1, size
        self.size = size
        # The network permutes pairs of half-words: the smallest even number of bits that holds the size.
        self._bits = max(1, ((size - 1).bit_length() + 1) // 2)
        self._mask = (1 << self._bits) - 1
        start = _mix(_mix(seed) ^ epoch)
        self._keys = [_mix(start + i) for i in range(_ROUNDS)]

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> int:
        """The element at ``index``. The domain is at most 4x the size, so this takes 4 walks at worst on
        average."""
        if not 0 <= index < self.size:
            raise IndexError(index)
        value = self._network(index)
        while value >= self.size:
            value = self._network(value)
        return value

    def _network(self, value: int) -> int:
        left, right = value >> self._bits, value & self._mask
        for key in self._keys:
            left, right = right, left ^ (_mix(right ^ key) & self._mask)
        return left << self._bits | right


def _mix(value: int) -> int:
    """SplitMix64's finaliser: every bit of the result depends on every bit of the value."""
    value = (value + 0x9E3779B97F4A7C15) & _WORD
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _WORD
    return value ^ (value >> 31)

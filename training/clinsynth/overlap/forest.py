"""Union-find: what is joined, directly or by way of others, is one tree."""

from __future__ import annotations


class Forest:
    """Items from 0 to ``size - 1``, each a tree of its own at first; the root is the smallest member."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def root(self, item: int) -> int:
        """The smallest item of the tree."""
        while self._parent[item] != item:
            self._parent[item] = self._parent[self._parent[item]]
            item = self._parent[item]
        return item

    def join(self, a: int, b: int) -> None:
        """Makes one tree of two."""
        low, high = sorted((self.root(a), self.root(b)))
        self._parent[high] = low

    def roots(self) -> list[int]:
        """The root of each item."""
        return [self.root(item) for item in range(len(self._parent))]

    def numbers(self) -> list[int]:
        """The number of each item's tree, counting up from 0 in the order of first appearance."""
        seen: dict[int, int] = {}
        return [seen.setdefault(root, len(seen)) for root in self.roots()]

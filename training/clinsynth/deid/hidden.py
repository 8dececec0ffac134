"""Modules hidden from the imports of one thread: to it they are not installed, to the others they are."""

from __future__ import annotations

import sys
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from types import ModuleType


class _Hider(MetaPathFinder):
    """Asked before every finder that would find the module."""

    def __init__(self, names: Collection[str]) -> None:
        self._names, self._thread = names, threading.get_ident()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        """None, so that the next finder is asked.

        Raises:
            ModuleNotFoundError: the module is hidden from this thread.
        """
        if fullname in self._names and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


@contextmanager
def hidden(*names: str) -> Iterator[None]:
    """Hides what is not loaded yet. Another thread may load it meanwhile: a server starts its engine so."""
    hider = _Hider(names)
    sys.meta_path.insert(0, hider)
    try:
        yield
    finally:
        sys.meta_path.remove(hider)

"""Names of a package that are imported when first asked for (PEP 562).

The command line looks into every package that has a command, so what is heavy there must wait:

    if TYPE_CHECKING:
        from clinsynth.deid.tags import TAG, neutralise
    else:
        __getattr__ = lazily(__name__, {"tags": ("TAG", "neutralise")})

Type checkers read the first branch alone: they know the names, and a misspelt one is an error to them.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def lazily(package: str, homes: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """What a package calls ``__getattr__``.

    Args:
        package: its ``__name__``.
        homes: module of the package -> the names that it holds.
    """
    home_of = {name: module for module, names in homes.items() for name in names}

    def find(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{package}.{home_of[name]}"), name)
        setattr(sys.modules[package], name, value)  # the next one finds it there
        return value

    return find

"""From notes to a corpus folder: clean, split, de-identify, tokenise.

``prepare(config, out)`` does all of it; ``PrepareConfig`` says how. Both are imported when first asked for:
the command line looks into this package for its list of commands and must stay instant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clinsynth.prepare.config import PrepareConfig
    from clinsynth.prepare.run import prepare

__all__ = ["PrepareConfig", "prepare"]


def __getattr__(name: str) -> Any:
    if name == "PrepareConfig":
        from clinsynth.prepare.config import PrepareConfig

        return PrepareConfig
    if name == "prepare":
        from clinsynth.prepare.run import prepare

        return prepare
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""From notes to a corpus folder: clean, split, de-identify, tokenise.

``prepare(config, out)`` does all of it; ``PrepareConfig`` says how. Both are imported when first asked for:
the command line looks into this package for its list of commands and must stay instant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinsynth.lazy import lazily

if TYPE_CHECKING:
    from clinsynth.prepare.config import PrepareConfig
    from clinsynth.prepare.run import prepare
else:
    __getattr__ = lazily(__name__, {"config": ("PrepareConfig",), "run": ("prepare",)})

__all__ = ["PrepareConfig", "prepare"]

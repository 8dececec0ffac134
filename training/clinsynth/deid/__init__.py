"""Finding identifiers, and putting typed tags or surrogates in their place.

The parts are imported when first asked for: the command line looks into this package for its list of
commands and must stay instant.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clinsynth.deid.config import DeidConfig
    from clinsynth.deid.detector import Detector
    from clinsynth.deid.surrogates import to_surrogates
    from clinsynth.deid.tags import TAG, neutralise, to_tags

__all__ = ["TAG", "DeidConfig", "Detector", "neutralise", "to_surrogates", "to_tags"]

_HOMES = {
    "DeidConfig": "config",
    "Detector": "detector",
    "TAG": "tags",
    "neutralise": "tags",
    "to_surrogates": "surrogates",
    "to_tags": "tags",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

"""Finding identifiers, and putting typed tags or surrogates in their place.

The parts are imported when first asked for: the command line looks into this package for its list of
commands and must stay instant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinsynth.lazy import lazily

if TYPE_CHECKING:
    from clinsynth.deid.config import DeidConfig
    from clinsynth.deid.detector import Detector
    from clinsynth.deid.surrogates import to_surrogates
    from clinsynth.deid.tags import TAG, neutralise, to_tags
else:
    __getattr__ = lazily(
        __name__,
        {
            "config": ("DeidConfig",),
            "detector": ("Detector",),
            "surrogates": ("to_surrogates",),
            "tags": ("TAG", "neutralise", "to_tags"),
        },
    )

__all__ = ["TAG", "DeidConfig", "Detector", "neutralise", "to_surrogates", "to_tags"]

"""Finding identifiers, and putting typed tags or surrogates in their place."""

from clinsynth.deid.config import DeidConfig
from clinsynth.deid.detector import Detector
from clinsynth.deid.surrogates import to_surrogates
from clinsynth.deid.tags import TAG, neutralise, to_tags

__all__ = ["TAG", "DeidConfig", "Detector", "neutralise", "to_surrogates", "to_tags"]

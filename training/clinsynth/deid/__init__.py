"""Finding identifiers, and putting typed tags or surrogates in their place."""

from clinsynth.deid.tags import TAG, neutralise, to_tags

__all__ = ["TAG", "neutralise", "to_tags"]

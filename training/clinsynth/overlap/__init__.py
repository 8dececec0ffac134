"""The one index of n-grams and near neighbours: clean-up, gate, export and measure all ask it."""

from clinsynth.overlap.duplicates import near_duplicate_clusters
from clinsynth.overlap.index import DEFAULT_MAX_DOCUMENTS, DEFAULT_N, NgramIndex, NgramIndexBuilder
from clinsynth.overlap.passages import SharedPassages, shared_passages

__all__ = [
    "DEFAULT_MAX_DOCUMENTS",
    "DEFAULT_N",
    "NgramIndex",
    "NgramIndexBuilder",
    "SharedPassages",
    "near_duplicate_clusters",
    "shared_passages",
]

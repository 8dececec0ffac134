"""The one index of n-grams and near neighbours: clean-up, gate, export and measure all ask it."""

from clinsynth.overlap.duplicates import near_duplicate_clusters
from clinsynth.overlap.folder import NEIGHBOURS, NGRAMS, check_joinable, write_indexes
from clinsynth.overlap.index import DEFAULT_MAX_DOCUMENTS, DEFAULT_N, NgramIndex, NgramIndexBuilder
from clinsynth.overlap.neighbours import NeighbourIndex, NeighbourIndexBuilder, least_estimate
from clinsynth.overlap.passages import SharedPassages, shared_passages

__all__ = [
    "DEFAULT_MAX_DOCUMENTS",
    "DEFAULT_N",
    "NEIGHBOURS",
    "NGRAMS",
    "NeighbourIndex",
    "NeighbourIndexBuilder",
    "NgramIndex",
    "NgramIndexBuilder",
    "SharedPassages",
    "check_joinable",
    "least_estimate",
    "near_duplicate_clusters",
    "shared_passages",
    "write_indexes",
]

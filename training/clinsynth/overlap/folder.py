"""The indexes of the training text in a corpus or model folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, Final

from clinsynth.errors import DataError
from clinsynth.overlap.index import NgramIndex
from clinsynth.overlap.neighbours import NeighbourIndex

NGRAMS: Final = Path("overlap") / "ngrams.npy"
NEIGHBOURS: Final = Path("overlap") / "neighbours.npy"
_LOADS: Final[dict[Path, Callable[[Path], Any]]] = {
    NGRAMS: NgramIndex.load,
    NEIGHBOURS: NeighbourIndex.load,
}


def check_joinable(sources: Sequence[Path]) -> None:
    """Cheap, before a training run that ends with ``write_indexes``.

    Raises:
        FolderError: an index is damaged.
        DataError: they are of n-grams of different lengths.
    """
    paths = [source / NGRAMS for source in sources if (source / NGRAMS).is_file()]
    if len(paths) > 1 and len(lengths := {NgramIndex.load(path).n for path in paths}) > 1:
        raise DataError(
            f"{' and '.join(map(str, paths))} are of {' and '.join(map(str, sorted(lengths)))} words and "
            "cannot be joined: prepare the corpus with overlap.n of the model it goes on from"
        )


def write_indexes(folder: Path, sources: Sequence[Path]) -> None:
    """The indexes of all text that a model learned from: those of the folders it comes from, joined.

    A source that has no text of ours (an open model) has no index. An index of near neighbours is written
    only when every source that has n-grams has it: half of one would be taken for the whole.

    Raises:
        FolderError: an index is damaged.
        DataError: they are of n-grams of different lengths.
    """
    known = [source for source in sources if (source / NGRAMS).is_file()]
    for name, load in _LOADS.items():
        paths = [source / name for source in known if (source / name).is_file()]
        if not paths or len(paths) < len(known):
            continue
        (folder / name).parent.mkdir(exist_ok=True)
        if len(paths) == 1:
            shutil.copyfile(paths[0], folder / name)
        else:
            reduce(lambda one, other: one.joined(other), map(load, paths)).save(folder / name)

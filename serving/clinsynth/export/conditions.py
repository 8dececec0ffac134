"""Turns conditions into one cell of attributes for each note, the same for the same seed."""

from __future__ import annotations

import itertools
import random
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clinsynth.corpus import Attributes
from clinsynth.errors import DataError
from clinsynth.export.config import Conditions


@dataclass(frozen=True, slots=True)
class Cells:
    """What each note is asked for.

    Args:
        kinds: the different sets of attributes; None leaves the header to the model.
        of_note: for each note the number of its kind.
    """

    kinds: Sequence[Attributes | None]
    of_note: Sequence[int]

    def __getitem__(self, note: int) -> Attributes | None:
        return self.kinds[self.of_note[note]]

    def counts(self) -> list[tuple[Attributes | None, int]]:
        """Kinds and how many notes ask for each, most first."""
        return [(self.kinds[kind], count) for kind, count in Counter(self.of_note).most_common()]


def make_cells(conditions: Conditions, notes: int, seed: int) -> Cells:
    """A cell for each of ``notes`` notes.

    Raises:
        UsageError, FolderError, DataError: the corpus folder cannot be read.
        DataError: no combination of attributes in it is common enough.
    """
    rng = random.Random(f"conditions {seed}")
    if conditions.source == "model":
        return Cells((None,), array("I", bytes(4 * notes)))
    if conditions.source == "none":
        return Cells((Attributes(),), array("I", bytes(4 * notes)))
    if conditions.source == "corpus":
        assert conditions.corpus is not None
        common = common_attributes(conditions.corpus, conditions.attributes, conditions.min_count)
        kinds = list(common)
        return Cells(kinds, array("I", rng.choices(range(len(kinds)), list(common.values()), k=notes)))
    shares = dict(_uniform(conditions) if conditions.source == "uniform" else _listed(conditions))
    of_note = array("I")
    for kind, count in enumerate(apportion(list(shares.values()), notes)):
        of_note.extend([kind] * count)
    rng.shuffle(of_note)
    return Cells(list(shares), of_note)


def apportion(shares: Sequence[float], total: int) -> list[int]:
    """Whole numbers that sum to ``total``, each within one of its share (largest remainders)."""
    exact = [total * share / sum(shares) for share in shares]
    counts = [int(x) for x in exact]
    by_remainder = sorted(range(len(shares)), key=lambda i: (counts[i] - exact[i], i))
    for i in by_remainder[: total - sum(counts)]:
        counts[i] += 1
    return counts


def common_attributes(corpus: Path, names: Sequence[str], min_count: int) -> dict[Attributes, int]:
    """Attributes of the training notes -> how many notes have them, sorted; none fewer than ``min_count``.

    What is too rare is counted with its first diagnosis alone, then without, then left out.
    """
    from clinsynth.corpus.readers import read_notes
    from clinsynth.folders import read_manifest

    read_manifest(corpus, "corpus")
    left = Counter(
        Attributes(**{name: getattr(note.attributes, name) for name in names})
        for note in read_notes(corpus / "train.parquet")
    )
    common: Counter[Attributes] = Counter()
    for kept_diagnoses in (None, 1, 0):
        merged: Counter[Attributes] = Counter()
        for attributes, count in left.items():
            merged[replace(attributes, diagnoses=attributes.diagnoses[:kept_diagnoses])] += count
        left = Counter()
        for attributes, count in merged.items():
            (common if count >= min_count else left)[attributes] += count
    if not common:
        raise DataError(
            f"{corpus}: no combination of {', '.join(names)} stands on {min_count} training notes: "
            "use fewer conditions.attributes or a smaller conditions.min_count"
        )
    return dict(sorted(common.items(), key=lambda item: repr(item[0])))


def _uniform(conditions: Conditions) -> Iterator[tuple[Attributes, float]]:
    names = list(conditions.values)
    for combination in itertools.product(*conditions.values.values()):
        values: dict[str, Any] = dict(zip(names, combination))
        if "diagnoses" in values:
            values["diagnoses"] = (values["diagnoses"],)
        yield Attributes(**values), 1.0


def _listed(conditions: Conditions) -> Iterator[tuple[Attributes, float]]:
    for cell in conditions.cells:
        yield Attributes(**cell.model_dump(exclude={"share"})), cell.share

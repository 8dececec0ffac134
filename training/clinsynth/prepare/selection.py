"""Which notes stay, and in which split: duplicates go, and no patient is in two splits.

Decisions are numbers a note (some 200 bytes); the texts stay on disk. A split depends on the seed and the
patient alone, so adding notes moves nobody. Notes without patient are split by what they have in common:
near duplicates, and those that share a long passage, stay together.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from clinsynth.corpus import Note
from clinsynth.errors import UsageError
from clinsynth.overlap import near_duplicate_clusters
from clinsynth.prepare.config import SPLITS, PrepareConfig, Source, Splits
from clinsynth.prepare.passages import join_by_passages
from clinsynth.prepare.spool import Spool
from clinsynth.progress import track

DROPPED: Final = -1
REASONS: Final = ("exact_duplicate", "near_duplicate", "patient_in_other_split", "passage_in_other_split")
_AUTO: Final = -1
_PRIORITY: Final = np.array([0, 1, 3, 2])
"""Of each of ``SPLITS``: a patient whom the sources put in two splits stays in the higher one, for what
judges a model must not have been trained on."""
_TEST: Final = SPLITS.index("test")

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


@dataclass(slots=True)
class Candidates:
    """What selection needs to know of each note, in the order of the spool.

    ``texts``, ``patients`` and ``ids`` are 64-bit hashes; a patient of 0 is none.
    """

    texts: array[int] = field(default_factory=lambda: array("Q"))  # letter case and white space aside
    patients: array[int] = field(default_factory=lambda: array("Q"))
    ids: array[int] = field(default_factory=lambda: array("Q"))
    fixed: array[int] = field(default_factory=lambda: array("b"))  # index in SPLITS, or _AUTO
    language: array[int] = field(default_factory=lambda: array("b"))

    def add(self, note: Note, source: Source) -> None:
        """Takes down a note."""
        self.texts.append(hash64(" ".join(note.text.casefold().split())))
        self.patients.append(0 if note.patient_id is None else hash64(note.patient_id))
        self.ids.append(hash64(note.id))
        self.fixed.append(_AUTO if source.split == "auto" else SPLITS.index(source.split))
        self.language.append(source.role == "language")


@dataclass(frozen=True, slots=True)
class Selection:
    """``splits``: index in ``SPLITS`` or ``DROPPED``, a note each; how many were dropped, by reason; what
    was split (patients, groups of notes); what passages joined."""

    splits: npt.NDArray[np.int8]
    dropped: dict[str, int]
    groups: int
    passages: dict[str, int]


def select(notes: Spool, candidates: Candidates, config: PrepareConfig, folder: Path) -> Selection:
    """Decides for each note of the spool.

    Raises:
        UsageError: a split stays empty, or passages tie nearly all notes together; names the key.
    """
    dropped = dict.fromkeys(REASONS, 0)
    keep, groups = _without_duplicates(notes, candidates, config, folder, dropped)
    patients = np.array(candidates.patients, np.uint64)[keep] != 0
    joined = join_by_passages(notes, keep, groups, patients, config.passages, folder)
    apart, _ = _split(groups, candidates, keep, config)
    splits, groups_kept = _split(joined.groups, candidates, keep, config)
    gone = splits == DROPPED
    dropped["patient_in_other_split"] = int((gone & (apart == DROPPED)).sum())
    dropped["passage_in_other_split"] = int((gone & (apart != DROPPED)).sum())
    result = np.full(len(notes), DROPPED, np.int8)
    result[keep] = splits
    _check_none_empty(result, groups_kept, config)
    return Selection(result, dropped, groups_kept, joined.counts)


def _without_duplicates(
    notes: Spool, candidates: Candidates, config: PrepareConfig, folder: Path, dropped: dict[str, int]
) -> tuple[npt.NDArray[np.bool_], Hashes]:
    """Whether each note stays; of those that do, the name of the patient or of the near-duplicate group."""
    keep = np.ones(len(notes), np.bool_)
    if config.dedup.exact:
        _, first = np.unique(np.array(candidates.texts, np.uint64), return_index=True)
        keep[:] = False
        keep[first] = True
        dropped["exact_duplicate"] = int((~keep).sum())
    patients = np.array(candidates.patients, np.uint64)
    clusters = np.zeros(len(notes), np.int64)
    clustered = keep & ((patients == 0) | config.dedup.near)
    if clustered.any():
        texts = track(_texts(notes, clustered), "comparing notes", total=int(clustered.sum()))
        clusters[clustered] = near_duplicate_clusters(texts, config.dedup.threshold, folder)
    first_of = _first_members(clusters, clustered)
    if config.dedup.near:
        repeats = keep & (first_of != np.arange(len(notes)))
        keep &= ~repeats
        dropped["near_duplicate"] = int(repeats.sum())
    groups = np.where(patients == 0, np.array(candidates.ids, np.uint64)[first_of], patients)
    return keep, groups[keep]


def hash64(text: str) -> int:
    """The same on every machine; never 0."""
    data = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(data, "little") or 1


def _texts(notes: Spool, wanted: npt.NDArray[np.bool_]) -> Iterator[str]:
    for note, yes in zip(notes, wanted.tolist()):
        if yes:
            yield note.text


def _first_members(clusters: Ints, clustered: npt.NDArray[np.bool_]) -> Ints:
    """Index of the first note in each note's cluster; a note outside all clusters is its own."""
    first_of = np.arange(clusters.size)
    members = np.flatnonzero(clustered)
    if members.size:
        _, first, number = np.unique(clusters[members], return_index=True, return_inverse=True)
        first_of[members] = members[first][number]
    return first_of


def _split(
    groups: Hashes, candidates: Candidates, keep: npt.NDArray[np.bool_], config: PrepareConfig
) -> tuple[npt.NDArray[np.int8], int]:
    """The split of each kept note, and the number of groups."""
    fixed = np.array(candidates.fixed, np.int64)[keep]
    language = np.array(candidates.language, np.bool_)[keep]
    names, number = np.unique(groups, return_inverse=True)
    by_priority = np.argsort(_PRIORITY)
    claim = np.full(names.size, _AUTO)
    has_claim = fixed != _AUTO
    np.maximum.at(claim, number[has_claim], _PRIORITY[fixed[has_claim]])
    only_language = np.ones(names.size, np.bool_)
    np.logical_and.at(only_language, number, language)
    dealt = np.where(only_language, _deal(names, config, gold=False), _deal(names, config, gold=True))
    of_group = np.where(claim == _AUTO, dealt, by_priority[np.maximum(claim, 0)])
    split = of_group[number].astype(np.int8)
    split[has_claim & (fixed != split)] = DROPPED
    split[language & (split == _TEST)] = DROPPED
    return split, int(names.size)


def _deal(groups: Hashes, config: PrepareConfig, *, gold: bool) -> Ints:
    """A split for each group, by a draw that depends on the seed and the group alone."""
    shares = np.array([getattr(config.splits, name) for name in SPLITS])
    if not gold:
        shares[_TEST] = 0
    if not shares.sum():
        shares[SPLITS.index("holdout")] = 1  # nothing but gold is wanted: language may not be that
    edges = np.cumsum(shares / shares.sum())
    draws = _uniform(groups, config.seed)
    return np.minimum(np.searchsorted(edges, draws, side="right"), len(SPLITS) - 1)


def _uniform(groups: Hashes, seed: int) -> npt.NDArray[np.float64]:
    """A number in [0, 1) for each group: SplitMix64 of the group and the seed."""
    value = groups ^ np.uint64(hash64(f"split {seed}"))
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    value ^= value >> np.uint64(31)
    return (value >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def _check_none_empty(splits: npt.NDArray[np.int8], groups: int, config: PrepareConfig) -> None:
    for i, name in enumerate(SPLITS):
        if not (splits == i).any():
            raise empty_split(name, config.splits, groups)


def empty_split(name: str, splits: Splits, groups: int) -> UsageError:
    """The error for a split without notes."""
    share = getattr(splits, name)
    return UsageError(
        f"splits.{name} is {share:g}: none of {groups:,} patients or groups of notes fell into it; "
        f"raise it, change the seed, or give a source split: {name}"
    )

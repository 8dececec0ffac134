"""Notes that share a long passage, kept in one split: what ``prepare.config.Passages`` asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from clinsynth.errors import UsageError
from clinsynth.overlap import shared_passages
from clinsynth.progress import track

if TYPE_CHECKING:
    from pathlib import Path

    from clinsynth.prepare.config import Passages
    from clinsynth.prepare.spool import Spool

MOST_IN_ONE_GROUP: Final = 0.5
"""Share of all notes; a larger group would make a split all by itself."""
_TOO_FEW_TO_SAY: Final = 20

Hashes = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Joined:
    """Groups after joining.

    Args:
        groups: the name of each kept note's group, shape [kept].
        counts: for the manifest: ``groups`` that passages made, ``notes`` in them and in the ``largest``,
            and ``boilerplate``, the words where a passage begins that too many hold. Empty when nothing was
            compared.
    """

    groups: Hashes
    counts: dict[str, int] = field(default_factory=dict)


def join_by_passages(
    notes: Spool, keep: Flags, groups: Hashes, patients: Flags, config: Passages, folder: Path
) -> Joined:
    """Joins the groups of notes that share a passage.

    Args:
        keep: of each note of the spool, whether it stays.
        groups: the name of each kept note's group before, shape [kept].
        patients: whether that is a patient, shape [kept].

    Raises:
        UsageError: nearly all notes hang together.
    """
    if config.words is None or patients.all():
        return Joined(groups)
    names, owner, is_patient = _owners(groups, patients)
    texts = track(_texts(notes, keep, owner), "comparing passages", total=int(keep.sum()))
    shared = shared_passages(
        texts, is_patient, words=config.words, max_owners=config.max_documents, folder=folder
    )
    of_note = shared.groups[owner]
    sizes = np.bincount(of_note, minlength=names.size)
    members = np.bincount(shared.groups, minlength=names.size)
    sizes[members < 2] = 0
    _check_largest(int(sizes.max()), of_note.size, config)
    counts = {
        "groups": int((members > 1).sum()),
        "notes": int(sizes.sum()),
        "largest": int(sizes.max()),
        "boilerplate": shared.boilerplate,
    }
    return Joined(names[shared.groups][owner], counts)


def _owners(groups: Hashes, patients: Flags) -> tuple[Hashes, npt.NDArray[np.int64], Flags]:
    """Names of the groups; the number of each note's; whether it is a patient.

    Patients come first, then by name: a joined group has the name of its first member, so that a note that
    comes in moves no patient, and moves other notes seldom, whatever the order of the sources.
    """
    names, first, number = np.unique(groups, return_index=True, return_inverse=True)
    is_patient = patients[first]
    order = np.lexsort((names, ~is_patient))
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    return names[order], place[number], is_patient[order]


def _texts(notes: Spool, keep: Flags, owner: npt.NDArray[np.int64]) -> Iterator[tuple[int, str]]:
    numbers = iter(owner.tolist())
    for note, stays in zip(notes, keep.tolist()):
        if stays:
            yield next(numbers), note.text


def _check_largest(largest: int, notes: int, config: Passages) -> None:
    if notes >= _TOO_FEW_TO_SAY and largest > MOST_IN_ONE_GROUP * notes:
        raise UsageError(
            f"passages.words is {config.words}: {largest:,} of {notes:,} notes hang together by passages "
            "of that length and cannot be split; raise it, or lower passages.max_documents, so that what "
            "they share counts as boilerplate"
        )

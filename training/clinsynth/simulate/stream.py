"""The stream of notes: note ``i`` is the same however many are asked for.

Notes come in blocks. A block is planned from its number alone: which of its notes belong to one patient,
and which of them must hold an identifier of each of the rarer classes, so that any long enough stretch of
notes holds every class.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from clinsynth.corpus.note import Note
from clinsynth.errors import UsageError
from clinsynth.simulate.case import draw_case
from clinsynth.simulate.hospital import choose_kinds, draw_staff_of, to_note, write_note
from clinsynth.simulate.patient import draw_patient
from clinsynth.simulate.plants import RARE_LABELS
from clinsynth.simulate.table import Table, load_table

BLOCK: Final = 60
"""Notes a block. Any 2 * BLOCK - 1 notes in a row hold a whole block, and so every class of identifier."""

_NOTES_A_PATIENT: Final = ((1, 0.55), (2, 0.22), (3, 0.15), (4, 0.08))


@dataclass(frozen=True, slots=True)
class _Plan:
    """Of a block: sizes of its patients' groups, the patient over 89, and the labels wanted by note."""

    groups: tuple[int, ...]
    over_89: int
    wanted: tuple[frozenset[str], ...]


def simulate_notes(notes: int, seed: int, start: int = 0) -> Iterator[Note]:
    """Labelled notes ``start`` to ``start + notes - 1`` of the simulated hospital.

    The text is raw: it holds invented identifiers, marked in ``phi``. Entities (PROBLEM, TEST, TREATMENT)
    are marked in ``entities``, every attribute is filled in, notes of one patient share ``patient_id``.

    Args:
        notes: how many; 0 gives none.
        seed: another seed is another hospital.
        start: index of the first note. ``simulate_notes(10, 7, 90)`` are the last ten of
            ``simulate_notes(100, 7)``.

    Raises:
        UsageError: ``notes`` or ``start`` is negative.
    """
    if notes < 0:
        raise UsageError(f"notes is {notes}: it must not be negative")
    if start < 0:
        raise UsageError(f"start is {start}: it must not be negative")
    return _stream(load_table(), seed, start, start + notes)


def _stream(table: Table, seed: int, start: int, stop: int) -> Iterator[Note]:
    for block in range(start // BLOCK, -(-stop // BLOCK)):
        plan = _plan(seed, block)
        first = block * BLOCK
        for group, size in enumerate(plan.groups):
            if first < stop and first + size > start:
                yield from _patient_notes(table, seed, plan, block, group, first, (start, stop))
            first += size


def _patient_notes(
    table: Table, seed: int, plan: _Plan, block: int, group: int, first: int, limits: tuple[int, int]
) -> Iterator[Note]:
    """The notes of one patient that lie within the limits."""
    rng = Random(f"{seed}/patient/{block}/{group}")
    patient, principal = draw_patient(rng, table, over_89=group == plan.over_89)
    case = draw_case(rng, table, patient, principal)
    staff = draw_staff_of(rng)
    for i, kind in enumerate(choose_kinds(rng, case, table, plan.groups[group])):
        index = first + i
        if limits[0] <= index < limits[1]:
            wanted = plan.wanted[index - block * BLOCK]
            attributes, builder = write_note(
                Random(f"{seed}/note/{index}"), table, case, staff, kind, wanted
            )
            yield to_note(
                attributes,
                builder,
                note_id=f"sim-{index:06}",
                patient_id=f"sim-patient-{block:05}-{group:02}",
                seed=seed,
            )


def _plan(seed: int, block: int) -> _Plan:
    rng = Random(f"{seed}/block/{block}")
    sizes = [size for size, _ in _NOTES_A_PATIENT]
    weights = [weight for _, weight in _NOTES_A_PATIENT]
    groups: list[int] = []
    while sum(groups) < BLOCK:
        groups.append(min(rng.choices(sizes, weights)[0], BLOCK - sum(groups)))
    wanted: list[set[str]] = [set() for _ in range(BLOCK)]
    for label in RARE_LABELS:
        rng.choice(wanted).add(label)
    return _Plan(tuple(groups), rng.randrange(len(groups)), tuple(frozenset(labels) for labels in wanted))

"""What stands in a note before anything is put in: placeholders of scrubbed notes, and real identifiers.

Placeholders (``Dr. X``, ``ABCD General Hospital``, ``MM/DD/YYYY``) and names of people become identifiers
of the note's scene. Dates, ages over 89, telephone numbers, hospitals and towns stay and are marked. The
rules are general and err towards marking; what they do not see must be marked by eye and come as ``phi``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from clinsynth.corpus.note import Note, Span
from clinsynth.inject.changes import Change
from clinsynth.inject.marks import marks
from clinsynth.inject.named import People, named
from clinsynth.inject.placeholders import placeholders
from clinsynth.inject.scene import Scene

T = TypeVar("T", Change, Span)


def standing(note: Note, scene: Scene) -> tuple[list[Change], list[Span]]:
    """What of a note must be replaced, and what of it is an identifier and stays; both sorted, apart.

    Identifiers that the note comes with stay, but for names: they become those of the scene.
    """
    people = People(scene)
    kept = [span for span in note.phi if span.label != "NAME"]
    found = [people.known(note.text, span) for span in note.phi if span.label == "NAME"]
    found += [*named(note.text, people), *placeholders(note.text, scene)]
    changes = _apart(found, [(span.start, span.end) for span in kept])
    taken = [(span.start, span.end) for span in kept] + [(one.start, one.end) for one in changes]
    return changes, sorted([*kept, *_apart(marks(note.text), taken)])


def _apart(found: Iterable[T], taken: list[tuple[int, int]]) -> list[T]:
    """Of what was found, the first first, all that overlaps neither what is taken nor what came before."""
    kept: list[T] = []
    places = list(taken)
    for one in found:
        if all(one.end <= start or end <= one.start for start, end in places):
            kept.append(one)
            places.append((one.start, one.end))
    return sorted(kept, key=lambda one: one.start)

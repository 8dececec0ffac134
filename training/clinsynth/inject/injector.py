"""Puts identifiers of every Safe Harbor class into a note, at known places.

A note draws the classes that it shall hold, then templates of its split until it holds them, so that rare
classes come about as often as each other. Everything depends on the seed, the split and the note's id
alone.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from typing import Final

from clinsynth.corpus.note import PHI_LABELS, Note
from clinsynth.inject.changes import Segment
from clinsynth.inject.draft import Draft
from clinsynth.inject.formats import PROFESSION
from clinsynth.inject.noise import noisy, noisy_value
from clinsynth.inject.scene import Scene
from clinsynth.inject.spots import gaps, occurrences, social_gaps
from clinsynth.inject.standing import standing
from clinsynth.inject.templates import Template, templates

PER_NOTE: Final = 18.0
"""Identifiers put into a note, on average."""

COMMON: Final = frozenset({"NAME", "LOCATION", "DATE"})  # come along with the others
WISHED: Final = tuple(label for label in PHI_LABELS if label not in COMMON)
PHRASES: Final = 3.0  # identifiers a note that come by changed phrases and the common classes, on average
PER_WISH: Final = 1.6  # identifiers that come for a class wished for: its own and those beside it, measured
WITH_PROFESSION: Final = 0.35  # share of notes
DISTRACTORS: Final = (1, 4)  # a note, from and to
MENTIONS: Final = (1, 4)  # of the patient by name in place of "the patient", where the note allows

_MALE: Final = re.compile(
    r"\b(?:he|his|him|himself|gentleman|man|male|boy|mr|prostat\w*|scrot\w+|testi\w*|penis|penile|vasectomy"
    r"|foreskin|circumcision)\b",
    re.IGNORECASE,
)
_FEMALE: Final = re.compile(
    r"\b(?:she|her|hers|herself|lady|woman|female|girl|mrs|ms|pregnan\w*|cesarean|uter\w+|ovar\w+|vagin\w+"
    r"|mastectomy|mammogram|hysterectomy|labia)\b",
    re.IGNORECASE,
)
_AGE: Final = re.compile(r"\b(\d{1,3})[- ](?:year|yr)s?[- ]old")


class Injector:
    """Injects into notes of one split.

    Args:
        split: ``train``, ``dev`` or ``test``: they share no names, formats or templates.
        seed: another seed, other identifiers.
        per_note: identifiers to put into a note, on average, 5 or more.

    Raises:
        MissingExtraError: a library of names is not installed.
        DataError: a file of templates or formats is wrong.
    """

    def __init__(self, split: str, seed: int, per_note: float = PER_NOTE) -> None:
        self._split, self._seed = split, seed
        self._wish = min(1.0, (per_note - PHRASES) / PER_WISH / len(WISHED))
        rows = templates(split)
        self._distractors = [row for row in rows if not row.labels]
        self._mentions = [row for row in rows if row.place == "phrase" and row.labels == {"NAME"}]
        self._phrases = [row for row in rows if row.place == "phrase" and row.labels - {"NAME"}]
        self._by_label = {
            label: [row for row in rows if label in row.labels and row.place != "phrase"]
            for label in (*PHI_LABELS, PROFESSION)
        }

    def inject(self, note: Note) -> Note:
        """The note with identifiers: ``phi`` is all that stand in it, ``entities`` moved along."""
        rng = random.Random(f"{self._seed} {self._split} {note.id}")
        scene = Scene(rng, self._split, patient_sex(note, rng), patient_age(note))
        draft = Draft(note, *standing(note, scene))
        self._put_phrases(draft, note.text, scene)
        chosen = self._chosen(rng)
        extra = [row for row in self._distractors if row.place in ("sentence", "social")]
        chosen += rng.sample(extra, min(len(extra), rng.randint(*DISTRACTORS)))
        _place(draft, note.text, chosen, scene)
        return draft.note(injection=f"{self._split} {self._seed}")

    def _chosen(self, rng: random.Random) -> list[Template]:
        """Templates that hold all classes that this note shall hold."""
        wishes = [label for label in WISHED if rng.random() < self._wish]
        wishes += [PROFESSION] if rng.random() < WITH_PROFESSION else []
        rng.shuffle(wishes)
        chosen: list[Template] = []
        held: set[str] = set()
        for label in wishes:
            if label in held:
                continue
            fitting = [row for row in self._by_label[label] if row not in chosen]
            if any("\n" in _text(row) and row.place == "header" for row in chosen):
                fitting = [row for row in fitting if row.place != "header" or "\n" not in _text(row)]
            if fitting:
                # A row that brings classes nobody wished for would make these commoner than the rest.
                weights = [0.04 ** len(row.labels - COMMON - set(wishes)) for row in fitting]
                row = rng.choices(fitting, weights)[0]
                chosen.append(row)
                held |= row.labels
        return chosen

    def _put_phrases(self, draft: Draft, text: str, scene: Scene) -> None:
        rng = scene.rng
        for rows, count in ((self._mentions, rng.randint(*MENTIONS)), (self._phrases, rng.randint(0, 2))):
            # Those whose words are not there go by without counting.
            for row in rng.sample(rows, len(rows)):
                places = [place for place in occurrences(text, row.old) if draft.free(*place)]
                if count and places:
                    count -= 1
                    start, end = rng.choice(places)
                    draft.put(start, end, [noisy_value(segment, rng) for segment in scene.segments(row)])


def patient_sex(note: Note, rng: random.Random) -> str:
    """As known or, failing that, as the pronouns say; drawn where they say nothing."""
    if note.attributes.sex:
        return note.attributes.sex
    men, women = len(_MALE.findall(note.text)), len(_FEMALE.findall(note.text))
    return rng.choice(("female", "male")) if men == women else "male" if men > women else "female"


def patient_age(note: Note) -> int | None:
    """In years, as the note first says; None where it does not."""
    match = _AGE.search(note.text)
    return min(int(match.group(1)), 110) if match else None


def _text(row: Template) -> str:
    return "".join(part for part in row.parts if isinstance(part, str))


def _place(draft: Draft, text: str, rows: Iterable[Template], scene: Scene) -> None:
    rng = scene.rng
    order = sorted(rows, key=_order)
    for row in order:
        segments = noisy(scene.segments(row), rng, running=row.place in ("sentence", "social"))
        if row.place == "header":
            draft.on_top(segments)
        elif row.place == "signoff":
            draft.at_bottom(segments)
        else:
            _into_text(draft, text, segments, row.place, rng)


def _order(row: Template) -> int:
    """Blocks at the top first, sign-offs last: a sentence that finds no gap comes before them."""
    return {"header": 0 if "\n" in _text(row) else 1, "signoff": 3}.get(row.place, 2)


def _into_text(draft: Draft, text: str, segments: list[Segment], place: str, rng: random.Random) -> None:
    """Between two sentences; a line at the end where no gap is left."""
    choices = [gap for gap in social_gaps(text) if draft.free(*gap)] if place == "social" else []
    choices = choices or [gap for gap in gaps(text) if draft.free(*gap)]
    if not choices:
        draft.at_bottom(segments)
        return
    start, end = rng.choice(choices)
    gap = text[start:end]
    blank = " " if "\n" in gap else gap
    draft.put(start, end, [Segment(blank), *segments, Segment(gap)])

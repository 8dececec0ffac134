"""Identifiers at known places: offsets, all classes, splits that share nothing, placeholders resolved."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsynth.corpus import PHI_LABELS, Note, Span
from clinsynth.corpus.note import Attributes
from clinsynth.inject import SPLITS, Injector
from clinsynth.inject.formats import PROFESSION, formats
from clinsynth.inject.templates import templates
from clinsynth.inject.vocabulary import belongs, split_of, vocabulary, words_of
from clinsynth.simulate import simulate_notes

PROSE = (
    "SOCIAL HISTORY: The patient is married and lives at home with family.  He does not smoke at all.\n"
    "HISTORY: The patient is a 61-year-old man who was seen with chest pain.  He was given aspirin and "
    "heparin in the emergency room.  The patient was admitted for further care.\n"
)


def bare_notes(count: int, seed: int = 5) -> list[Note]:
    """Texts without identifiers: simulated notes with theirs left out are not at hand, so plain prose."""
    return [Note(f"n{seed}-{i}", PROSE * (1 + i % 3)) for i in range(count)]


def told(notes: Iterable[Note]) -> list[tuple[str, str]]:
    return [
        (span.label, note.text[span.start : span.end])
        for note in notes
        for span in (*note.phi, *note.entities)
    ]


@pytest.mark.parametrize("split", SPLITS)
def test_all_classes_come_about_equally_often(split: str) -> None:
    injector = Injector(split, seed=1)
    count = Counter(label for label, _ in told(map(injector.inject, bare_notes(150))))
    assert set(PHI_LABELS) | {PROFESSION} == set(count)
    rare = [count[label] for label in PHI_LABELS if label not in ("NAME", "LOCATION", "DATE")]
    assert min(rare) > max(rare) / 3


@pytest.mark.parametrize("split", SPLITS)
def test_what_was_there_stays_and_spans_are_apart(split: str) -> None:
    injector = Injector(split, seed=2)
    for note in bare_notes(40):
        text = injector.inject(note).text
        # Each line of the note still stands, but for phrases that became names and what came between.
        for word in ("aspirin", "heparin", "61-year-old"):
            assert text.lower().count(word) >= note.text.count(word)
    for note in map(injector.inject, bare_notes(40)):
        spans = sorted((*note.phi, *note.entities))
        assert all(0 <= span.start < span.end <= len(note.text) for span in spans)
        assert all(one.end <= other.start for one, other in zip(spans, spans[1:]))
        assert all(note.text[s.start : s.end].strip() == note.text[s.start : s.end] for s in note.phi)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(SPLITS), st.integers(1, 4))
def test_a_note_depends_on_seed_split_and_id_alone(seed: int, split: str, times: int) -> None:
    note = Note("one", PROSE * times)
    alone = Injector(split, seed).inject(note)
    among = Injector(split, seed)
    among.inject(Note("other", PROSE))
    assert among.inject(note) == alone
    assert Injector(split, seed).inject(replace(note, id="two")).text != alone.text


def test_splits_share_neither_words_nor_formats_nor_templates() -> None:
    for kind in ("family", "towns", "streets", "saints", "professions", "foreign_towns"):
        words = [set(getattr(vocabulary(split), kind)) for split in SPLITS]
        assert all(words)
        assert not (words[0] & words[1])
        assert not (words[0] & words[2])
        assert not (words[1] & words[2])
    shared = {
        (kind, pattern)
        for kind, patterns in formats("train").items()
        for pattern in patterns
        if all(pattern in formats(split).get(kind, ()) for split in SPLITS)
    }
    for one, other in (("train", "dev"), ("train", "test"), ("dev", "test")):
        both = {(k, p) for k, ps in formats(one).items() for p in ps if p in formats(other).get(k, ())}
        assert both == shared, "only patterns of words alone are shared"
        bodies = [{(row.old, *map(str, row.parts)) for row in templates(s)} for s in (one, other)]
        assert not bodies[0] & bodies[1]
    assert all(not re.search(r"[#%?~]", re.sub(r"\{\w+\}", "", pattern)) for _, pattern in shared)


@pytest.mark.parametrize("split", SPLITS)
def test_names_are_of_their_split(split: str) -> None:
    words = vocabulary(split)
    assert all(belongs(name, split) for name in (*words.family, *words.towns, *words.streets))
    names = (
        *words.census_family.words,
        *words.towns,
        *(n for given in words.given.values() for n in given),
    )
    assert all(split_of(word) == split for name in names for word in words_of(name))
    assert split_of("O'Brien") == split_of("OBRIEN") == split_of("o’brien")  # noqa: RUF001


@pytest.mark.parametrize(
    ("text", "gone", "labels"),
    [
        ("I discussed it with Dr. X and with Dr. Y today.", ("Dr. X", "Dr. Y"), ["NAME", "NAME"]),
        ("He will see Dr. A, the neurologist, next week.", ("Dr. A",), ["NAME"]),
        ("Seen at ABCD General Hospital on MM/DD/YYYY for pain.", ("ABCD", "MM/DD"), ["LOCATION", "DATE"]),
        ("Jane Doe was seen. She did well.", ("Jane Doe",), ["NAME"]),
        ("RE: Sample Patient\nDear Dr. Lopez:", ("Sample", "Lopez"), ["NAME", "NAME"]),
    ],
)
def test_placeholders_are_resolved(text: str, gone: tuple[str, ...], labels: list[str]) -> None:
    note = Injector("train", 3, per_note=5).inject(Note("a", text))
    assert not [word for word in gone if word in note.text]
    found = Counter(label for label, _ in told([note]))
    assert all(found[label] >= count for label, count in Counter(labels).items())


def test_real_identifiers_stay_and_are_marked() -> None:
    text = "He was seen at Tacoma General Hospital on 03/14/2007. Call 555-0199 at age 94."
    note = Injector("dev", 3, per_note=5).inject(Note("a", text))
    for value in ("Tacoma General Hospital", "03/14/2007", "555-0199", "94"):
        assert value in [value for _, value in told([note])]


def test_a_real_name_becomes_one_of_the_split_and_keeps_its_people() -> None:
    text = "Mr. Okafor is a 70-year-old man. Mr. Okafor agreed. Dr. Lund saw him. Dr. Lund operated."
    start = text.index("Okafor")
    note = Note("a", text, phi=(Span(start, start + 6, "NAME"),), attributes=Attributes(sex="male"))
    after = Injector("test", 4, per_note=5).inject(note)
    assert "Okafor" not in after.text
    assert "Lund" not in after.text
    names = [value for label, value in told([after]) if label == "NAME"]
    titled = re.findall(r"Mr\. ([\w'-]+)", after.text)
    assert len(titled) >= 2
    assert len(set(titled)) == 1
    assert titled[0] in names


def test_entities_of_a_note_move_along() -> None:
    injector = Injector("train", 6)
    for note in simulate_notes(12, seed=8):
        before = Counter(note.text[s.start : s.end] for s in note.entities)
        after = injector.inject(replace(note, phi=()))
        kept = Counter(after.text[s.start : s.end] for s in after.entities if s.label != PROFESSION)
        assert kept == before


def test_another_seed_other_identifiers() -> None:
    note = bare_notes(1)[0]
    one, other = (set(told([Injector("train", seed).inject(note)])) for seed in (1, 2))
    assert len(one & other) < len(one) / 3

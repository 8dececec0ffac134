"""The notes: deterministic, varied, labelled at the right offsets, with every class of identifier."""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsynth.corpus import NOTE_TYPES, PHI_LABELS, Note
from clinsynth.errors import UsageError
from clinsynth.simulate import simulate_notes
from clinsynth.simulate.table import load_table

_NOTES = 1200
_FEMALE_ONLY = re.compile(
    r"\b(uterus|uterine|ovar(y|ies|ian)|pregnan|hysterectom|cesarean|vaginal|menstrua|adnexal)", re.I
)
_MALE_ONLY = re.compile(r"\b(prostat|testis|testic|scrot|vasectom|erectile)", re.I)


@pytest.fixture(scope="module")
def notes() -> list[Note]:
    return list(simulate_notes(_NOTES, 7))


def _texts(note: Note, label: str) -> list[str]:
    return [note.text[s.start : s.end] for s in (*note.entities, *note.phi) if s.label == label]


def test_note_i_is_the_same_however_many_are_asked_for(notes: list[Note]) -> None:
    assert list(simulate_notes(37, 7, 113)) == notes[113:150]
    assert next(simulate_notes(1, 7, 61)) == notes[61]
    assert list(itertools.islice(simulate_notes(10**9, 7), 5)) == notes[:5]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**40), start=st.integers(0, 400), count=st.integers(1, 12))
def test_any_stretch_equals_the_same_stretch_of_a_longer_run(seed: int, start: int, count: int) -> None:
    stretch = list(simulate_notes(count, seed, start))
    longer = list(simulate_notes(count + 3, seed, max(0, start - 2)))
    skipped = start - max(0, start - 2)
    assert longer[skipped : skipped + count] == stretch


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**63), start=st.integers(0, 10**6))
def test_spans_lie_on_whole_words(seed: int, start: int) -> None:
    for note in simulate_notes(3, seed, start):
        assert note.text == note.text.rstrip()
        for span in (*note.entities, *note.phi):
            text = note.text[span.start : span.end]
            assert text == text.strip()
            assert text
            assert "\n" not in text
            assert "{" not in text
            assert not (span.start and note.text[span.start - 1].isalnum() and text[0].isalnum())
        assert "{" not in note.text
        assert not _overlap(note)


def _overlap(note: Note) -> bool:
    spans = sorted((*note.entities, *note.phi))
    return any(a.end > b.start for a, b in itertools.pairwise(spans))


def test_other_seeds_are_other_hospitals(notes: list[Note]) -> None:
    others = list(simulate_notes(50, 8))
    assert not {n.text for n in others} & {n.text for n in notes}
    assert not {n.text for n in simulate_notes(50, 7, 100_000)} & {n.text for n in notes}


def test_every_class_of_identifier_is_in_any_300_notes(notes: list[Note]) -> None:
    for start in range(0, _NOTES - 300 + 1, 75):
        labels = {span.label for note in notes[start : start + 300] for span in note.phi}
        assert labels == set(PHI_LABELS)


def test_every_note_has_names_dates_record_number_and_facility(notes: list[Note]) -> None:
    for note in notes:
        assert {"NAME", "DATE", "MRN", "LOCATION"} <= {span.label for span in note.phi}


def test_every_type_of_note_is_written(notes: list[Note]) -> None:
    for start in range(0, _NOTES - 300 + 1, 300):
        assert {n.attributes.note_type for n in notes[start : start + 300]} == set(NOTE_TYPES)


def test_attributes_stand_in_the_text(notes: list[Note]) -> None:
    table = load_table()
    for note in notes:
        text = re.sub(r"\s+", " ", note.text.lower())
        attributes = note.attributes
        assert attributes.specialty is not None
        assert attributes.specialty in text
        assert attributes.diagnoses[0].lower() in text
        for name in attributes.diagnoses:
            assert any(known.lower() in text for known in table.diseases[name].names), name


def test_sex_and_organs_agree(notes: list[Note]) -> None:
    for note in notes:
        text = re.sub(r"(?i)prostate-specific|ovarian chocolate", "", note.text)
        wrong = _MALE_ONLY if note.attributes.sex == "female" else _FEMALE_ONLY
        assert not wrong.search(text), (note.id, wrong.pattern)


def test_pronouns_agree_with_the_sex(notes: list[Note]) -> None:
    for note in notes:
        wrong = r"\b(he|his|Mr)\b" if note.attributes.sex == "female" else r"\b(she|her|Mrs|Ms)\b"
        assert not re.search(wrong, note.text), note.id


def test_age_in_the_text_is_of_the_band(notes: list[Note]) -> None:
    seen = 0
    for note in notes:
        for number in re.findall(r"\b(\d{1,3})(?:-year-old| year old|-yo\b|yo\b| y/o| y\.o\.)", note.text):
            seen += 1
            low = 90 if note.attributes.age_band == "90+" else int(note.attributes.age_band.split("-")[0])
            assert low <= int(number) < (low + 10 if low < 90 else 130)
    assert seen > _NOTES


def test_ages_over_89_are_identifiers_and_no_others(notes: list[Note]) -> None:
    for note in notes:
        for text in _texts(note, "AGE"):
            assert int(text) >= 90
    assert any(note.attributes.age_band == "90+" for note in notes)


def test_entities_are_dense_and_balanced(notes: list[Note]) -> None:
    counts = Counter(span.label for note in notes for span in note.entities)
    assert set(counts) == {"PROBLEM", "TEST", "TREATMENT"}
    assert min(counts.values()) > 2 * _NOTES
    assert all(sum(s.label == "PROBLEM" for s in note.entities) >= 2 for note in notes)


def test_notes_are_of_a_learnable_length(notes: list[Note]) -> None:
    lengths: dict[str, list[int]] = {}
    for note in notes:
        lengths.setdefault(str(note.attributes.note_type), []).append(len(note.text))
    means = {kind: sum(found) / len(found) for kind, found in lengths.items()}
    assert 900 <= sum(len(note.text) for note in notes) / _NOTES <= 1600
    assert means["radiology report"] == min(means.values())
    assert means["discharge summary"] > means["radiology report"]


def test_hardly_two_notes_are_alike(notes: list[Note]) -> None:
    by_shingle: dict[str, list[int]] = {}
    shingles = []
    for i, note in enumerate(notes):
        words = note.text.split()
        found = {" ".join(words[k : k + 5]) for k in range(len(words) - 4)}
        shingles.append(found)
        for shingle in found:
            by_shingle.setdefault(shingle, []).append(i)
    # A pair at Jaccard .8 shares nearly all of its shingles, also those that few other notes hold.
    shared = Counter(
        pair
        for holders in by_shingle.values()
        if 1 < len(holders) <= 8
        for pair in itertools.combinations(holders, 2)
    )
    alike = {
        b
        for (a, b), _ in shared.most_common(3000)
        if len(shingles[a] & shingles[b]) >= 0.8 * len(shingles[a] | shingles[b])
    }
    assert len(alike) < 0.01 * _NOTES


def test_patients_come_back(notes: list[Note]) -> None:
    by_patient: dict[str, list[Note]] = {}
    for note in notes:
        assert note.patient_id is not None
        by_patient.setdefault(note.patient_id, []).append(note)
    several = [group for group in by_patient.values() if len(group) > 1]
    assert len(several) > 100
    for group in several:
        assert (
            len({(n.attributes.sex, n.attributes.age_band, n.attributes.diagnoses[0]) for n in group}) == 1
        )
        assert len({re.sub(r"\W", "", _texts(n, "MRN")[0]) for n in group}) == 1
    assert len({n.id for n in notes}) == _NOTES


def test_identifiers_belong_to_nobody(notes: list[Note]) -> None:
    for note in notes:
        for text in (*_texts(note, "PHONE"), *_texts(note, "FAX")):
            assert re.search(r"555[-. ]01\d\d", text), "not a fictional number"
        for text in _texts(note, "SSN"):
            digits = re.sub(r"\D", "", text)
            area, group = digits[:3], int(digits[3:5])
            assert area in ("000", "666") or (area[0] == "9" and group < 50)
        for text in (*_texts(note, "EMAIL"), *_texts(note, "URL")):
            assert re.search(r"\bexample\.(org|com|net)\b", text)
        for text in _texts(note, "IP"):
            address = ipaddress.ip_address(text)
            assert not address.is_global


def test_people_are_of_many_origins(notes: list[Note]) -> None:
    names = {name for note in notes for name in _texts(note, "NAME")}
    assert len(names) > 2 * _NOTES
    assert sum(any(ord(character) > 127 for character in name) for name in names) > 0.05 * len(names)


def test_reprs_show_no_one(notes: list[Note]) -> None:
    from random import Random

    from clinsynth.simulate.hospital import draw_staff_of
    from clinsynth.simulate.patient import draw_patient

    patient, _ = draw_patient(Random(1), load_table())
    staff = draw_staff_of(Random(1))
    for shown, secret in (
        (patient, patient.name.last),
        (patient.name, patient.name.last),
        (staff, staff.facility),
    ):
        assert secret not in repr(shown)


def test_provenance_says_where_they_come_from(notes: list[Note]) -> None:
    assert notes[0].id == "sim-000000"
    assert dict(notes[0].provenance) == {"source": "simulator", "seed": "7"}


def test_none_and_nonsense() -> None:
    assert list(simulate_notes(0, 7)) == []
    with pytest.raises(UsageError, match="notes is -1"):
        simulate_notes(-1, 7)
    with pytest.raises(UsageError, match="start is -1"):
        simulate_notes(1, 7, -1)

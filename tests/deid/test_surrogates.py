"""Invented values: the same for the same key, never the original, of numbers that nobody has."""

from __future__ import annotations

import ipaddress
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsynth.corpus import PHI_LABELS, Attributes, Note, Span
from clinsynth.deid import TAG, Detector, checks, to_surrogates, to_tags
from clinsynth.deid.surrogates import invented
from clinsynth.errors import UsageError

TAGGED = (
    "Patient: <|NAME|>  DOB: <|DATE|>  MRN: <|MRN|>\nMr. <|NAME|>, <|AGE|>-year-old, seen <|DATE|> at <|LOCATION|>, "
    "lives in <|LOCATION|>. Chest pain since <|DATE|>. Next visit <|DATE|>. Zip <|LOCATION|>.\nMRN <|MRN|> again. "
    "Dr. <|NAME|>, phone <|PHONE|>, fax <|FAX|>, plate <|VEHICLE|>.\nSigned by <|NAME|>, MD"
)

DOCUMENTATION = [ipaddress.ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]


def note(text: str, **more: object) -> Note:
    return Note("n1", text, **more)  # type: ignore[arg-type]


def values(filled: Note, label: str) -> list[str]:
    return [filled.text[s.start : s.end] for s in filled.phi if s.label == label]


def test_every_tag_becomes_a_value_and_phi_lies_on_it() -> None:
    filled = to_surrogates(note(TAGGED), "key")
    assert not TAG.search(filled.text)
    assert [s.label for s in filled.phi] == [m[1] for m in TAG.finditer(TAGGED)]
    assert to_tags(filled, filled.phi).text == TAGGED


def test_the_words_around_tell_what_is_wanted() -> None:
    filled = to_surrogates(note(TAGGED, attributes=Attributes(sex="male", age_band="90+")), "key")
    patient, surname, doctor, signed = values(filled, "NAME")
    assert patient.split()[-1] == surname
    assert patient.split()[0] in invented.given_names("male")
    assert " " not in doctor
    assert " " in signed
    facility, town, zip_code = values(filled, "LOCATION")
    assert facility.split()[-1] in {"Hospital", "Center", "Clinic"}
    assert re.fullmatch(r"\w+, [A-Z]{2}", town)
    assert re.fullmatch(r"00[0-4]\d\d", zip_code)
    assert len(set(values(filled, "MRN"))) == 1
    assert 90 <= int(values(filled, "AGE")[0]) <= 99
    assert re.fullmatch(r"[A-Z]{3}-\d{4}", values(filled, "VEHICLE")[0])
    assert all(re.fullmatch(r"\d{3}-555-01\d\d", values(filled, label)[0]) for label in ("PHONE", "FAX"))


def test_days_of_a_stay_run_forward_in_one_form() -> None:
    filled = to_surrogates(note("Seen <|DATE|>. " * 6), "key")
    detector = Detector()
    assert len(detector.detect(filled.text)) == 6  # all are dates
    shapes = {re.sub(r"[A-Z][a-z]+", "M", re.sub(r"\d+", "9", day)) for day in values(filled, "DATE")}
    assert len(shapes) == 1


def test_key_and_patient_decide() -> None:
    first = to_surrogates(note(TAGGED), "one")
    assert to_surrogates(note(TAGGED), b"one") == first
    assert to_surrogates(note(TAGGED), "two").text != first.text
    assert to_surrogates(Note("n2", TAGGED), "one").text != first.text
    ours = [to_surrogates(Note(i, TAGGED, patient_id="p"), "one") for i in ("n1", "n2")]
    assert ours[0].text == ours[1].text


def test_values_of_a_raw_note_go_by_what_was_written() -> None:
    text = "Patient Okafor, Ada. Okafor slept. Dr. Petrov (617-867-5309) told Dr. Petrov."
    found = [m.span() for m in re.finditer(r"Okafor, Ada|Okafor|Petrov|617-867-5309", text)]
    spans = [Span(a, b, "PHONE" if text[a].isdigit() else "NAME") for a, b in found]
    filled = to_surrogates(note(text, phi=tuple(spans)), "key")
    names = values(filled, "NAME")
    assert names[-1] == names[-2]
    assert not re.search("Okafor|Ada|Petrov|5309", filled.text)


def test_entities_move_along() -> None:
    text = "Chest pain on <|DATE|>, aspirin given."
    entities = (Span(0, 10, "PROBLEM"), Span(text.index("aspirin"), text.index("aspirin") + 7, "TREATMENT"))
    filled = to_surrogates(note(text, entities=entities), "key")
    assert [filled.text[e.start : e.end] for e in filled.entities] == ["Chest pain", "aspirin"]


def test_an_entity_may_be_a_tag_alone() -> None:
    filled = to_surrogates(note("On <|DATE|>.", entities=(Span(3, 11, "PROBLEM"),)), "key")
    assert filled.entities == (Span(filled.phi[0].start, filled.phi[0].end, "PROBLEM"),)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("DOB: mm/dd/yyyy", "DATE"),
        ("since Christmas", "DATE"),
        ("on 13/13/2019", "DATE"),
        ("in 2019", "DATE"),
        ("aged ninety Smith", "AGE"),
        ("the General Hospital", "LOCATION"),
        ("Smith 2", "NAME"),
        ("fingerprint on file", "BIOMETRIC"),
    ],
)
def test_what_cannot_be_replaced_becomes_a_tag(text: str, label: str) -> None:
    filled = to_surrogates(note(text, phi=(Span(0, len(text), label),)), "key")
    assert filled.text == f"<|{label}|>"
    assert filled.phi == (Span(0, len(filled.text), label),)


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(UsageError, match="key"):
        to_surrogates(note(TAGGED), "")


@given(
    st.lists(st.sampled_from([*(f"<|{label}|>" for label in PHI_LABELS), " pain ", "Dr. ", "\n", "DOB "]))
)
def test_surrogates_parse_back(pieces: list[str]) -> None:
    text = "".join(pieces)
    filled = to_surrogates(Note("n", text), "key")
    assert [s.label for s in filled.phi] == [m[1] for m in TAG.finditer(text)]
    assert to_tags(filled, filled.phi).text == text
    assert filled == to_surrogates(Note("n", text), "key")


@given(st.integers(0, 10**9))
def test_numbers_are_nobodys(seed: int) -> None:
    rng = random.Random(seed)
    area, group, _ = invented.ssn(rng).split("-")
    assert int(area) >= 900
    assert int(group) < 50
    assert checks.luhn(invented.account(rng)) != 0
    vin = invented.vehicle(rng)
    assert len(vin) == 17
    assert vin[8] != checks.vin_check(list(vin))
    digits = [int(d) for d in invented.license_number(rng)[2:]]
    assert (sum(digits[0:6:2]) + 2 * sum(digits[1:6:2])) % 10 != digits[6]
    address = ipaddress.ip_address(invented.ip(rng))
    assert any(address in network for network in DOCUMENTATION)
    assert re.search(r"@example\.(?:com|org|net)$", invented.email(rng))
    assert re.match(r"https://www\.example\.(?:com|org|net)/", invented.url(rng))


@pytest.mark.parametrize(
    ("number", "right"),
    [
        ("4539578763621486", True),
        ("79927398713", True),
        ("79927398710", False),
        ("4539578763621487", False),
    ],
)
def test_luhn(number: str, right: bool) -> None:
    assert (checks.luhn(number) == 0) is right


def test_the_check_character_of_a_vehicle() -> None:
    assert checks.vin_check(list("1M8GDM9AXKP042788")) == "X"
    assert checks.vin_check(list("11111111111111111")) == "1"

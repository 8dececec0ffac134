"""Identifiers lie outside every register that exists."""

from __future__ import annotations

import re
from datetime import date
from random import Random

import pytest

from clinsynth.corpus import PHI_LABELS
from clinsynth.simulate import identifiers, people
from clinsynth.simulate.plants import HEADER, RARE_LABELS, SIGN_OFF, draw_plants

_DRAWS = 400


def test_all_classes_are_planted_somewhere() -> None:
    # The others depend on the patient and stand in the text of every note.
    assert set(RARE_LABELS) | {"NAME", "LOCATION", "DATE", "AGE", "MRN"} == set(PHI_LABELS)


@pytest.mark.parametrize("label", RARE_LABELS)
def test_every_class_fits_in_header_or_sign_off(label: str) -> None:
    rng = Random(1)
    names = (people.draw_staff(rng),)
    for _ in range(20):
        plants = draw_plants(rng, {label}, (HEADER, SIGN_OFF), names)
        assert set(plants) <= {HEADER, SIGN_OFF}
        assert label in {label for phrases in plants.values() for p in phrases for _, label in p}


def test_provider_numbers_fail_their_check() -> None:
    rng = Random(2)
    for _ in range(_DRAWS):
        text = identifiers._wrong_luhn(rng)
        assert re.fullmatch(r"1\d{9}", text)
        assert not _luhn("80840" + text)
        dea = identifiers._wrong_dea(rng)
        digits = [int(d) for d in dea[2:]]
        assert (digits[0] + digits[2] + digits[4] + 2 * (digits[1] + digits[3] + digits[5])) % 10 != digits[
            6
        ]


def test_luhn_of_this_test_is_right() -> None:
    assert _luhn("808401234567893")  # the example of the standard
    assert not _luhn("808401234567894")


def _luhn(text: str) -> bool:
    total = 0
    for i, digit in enumerate(reversed(text)):
        value = int(digit) * (2 if i % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def test_vehicle_numbers_fail_their_check() -> None:
    rng = Random(3)
    for _ in range(_DRAWS):
        vin = identifiers._wrong_vin(rng)
        assert len(vin) == 17
        assert not set("IOQ") & set(vin)
        weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
        total = sum(
            w * identifiers._VIN_VALUES.get(c, int(c) if c.isdigit() else 0) for w, c in zip(weights, vin)
        )
        assert "0123456789X"[total % 11] != vin[8]


@pytest.mark.parametrize(
    ("form", "full", "short"),
    [
        ("mdy", "03/04/2021", "3/4"),
        ("mdy-short", "3/4/21", "3/4"),
        ("mdy-dash", "03-04-2021", "3/4"),
        ("iso", "2021-03-04", "Mar 4"),
        ("long", "March 4, 2021", "March 4"),
        ("dmy", "4 Mar 2021", "4 Mar"),
    ],
)
def test_dates(form: str, full: str, short: str) -> None:
    day = date(2021, 3, 4)
    assert identifiers.date_text(day, form) == full
    assert identifiers.short_date_text(day, form) == short


def test_email_of_any_name() -> None:
    name = people.Name("Thành", "Đỗ", "H")
    text = identifiers.email(Random(4), name)
    assert text.isascii()
    assert re.fullmatch(r"[a-z0-9._]+@[a-z.]+", text)


def test_names_follow_the_sex_and_the_seed_only() -> None:
    assert people.draw_name(Random(5), "female").full == people.draw_name(Random(5), "female").full
    first_names = {people.draw_name(Random(i), "female").first for i in range(300)}
    assert "John" not in first_names
    assert len(first_names) > 200


def test_the_state_of_faker_does_not_enter() -> None:
    from faker import Faker

    before = [people.draw_name(Random(i), "male").full for i in range(20)]
    Faker.seed(99)
    Faker().name()
    assert [people.draw_name(Random(i), "male").full for i in range(20)] == before

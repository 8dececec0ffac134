"""Identifiers of every textual Safe Harbor class, in the formats that notes hold.

Where a register exists they lie outside it: telephone numbers are 555-01xx, social security numbers come
from ranges that were never issued, check digits of vehicle and provider numbers are wrong on purpose,
beneficiary numbers use a letter that is never used, domains and addresses are those reserved for
documentation.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from random import Random
from typing import Final

from clinsynth.simulate.people import Name

_LETTERS: Final = "ABCDEFGHJKLMNPRSTUVWXYZ"
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def phone(rng: Random) -> str:
    """A telephone number of the fictional range."""
    area = f"{rng.randint(2, 9)}{rng.randint(0, 9)}{rng.randint(2, 9)}"
    line = f"01{rng.randint(0, 99):02}"
    return rng.choice(
        (
            f"({area}) 555-{line}",
            f"({area})555-{line}",
            f"{area}-555-{line}",
            f"{area}.555.{line}",
            f"+1 {area} 555 {line}",
            f"1-{area}-555-{line}",
            f"555-{line}",
            f"{area}-555-{line} ext. {rng.randint(10, 999)}",
        )
    )


def ssn(rng: Random) -> str:
    """A social security number that was never issued: area 000 or 666, or 9xx with a group below 50."""
    area = rng.choice(("000", "666", f"9{rng.randint(0, 99):02}"))
    group, serial = f"{rng.randint(1, 49):02}", f"{rng.randint(1, 9999):04}"
    return rng.choice((f"{area}-{group}-{serial}", f"{area} {group} {serial}", f"{area}{group}{serial}"))


def mrn(rng: Random) -> str:
    """A medical record number, without its label."""
    digits = f"{rng.randint(10**6, 10**8 - 1)}"
    return rng.choice(
        (
            digits,
            f"{digits[:3]}-{digits[3:5]}-{digits[5:]}",
            f"00{digits}",
            f"{rng.choice('HMEU')}{digits}",
            f"{digits[:4]} {digits[4:]}",
        )
    )


def health_plan(rng: Random) -> str:
    """A member or beneficiary number."""
    letters = "".join(rng.choices(_LETTERS, k=3))
    return rng.choice(
        (
            f"{letters}{rng.randint(10**8, 10**9 - 1)}",
            f"{rng.randint(1, 9)}S{letters[1]}{rng.randint(0, 9)}-{letters[2]}{letters[0]}"
            f"{rng.randint(0, 9)}-{letters[1]}{letters[2]}{rng.randint(10, 99)}",
            f"{letters[:2]} {rng.randint(10**6, 10**7 - 1)} {rng.randint(1, 9):02}",
            f"W{rng.randint(10**7, 10**8 - 1)}-{rng.randint(1, 4):02}",
        )
    )


def account(rng: Random) -> str:
    """A billing or encounter account."""
    number = rng.randint(10**7, 10**10 - 1)
    return rng.choice(
        (str(number), f"V{number}", f"{number % 10**8:08}-{rng.randint(1, 99):02}", f"AC{number}")
    )


def license_number(rng: Random) -> str:
    """A professional or driver's licence, or a provider number whose check digit is wrong."""
    letter = rng.choice(_LETTERS)
    return rng.choice(
        (
            f"{letter}{rng.randint(10**4, 10**6 - 1)}",
            f"MD-{rng.randint(10**4, 10**6 - 1)}",
            f"{letter}{rng.randint(100, 999)}-{rng.randint(1000, 9999)}-{rng.randint(1000, 9999)}",
            _wrong_luhn(rng),
            _wrong_dea(rng),
        )
    )


def _wrong_luhn(rng: Random) -> str:
    body = f"1{rng.randint(10**7, 10**8 - 1)}"
    digits = [int(d) for d in "80840" + body]
    # The doubled digits are those at every second place from the right of the body.
    total = sum(sum(divmod(2 * d, 10)) if i % 2 == 0 else d for i, d in enumerate(reversed(digits)))
    check = (-total) % 10
    return f"{body}{(check + rng.randint(1, 9)) % 10}"


def _wrong_dea(rng: Random) -> str:
    body = f"{rng.randint(10**5, 10**6 - 1)}"
    digits = [int(d) for d in body]
    check = (digits[0] + digits[2] + digits[4] + 2 * (digits[1] + digits[3] + digits[5])) % 10
    return f"{rng.choice('ABFM')}{rng.choice(_LETTERS)}{body}{(check + rng.randint(1, 9)) % 10}"


def vehicle(rng: Random) -> str:
    """A licence plate, or a vehicle identification number that fails its check."""
    letters = "".join(rng.choices(_LETTERS, k=3))
    if rng.random() < 0.35:
        return _wrong_vin(rng)
    return rng.choice(
        (
            f"{rng.randint(1, 9)}{letters}{rng.randint(100, 999)}",
            f"{letters}-{rng.randint(1000, 9999)}",
            f"{letters} {rng.randint(100, 999)}",
        )
    )


_VIN_VALUES: Final = dict(
    zip(
        "ABCDEFGHJKLMNPRSTUVWXYZ",
        [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9],
        strict=True,
    )
)
_VIN_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def _wrong_vin(rng: Random) -> str:
    characters = list(
        "1" + "".join(rng.choices(_LETTERS + "0123456789", k=9)) + f"{rng.randint(0, 9999999):07}"
    )
    total = sum(
        weight * (_VIN_VALUES[c] if c in _VIN_VALUES else int(c))
        for weight, c in zip(_VIN_WEIGHTS, characters, strict=True)
    )
    right = total % 11
    characters[8] = str((right + rng.randint(1, 8)) % 9) if right < 9 else str(rng.randint(0, 8))
    return "".join(characters)


def device(rng: Random) -> str:
    """A device's serial or lot number."""
    letters = "".join(rng.choices(_LETTERS, k=3))
    return rng.choice(
        (
            f"{letters}{rng.randint(10**5, 10**7)}",
            f"SN-{rng.randint(10**6, 10**8)}",
            f"{rng.randint(10, 99)}-{letters}-{rng.randint(1000, 9999)}",
            f"{letters[:2]}{rng.randint(1000, 9999)}/{rng.randint(10, 99)}",
        )
    )


def email(rng: Random, name: Name) -> str:
    """An address at a domain reserved for documentation."""
    first, last = (_ascii(part) for part in (name.first, name.last))
    local = rng.choice(
        (
            f"{first}.{last}",
            f"{first[:1]}{last}",
            f"{last}{rng.randint(1, 99)}",
            f"{first}_{last}",
            f"{last}.{first[:1]}",
        )
    )
    domain = rng.choice(
        ("example.org", "example.com", "mail.example.com", "clinic.example.org", "example.net")
    )
    return f"{local}@{domain}"


def _ascii(text: str) -> str:
    split = unicodedata.normalize("NFKD", text.lower())
    kept = "".join(c for c in split if c.isascii() and c.isalpha())
    return kept or "contact"


def url(rng: Random) -> str:
    """A web address at a domain reserved for documentation."""
    number = rng.randint(10**4, 10**7)
    return rng.choice(
        (
            f"https://portal.example.org/r/{number}",
            f"https://images.example.com/study/{number}",
            f"www.example.org/patients/{number}",
            f"http://telehealth.example.net/visit?id={number}",
            f"https://mychart.example.com/msg/{number}",
        )
    )


def ip_address(rng: Random) -> str:
    """An internet address of the ranges reserved for documentation."""
    last = rng.randint(1, 254)
    return rng.choice(
        (
            f"192.0.2.{last}",
            f"198.51.100.{last}",
            f"203.0.113.{last}",
            f"2001:db8::{rng.randint(16, 65535):x}:{last:x}",
        )
    )


def biometric(rng: Random) -> str:
    """A reference to a biometric identifier."""
    number = rng.randint(1000, 99999)
    return rng.choice(
        (
            f"fingerprint template FP-{number}",
            f"voiceprint VP-{number}",
            f"iris scan record {number}",
            f"palm vein template PV{number}",
            f"retinal scan ID R-{number}",
            f"fingerprint scan #{number}",
        )
    )


def photo(rng: Random) -> str:
    """A reference to a picture that shows the face."""
    number = rng.randint(100, 99999)
    return rng.choice(
        (
            f"full-face photograph IMG_{number}.jpg",
            f"facial photo DSC_{number:05}.JPG",
            f"identification photo PIC-{number}.png",
            f"patient portrait {number}.jpeg",
            f"face photograph no. {number}",
        )
    )


def other_id(rng: Random) -> str:
    """Any other unique code: accession, specimen, trial subject."""
    letters = "".join(rng.choices(_LETTERS, k=2))
    return rng.choice(
        (
            f"{letters}-{rng.randint(10**4, 10**6)}",
            f"{rng.randint(15, 25)}-{letters}-{rng.randint(1000, 99999):05}",
            f"{letters}{rng.randint(10**6, 10**8)}",
            f"{rng.randint(10, 99)}-{rng.randint(100, 999)}-{rng.randint(1000, 9999)}",
        )
    )


UNNAMED: Final[Mapping[str, Callable[[Random], str]]] = {
    "PHONE": phone,
    "FAX": phone,
    "SSN": ssn,
    "MRN": mrn,
    "HEALTH_PLAN": health_plan,
    "ACCOUNT": account,
    "LICENSE": license_number,
    "VEHICLE": vehicle,
    "DEVICE": device,
    "URL": url,
    "IP": ip_address,
    "BIOMETRIC": biometric,
    "PHOTO": photo,
    "OTHER_ID": other_id,
}
"""Label -> how to draw one, for the classes that need to know nothing of the person."""


def date_text(day: date, form: str) -> str:
    """A date with its year, in one of the forms of ``Style.date``."""
    month = _MONTHS[day.month - 1]
    forms = {
        "mdy": f"{day.month:02}/{day.day:02}/{day.year}",
        "mdy-short": f"{day.month}/{day.day}/{day.year % 100:02}",
        "mdy-dash": f"{day.month:02}-{day.day:02}-{day.year}",
        "iso": day.isoformat(),
        "long": f"{month} {day.day}, {day.year}",
        "dmy": f"{day.day} {month[:3]} {day.year}",
    }
    return forms[form]


def short_date_text(day: date, form: str) -> str:
    """A date without its year, as notes refer to days nearby."""
    month = _MONTHS[day.month - 1]
    return {
        "long": f"{month} {day.day}",
        "dmy": f"{day.day} {month[:3]}",
        "iso": f"{month[:3]} {day.day}",
    }.get(form, f"{day.month}/{day.day}")

"""Values that nobody has, one function a class of identifier.

Telephone numbers lie in the range kept for fiction (555-01xx), addresses on the net in the ranges and
domains kept for documents, social security numbers and ZIP codes where none are given out; numbers with a
check digit fail it. Names are drawn from Faker's pools and may well be those of living people: so may every
name.
"""

from __future__ import annotations

import datetime
import importlib
import random
from functools import cache
from typing import Final

from clinsynth.deid.checks import dea_check, vin_check, without_luhn

_NAME_LOCALES: Final = ("en_US", "en_GB", "es_MX", "en_IN", "it_IT", "fr_FR", "pl_PL", "de_DE")
_TOWN_FRONT: Final = (
    "Alder", "Ash", "Birch", "Clear", "Copper", "Elm", "Fair", "Fern", "Green", "Hazel", "Iron", "Lake",
    "Linden", "Maple", "Mill", "Oak", "Red", "Rock", "Silver", "Stone", "Thorn", "West", "White", "Willow",
)  # fmt: skip
_TOWN_BACK: Final = (
    "bridge",
    "brook",
    "bury",
    "dale",
    "field",
    "ford",
    "haven",
    "hurst",
    "mere",
    "port",
    "ridge",
    "ton",
    "vale",
    "wick",
)
_STATES: Final = (
    "CA",
    "CO",
    "IL",
    "MA",
    "MI",
    "MN",
    "NC",
    "NJ",
    "NY",
    "OH",
    "OR",
    "PA",
    "TX",
    "VA",
    "WA",
    "WI",
)
_STREETS: Final = ("Street", "Avenue", "Road", "Lane", "Drive", "Court")
_FACILITIES: Final = (
    "Hospital",
    "Medical Center",
    "Memorial Hospital",
    "General Hospital",
    "Clinic",
    "Health Center",
    "Community Hospital",
)
DOMAINS: Final = ("com", "org", "net")
AREAS: Final = (202, 212, 305, 312, 404, 415, 503, 512, 602, 612, 617, 702, 713, 720, 816, 919)
_FAILED_VIN: Final = "0123456789X"
_VIN: Final = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
DATE_FORMS: Final = (
    "{m:02}/{d:02}/{y}",
    "{m}/{d}/{y}",
    "{month} {d}, {y}",
    "{d} {mon} {y}",
    "{y}-{m:02}-{d:02}",
)
"""Ways to write a date; a note keeps to one."""


@cache
def given_names(sex: str | None) -> tuple[str, ...]:
    """Given names of ``female``, ``male`` or (None) all persons."""
    if sex is None:
        return (*given_names("female"), *given_names("male"))
    return _pool(f"first_names_{sex}")


@cache
def family_names() -> tuple[str, ...]:
    """Family names."""
    return _pool("last_names")


def _pool(kind: str) -> tuple[str, ...]:
    """Names of several origins in plain letters, each once, in a fixed order."""
    pools = (_provider_names(locale, kind) for locale in _NAME_LOCALES)
    return tuple(sorted({name for pool in pools for name in pool if name.isascii() and name.isalpha()}))


def _provider_names(locale: str, kind: str) -> tuple[str, ...]:
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    return tuple(getattr(provider, kind, ()) or getattr(provider, kind.split("_")[0] + "_names", ()))


def person(rng: random.Random, sex: str | None = None) -> tuple[str, str]:
    """Given and family name."""
    return rng.choice(given_names(sex)), rng.choice(family_names())


def town(rng: random.Random) -> str:
    """A town that no list knows."""
    return rng.choice(_TOWN_FRONT) + rng.choice(_TOWN_BACK)


def town_with_state(rng: random.Random) -> str:
    """``Alderbrook, OH``."""
    return f"{town(rng)}, {rng.choice(_STATES)}"


def address(rng: random.Random) -> str:
    """``214 Fern Lane, Alderbrook, OH 00213``: no ZIP code begins with 000 to 004."""
    street = f"{rng.randint(2, 999)} {rng.choice(_TOWN_FRONT)} {rng.choice(_STREETS)}"
    return f"{street}, {town_with_state(rng)} {zip_code(rng)}"


def zip_code(rng: random.Random) -> str:
    """A ZIP code that is not given out."""
    return f"00{rng.randint(0, 4)}{rng.randint(0, 99):02}"


def facility(rng: random.Random) -> str:
    """``Alderbrook Memorial Hospital``."""
    return f"{town(rng)} {rng.choice(_FACILITIES)}"


def date(day: datetime.date, form: str) -> str:
    """``day`` as one of ``DATE_FORMS``."""
    month = day.strftime("%B")
    return form.format(d=day.day, m=day.month, y=day.year, month=month, mon=month[:3])


def high_age(rng: random.Random) -> str:
    """90 to 99."""
    return str(rng.randint(90, 99))


def phone(rng: random.Random) -> str:
    """``617-555-0134``."""
    return f"{rng.choice(AREAS)}-555-01{rng.randint(0, 99):02}"


def email(rng: random.Random) -> str:
    """An address in a domain kept for examples."""
    given, family = person(rng)
    domain = f"example.{rng.choice(DOMAINS)}"
    return f"{given[0].lower()}.{family.lower()}{rng.randint(1, 99)}@{domain}"


def url(rng: random.Random) -> str:
    """A page in a domain kept for examples."""
    return f"https://www.example.{rng.choice(DOMAINS)}/{town(rng).lower()}{rng.randint(1, 99)}"


def ip(rng: random.Random) -> str:
    """An address in a range kept for documents."""
    return f"{rng.choice(('192.0.2', '198.51.100', '203.0.113'))}.{rng.randint(1, 254)}"


def ssn(rng: random.Random) -> str:
    """No number of 9xx is given out, and tax numbers of that form have other middle digits."""
    return f"{rng.randint(900, 999)}-{rng.randint(1, 49):02}-{rng.randint(1, 9999):04}"


def mrn(rng: random.Random) -> str:
    """Eight digits."""
    return _digits(rng, 8)


def health_plan(rng: random.Random) -> str:
    """Three letters and nine digits."""
    return _letters(rng, 3) + _digits(rng, 9)


def account(rng: random.Random) -> str:
    """Ten digits that fail the check of bank and credit cards."""
    return without_luhn(_digits(rng, 10))


def license_number(rng: random.Random) -> str:
    """Two letters and seven digits that fail the check of the Drug Enforcement Administration."""
    digits = _digits(rng, 7)
    return _letters(rng, 2) + digits[:6] + str((dea_check(digits) + rng.randint(1, 9)) % 10)


def vehicle(rng: random.Random) -> str:
    """A vehicle identification number whose ninth character is wrong."""
    vin = [rng.choice(_VIN) for _ in range(11)] + list(_digits(rng, 6))
    wrong = _FAILED_VIN.replace(vin_check(vin), "")
    vin[8] = rng.choice(wrong)
    return "".join(vin)


def plate(rng: random.Random) -> str:
    """``ABC-1234``."""
    return f"{_letters(rng, 3)}-{_digits(rng, 4)}"


def device(rng: random.Random) -> str:
    """``KT-4821936``."""
    return f"{_letters(rng, 2)}-{_digits(rng, 7)}"


def biometric(rng: random.Random) -> str:
    """``BIO-4821-93``."""
    return f"BIO-{_digits(rng, 4)}-{_digits(rng, 2)}"


def photo(rng: random.Random) -> str:
    """``photo-482193.jpg``."""
    return f"photo-{_digits(rng, 6)}.jpg"


def other_id(rng: random.Random) -> str:
    """``R48-219362``."""
    return f"{_letters(rng, 1)}{_digits(rng, 2)}-{_digits(rng, 6)}"


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def _letters(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(count))

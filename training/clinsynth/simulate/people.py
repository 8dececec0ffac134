"""Pools of names and places from Faker's provider data, and names drawn from them.

The lists are read once from the providers' class data: a call per name is far too slow, and the state of a
Faker instance would enter the result. They come from several locales, because hospitals do.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

_LOCALES: Final = (
    ("en_US", 30),
    ("es_MX", 12),
    ("en_GB", 6),
    ("en_IE", 4),
    ("en_IN", 7),
    ("zh_CN", 5),
    ("ja_JP", 3),
    ("vi_VN", 3),
    ("de_DE", 4),
    ("it_IT", 4),
    ("fr_FR", 3),
    ("pt_BR", 3),
    ("nl_NL", 2),
    ("sv_SE", 2),
    ("tr_TR", 2),
    ("id_ID", 2),
    ("fr_DZ", 3),
    ("en_KE", 2),
    ("yo_NG", 2),
    ("ig_NG", 2),
    ("ha_NG", 1),
    ("zu_ZA", 1),
)
"""Locale of Faker's person provider -> weight among patients and staff."""

_LETTER: Final = "A-Za-z\u00c0-\u024f\u1e00-\u1eff"
_LATIN: Final = re.compile(f"[{_LETTER}][{_LETTER}' -]*[{_LETTER}]")
# A first draw of both names from one locale, sometimes not: families mix.
_MIXED: Final = 0.12

_USUAL_STREETS: Final = frozenset(
    [
        "Avenue",
        "Street",
        "Road",
        "Drive",
        "Lane",
        "Court",
        "Way",
        "Place",
        "Circle",
        "Boulevard",
        "Terrace",
        "Trail",
        "Parkway",
        "Square",
        "Hill",
        "Ridge",
        "Creek",
        "Grove",
        "Loop",
        "Pike",
        "Crossing",
        "Heights",
        "Highway",
        "Run",
        "View",
    ]
)

MEDICAL_WORDS: Final = frozenset(
    {"Long", "Small", "Day", "Head", "Hand", "Foot", "Bone", "Graves", "Parkinson"}
)
"""Family names left out because a reader could not tell them from the note's own words."""


@dataclass(frozen=True, slots=True, repr=False)
class Name:
    """A person's name; its ``repr`` is the default one of an object, which shows none of it."""

    first: str
    last: str
    initial: str

    @property
    def full(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"


@dataclass(frozen=True, slots=True)
class _Pool:
    female: tuple[str, ...]
    male: tuple[str, ...]
    last: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Places:
    streets: tuple[str, ...]
    city_prefixes: tuple[str, ...]
    city_suffixes: tuple[str, ...]
    states: tuple[str, ...]


@functools.cache
def _pools() -> tuple[tuple[_Pool, ...], tuple[int, ...]]:
    pools, total, weights = [], 0, []
    for locale, weight in _LOCALES:
        provider = _provider("person", locale)
        romanized = getattr(provider, "first_romanized_names", ())
        last = getattr(provider, "last_romanized_names", ()) or provider.last_names
        pools.append(
            _Pool(
                female=_latin(getattr(provider, "first_romanized_names_female", ()) or romanized)
                or _latin(provider.first_names_female),
                male=_latin(getattr(provider, "first_romanized_names_male", ()) or romanized)
                or _latin(provider.first_names_male),
                last=tuple(name for name in _latin(last) if name not in MEDICAL_WORDS),
            )
        )
        total += weight
        weights.append(total)
    assert all(pool.female and pool.male and pool.last for pool in pools)
    return tuple(pools), tuple(weights)


@functools.cache
def _places() -> _Places:
    provider = _provider("address", "en_US")
    return _Places(
        streets=tuple(s for s in provider.street_suffixes if s in _USUAL_STREETS),
        city_prefixes=tuple(provider.city_prefixes),
        city_suffixes=tuple(provider.city_suffixes),
        states=tuple(provider.states_abbr),
    )


def _provider(kind: str, locale: str) -> Any:
    return importlib.import_module(f"faker.providers.{kind}.{locale}").Provider


def _latin(names: Iterable[str]) -> tuple[str, ...]:
    # A name whose capitals have another length would move offsets in notes printed in capitals.
    return tuple(sorted({n for n in names if _LATIN.fullmatch(n) and len(n.upper()) == len(n)}))


def draw_name(rng: Random, sex: str) -> Name:
    """A name for a person of this sex; first and last name usually of one origin."""
    pools, weights = _pools()
    pool = rng.choices(pools, cum_weights=weights)[0]
    family = rng.choices(pools, cum_weights=weights)[0] if rng.random() < _MIXED else pool
    first = rng.choice(pool.female if sex == "female" else pool.male)
    return Name(first, rng.choice(family.last), rng.choice("ABCDEGHJKLMNPRSTVW"))


def draw_staff(rng: Random) -> Name:
    """A clinician's name."""
    return draw_name(rng, rng.choice(("female", "male")))


def draw_street(rng: Random) -> str:
    """``4821 Walsh Avenue``, sometimes with an apartment."""
    pools, _ = _pools()
    street = f"{rng.randint(11, 9899)} {rng.choice(pools[0].last)} {rng.choice(_places().streets)}"
    if rng.random() < 0.2:
        street += rng.choice(
            (f", Apt {rng.randint(1, 48)}", f" Unit {rng.choice('ABCDEF')}", f" #{rng.randint(1, 90)}")
        )
    return street


def draw_city(rng: Random) -> str:
    """An invented city: ``North Harris``, ``Garciamouth``."""
    pools, _ = _pools()
    places = _places()
    stem = rng.choice(pools[0].last)
    if rng.random() < 0.45:
        return f"{rng.choice(places.city_prefixes)} {stem}"
    return f"{stem}{rng.choice(places.city_suffixes)}"


def draw_state(rng: Random) -> str:
    """A state's abbreviation: no identifier under Safe Harbor."""
    return rng.choice(_places().states)


def draw_zip(rng: Random) -> str:
    """A ZIP code, sometimes ZIP+4."""
    code = f"{rng.randint(501, 99950):05}"
    return f"{code}-{rng.randint(1, 9999):04}" if rng.random() < 0.2 else code


def draw_facility(rng: Random) -> str:
    """An invented hospital or clinic."""
    pools, _ = _pools()
    stem = rng.choice(
        (
            draw_city(rng),
            rng.choice(pools[0].last),
            f"St. {rng.choice(pools[0].female if rng.random() < 0.5 else pools[0].male)}",
            f"{rng.choice(pools[0].last)} {rng.choice(('Valley', 'County', 'Memorial', 'Park', 'Lake'))}",
        )
    )
    kind = rng.choice(
        (
            "Hospital",
            "General Hospital",
            "Medical Center",
            "Regional Medical Center",
            "Community Hospital",
            "University Hospital",
            "Health Center",
            "Clinic",
        )
    )
    return f"{stem} {kind}"


def draw_employer(rng: Random) -> str:
    """An invented employer."""
    pools, _ = _pools()
    last = rng.choice(pools[0].last)
    return rng.choice(
        (
            f"{last} Logistics",
            f"{last} & Sons Plumbing",
            f"{last} Elementary School",
            f"{last} Foods",
            f"{last}-{rng.choice(pools[0].last)} Manufacturing",
            f"the {last} Public Library",
            f"{last} County Transit",
            f"{last} Roofing",
        )
    )

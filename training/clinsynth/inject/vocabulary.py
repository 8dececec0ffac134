"""Words that names of people and places are made of, and whose split each word is.

Names come from two libraries of the extra ``inject``: ``names`` (the US census of 1990, with frequencies)
and ``mimesis`` (people, towns and streets of many countries). A word belongs to one of train, dev and test
by a keyed hash of its lower-case letters without accents and apostrophes, whatever it is used for: a
surname of the test split is no town of the train split.

What it does not know: which given name goes with which surname.
"""

from __future__ import annotations

import bisect
import functools
import hashlib
import importlib.util
import itertools
import json
import random
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from clinsynth.errors import MissingExtraError

SPLITS: Final = ("train", "dev", "test")
_SHARES: Final = {"train": 5, "dev": 2, "test": 3}  # tenths of the words
_KEY: Final = b"clinsynth inject 2"

_LOCALES: Final = (
    *("cs", "da", "de", "de-at", "de-ch", "en", "en-au", "en-ca", "en-gb", "es", "es-mx", "et", "fi", "fr"),
    *("hr", "hu", "is", "it", "nl", "nl-be", "no", "pl", "pt", "pt-br", "sk", "sv", "tr"),
)  # those that write in Latin letters
_FOREIGN_TOWNS: Final = ("de", "es-mx", "fr", "it", "pl", "pt-br", "sv")
_IRISH: Final = frozenset(
    (
        *("OBRIEN", "OBRYAN", "OCONNELL", "OCONNOR", "ODONNELL", "ODONOGHUE", "OHARA", "OHARE", "OKEEFE"),
        *("OLEARY", "OMALLEY", "ONEAL", "ONEIL", "ONEILL", "OSHEA", "OSULLIVAN", "OTOOLE"),
    )
)


@dataclass(frozen=True)
class Weighted:
    """Words to draw from, each as often as its weight says."""

    words: tuple[str, ...]
    totals: tuple[float, ...]

    @classmethod
    def of(cls, words: Sequence[str], weights: Iterable[float]) -> Weighted:
        """Words with their weights, which need not add up to anything."""
        return cls(tuple(words), tuple(itertools.accumulate(weights)))

    def draw(self, rng: random.Random) -> str:
        """One word."""
        return self.words[bisect.bisect(self.totals, rng.random() * self.totals[-1])]


@dataclass(frozen=True)
class Vocabulary:
    """The words of one split. ``census`` lists are weighted by frequency, the others are not."""

    census_family: Weighted
    family: tuple[str, ...]
    census_given: dict[str, Weighted]
    given: dict[str, tuple[str, ...]]
    towns: tuple[str, ...]
    foreign_towns: tuple[str, ...]
    streets: tuple[str, ...]
    saints: tuple[str, ...]
    professions: tuple[str, ...]


def folded(text: str) -> str:
    """Without accents: ``Müller`` -> ``Muller``. Letters that are none with an accent stay."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def split_of(word: str) -> str:
    """The split that a word belongs to."""
    letters = "".join(c for c in folded(word).lower() if c not in "'\u2019")  # O'Brien is OBRIEN
    digest = hashlib.blake2b(letters.encode(), key=_KEY, digest_size=8).digest()
    place = int.from_bytes(digest, "big") % sum(_SHARES.values())
    for split, share in _SHARES.items():
        if place < share:
            return split
        place -= share
    raise AssertionError(place)


def words_of(name: str) -> list[str]:
    """The words of a name that tell it from others: no particles, no initials, no possessive."""
    parts = name.replace("-", " ").replace("\u2019", "'").removesuffix("'s").split()
    particles = word_list("particles.txt")
    return [part for part in parts if len(part) > 1 and folded(part).lower().strip(".") not in particles]


def belongs(name: str, split: str) -> bool:
    """Whether all telling words of a name are of this split, and there is one."""
    words = words_of(name)
    return bool(words) and all(split_of(word) == split for word in words)


@functools.cache
def word_list(name: str) -> frozenset[str]:
    """The words of a file of ``data``."""
    return frozenset(resources.files(__package__).joinpath("data", name).read_text("utf-8").split())


@functools.cache
def vocabulary(split: str) -> Vocabulary:
    """The words of a split.

    Raises:
        MissingExtraError: one of the libraries is not installed.
    """
    ours = functools.partial(_ours, split=split)
    families, weights = _census("dist.all.last", split)
    given = {sex: _census(f"dist.{sex}.first", split) for sex in ("female", "male")}
    return Vocabulary(
        census_family=Weighted.of(families, weights),
        family=ours(name for locale in _LOCALES for name in _flat(_people(locale).get("surnames", []))),
        census_given={sex: Weighted.of(*words) for sex, words in given.items()},
        given={
            sex: ours(name for locale in _LOCALES for name in _people(locale).get("names", {}).get(sex, []))
            for sex in ("female", "male")
        },
        towns=ours(_places("en")["city"]),
        foreign_towns=ours(town for locale in _FOREIGN_TOWNS for town in _places(locale)["city"]),
        streets=ours(name for name in _places("en")["street"]["name"] if not name[0].isdigit()),
        saints=ours(word_list("saints.txt")),
        professions=ours(job.lower() for job in _people("en")["occupation"]),
    )


@functools.cache
def american_towns() -> tuple[str, ...]:
    """Towns of the USA, whatever their split."""
    return tuple(_places("en")["city"])


def _ours(names: Iterable[str], split: str) -> tuple[str, ...]:
    kept = (" ".join(name.split()) for name in names)
    return tuple(sorted({name for name in kept if len(name) > 2 and _latin(name) and belongs(name, split)}))


def _latin(name: str) -> bool:
    return all(c in " '\u2019.-" or (c.isalpha() and unicodedata.name(c).startswith("LATIN")) for c in name)


def _flat(names: Any) -> list[str]:
    return names if isinstance(names, list) else [name for group in names.values() for name in group]


def _census(file: str, split: str) -> tuple[list[str], list[float]]:
    rows = [line.split() for line in (_installed("names") / file).read_text("ascii").splitlines()]
    kept = [
        (_cased(row[0]), float(row[1])) for row in rows if len(row[0]) > 1 and split_of(row[0]) == split
    ]
    # Beyond the first thousand names the census gives 0.001 % or 0: rare names shall come, too.
    return [name for name, _ in kept], [max(frequency, 0.0005) for _, frequency in kept]


def _cased(upper: str) -> str:
    """``MCDONALD`` -> ``McDonald``; the census has capitals only."""
    if upper.startswith("MC") and len(upper) > 4:
        return f"Mc{upper[2:].capitalize()}"
    if upper in _IRISH:
        return f"O'{upper[1:].capitalize()}"
    return upper.capitalize()


def _people(locale: str) -> dict[str, Any]:
    return _dataset(locale, "person")


def _places(locale: str) -> dict[str, Any]:
    return _dataset(locale, "address")


@functools.cache
def _dataset(locale: str, topic: str) -> dict[str, Any]:
    path = _installed("mimesis") / "datasets" / locale / f"{topic}.json"
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return loaded


def _installed(library: str) -> Path:
    """Where a library's data lie, without running its code."""
    found = importlib.util.find_spec(library)
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError(library, "inject")
    return Path(next(iter(found.submodule_search_locations)))

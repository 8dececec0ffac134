"""Lists of words: names of people from Faker's pools, and words that are no names.

The pools are those of all Faker's locales, as far as they are written in Latin letters: about 20,000 given
names and 26,000 family names. They are read from the provider classes; no generator is built.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

_DATA: Final = Path(__file__).parent / "data"
_LATIN: Final = re.compile(r"[A-Za-zÀ-ɏḀ-ỿ]['\u2019A-Za-zÀ-ɏḀ-ỿ]+")  # noqa: RUF001 - the apostrophe of word processors


@cache
def word_list(name: str) -> frozenset[str]:
    """The lower-case words of ``data/<name>.txt``; lines that start with ``#`` are comments."""
    lines = (_DATA / f"{name}.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@cache
def phrase_list(name: str) -> frozenset[str]:
    """The lower-case phrases of ``data/<name>.txt``, one a line."""
    lines = (_DATA / f"{name}.txt").read_text("utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


@cache
def states() -> frozenset[str]:
    """The states of the USA, lower case, without their codes."""
    return frozenset(line.rsplit(" ", 1)[0] for line in phrase_list("states"))


@cache
def first_names() -> frozenset[str]:
    """Given names, lower case."""
    return frozenset(_words("first"))


@cache
def last_names() -> frozenset[str]:
    """Family names, lower case; of names of several words each word but particles."""
    return frozenset(_words("last"))


def _words(kind: str) -> Iterator[str]:
    import faker.providers.person

    for module in pkgutil.iter_modules(faker.providers.person.__path__):
        provider = importlib.import_module(f"faker.providers.person.{module.name}").Provider
        for attribute in dir(provider):
            if attribute.startswith(kind) and "name" in attribute:
                yield from _latin(getattr(provider, attribute))


def _latin(pool: object) -> Iterator[str]:
    """The words of a pool of names (a tuple, or a mapping to frequencies); of anything else none."""
    if not isinstance(pool, Iterable) or isinstance(pool, str | bytes):
        return
    no_names = word_list("no_names")
    for name in pool:
        for word in re.split(r"[ -]", name) if isinstance(name, str) else ():
            if _LATIN.fullmatch(word) and len(word) > 1 and word.lower() not in no_names:
                yield word.lower()

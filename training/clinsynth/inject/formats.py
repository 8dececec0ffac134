"""How identifiers are written: patterns by class and split, and how one is filled in.

``data/SPLIT/formats.tsv`` holds a row a pattern: kind and pattern. A kind is a class, or a class and a
variant (``DATE.month``). In a pattern ``#`` is a digit, ``%`` a digit but 0, ``?`` a capital letter,
``~`` a hexadecimal digit, and ``{word}`` a word of ``WORDS`` or one that the note gives (a part of a name
or a date). ``data/words.tsv`` holds what all splits share: patterns of words alone, such as ``{given}
{family}``, of which there is but one way.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Final

from clinsynth.corpus.note import PHI_LABELS
from clinsynth.errors import DataError

PROFESSION: Final = "PROFESSION"
LABELS: Final = (*PHI_LABELS, PROFESSION)

_SLOT: Final = re.compile(r"\{(\w+)\}")
_VIN: Final = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"

STATES: Final = (
    *(("Alabama", "AL"), ("Arizona", "AZ"), ("California", "CA"), ("Colorado", "CO"), ("Florida", "FL")),
    *(("Georgia", "GA"), ("Illinois", "IL"), ("Indiana", "IN"), ("Iowa", "IA"), ("Kansas", "KS")),
    *(("Kentucky", "KY"), ("Louisiana", "LA"), ("Maine", "ME"), ("Maryland", "MD"), ("Michigan", "MI")),
    *(("Minnesota", "MN"), ("Missouri", "MO"), ("Nebraska", "NE"), ("Nevada", "NV"), ("New Jersey", "NJ")),
    *(("New Mexico", "NM"), ("New York", "NY"), ("North Carolina", "NC"), ("Ohio", "OH"), ("Oregon", "OR")),
    *(("Pennsylvania", "PA"), ("South Carolina", "SC"), ("Tennessee", "TN"), ("Texas", "TX")),
    *(
        ("Utah", "UT"),
        ("Virginia", "VA"),
        ("Washington", "WA"),
        ("West Virginia", "WV"),
        ("Wisconsin", "WI"),
    ),
)


WORDS: Final[Mapping[str, Callable[[random.Random], str]]] = {
    "zip": lambda rng: f"{rng.randrange(1001, 99950):05}",
    "ninety": lambda rng: str(min(90 + int(rng.expovariate(0.35)), 108)),
    "octet": lambda rng: str(rng.randrange(1, 255)),
    "area": lambda rng: f"{rng.randrange(2, 10)}{rng.randrange(0, 9)}{rng.randrange(10)}",
    "vin": lambda rng: rng.choice("123456JKWYZ") + "".join(rng.choice(_VIN) for _ in range(16)),
    "house": lambda rng: str(rng.choice((rng.randrange(1, 999), rng.randrange(100, 9999)))),
    "n": lambda rng: str(rng.randrange(2, 40)),
    "year": lambda rng: str(rng.randrange(1985, 2024)),
    "two": lambda rng: f"{rng.randrange(100):02}",
    "side": lambda rng: rng.choice(("right", "left")),
    "State": lambda rng: rng.choice(STATES)[0],
    "ST": lambda rng: rng.choice(STATES)[1],
    "age": lambda rng: str(rng.randrange(24, 89)),
    "score": lambda rng: str(rng.randrange(1, 10)),
    "systolic": lambda rng: str(rng.randrange(98, 172)),
    "diastolic": lambda rng: str(rng.randrange(54, 98)),
    "grade": lambda rng: str(rng.randrange(1, 5)),
    "small": lambda rng: str(rng.randrange(2, 9)),
    "room": lambda rng: str(rng.randrange(1, 24)),
    "dose": lambda rng: rng.choice(("2.5", "5", "10", "20", "25", "40", "81", "100", "325", "500")),
    "cpt": lambda rng: str(rng.randrange(10021, 99499)),
    "lab": lambda rng: str(rng.randrange(85, 240)),
}
"""Words that need no note."""

Given = Mapping[str, Callable[[], str]]
Table = Mapping[str, tuple[str, ...]]

_SYMBOLS: Final[Mapping[str, str]] = {
    "#": "0123456789",
    "%": "123456789",
    "?": "ABCDEFGHJKLMNPRSTUVWXYZ",
    "~": "0123456789abcdef",
}


@functools.cache
def formats(split: str) -> Table:
    """Patterns of a split by kind, those that all splits share among them.

    Raises:
        DataError: a row is wrong; names the file and the line.
    """
    table: dict[str, list[str]] = {}
    for name in (f"{split}/formats.tsv", "words.tsv"):
        text = resources.files(__package__).joinpath("data", name).read_text("utf-8")
        for kind, patterns in parse(text, name, shared=name == "words.tsv").items():
            table.setdefault(kind, []).extend(patterns)
    return {kind: tuple(patterns) for kind, patterns in table.items()}


def parse(text: str, name: str, shared: bool = False) -> dict[str, list[str]]:
    """The rows of a file of formats.

    Args:
        shared: whether every split may use them: then a pattern may hold words and blanks alone.

    Raises:
        DataError: names the file, the line and what is wrong.
    """
    table: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("# "):
            continue
        kind, tab, pattern = line.partition("\t")
        if not tab or not pattern.strip():
            raise DataError.at(name, number, "needs a kind, a tab and a pattern")
        if kind.split(".")[0] not in LABELS:
            raise DataError.at(
                name, number, f"kind {kind!r}: a class of {', '.join(LABELS)}, or with .variant"
            )
        if shared and _SLOT.sub("", pattern).strip(" ,"):
            raise DataError.at(name, number, "a pattern for all splits may hold {words} alone")
        if pattern in table.setdefault(kind, []):
            raise DataError.at(name, number, f"pattern stands twice under {kind}")
        table[kind].append(pattern)
    return table


def fill(pattern: str, given: Given, rng: random.Random) -> str:
    """A value of a pattern."""
    parts, done = [], 0
    for slot in _SLOT.finditer(pattern):
        parts += [_symbols(pattern[done : slot.start()], rng), word(slot.group(1), given, rng)]
        done = slot.end()
    return "".join([*parts, _symbols(pattern[done:], rng)])


def word(name: str, given: Given, rng: random.Random) -> str:
    """One word, the note's own before those that need no note."""
    return given[name]() if name in given else WORDS[name](rng)


def _symbols(text: str, rng: random.Random) -> str:
    return "".join(rng.choice(_SYMBOLS[c]) if c in _SYMBOLS else c for c in text)

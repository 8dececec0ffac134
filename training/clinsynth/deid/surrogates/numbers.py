"""Numbers of people, papers and things: figures for figures, letters for letters, the rest as it is.

A number that has the form of a kind with a check digit fails the check (``checks``). Social security
numbers get an area of 900 to 999 with middle digits that tax numbers don't have, Medicare's MBI a letter
that it never holds, MAC addresses the mark of those that no maker gives out. Words that say what a
reference is (fingerprint template, photo) and endings of files stay.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable
from typing import Final

from clinsynth.deid.checks import could_be_given_out
from clinsynth.deid.surrogates import invented
from clinsynth.deid.surrogates.keyed import TRIES, Keyed

_LETTERS: Final = "ABCDEFGHJKLMNPRSTUVWXYZ"
_SSN: Final = re.compile(r"\d{3}([- .]?)\d{2}\1\d{4}")
_MAC: Final = re.compile(r"(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}", re.I)
_HEX: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.I)
_MBI: Final = re.compile(r"[1-9][A-Z]([A-Z0-9]\d-?[A-Z][A-Z0-9]\d-?[A-Z]{2}\d{2})")
_NEVER_IN_MBI: Final = "SLOIBZ"
_KEPT: Final = re.compile(
    r"\.(?:jpe?g|png|gif|tiff?|bmp|heic|dcm|webp)$|"
    r"(?<![\w./-])(?:finger|thumb|palm)[ -]?(?:prints?|vein|scan)(?![\w./-])|"
    r"(?<![\w./-])(?:iris|retinal?|voice[ -]?prints?|biometrics?|face|facial|recognition|hand|geometry|"
    r"dna|profile|template|record|scan|image|hash|file|id|number|no\.?|reference|ref|code|on|identifier|stored|as|is|under|"
    r"enrolled|captured|full|identification|patient|clinical|wound|photo(?:graph)?s?|portrait|picture|"
    r"headshot|mugshot|of|the)(?![\w/-]|\.\w)",
    re.I,
)
"""What is no part of a number: endings of files, words that say what it is."""
_KEPT_OF_UDI: Final = re.compile(r"\(\d{2}\)")


def renumbered(written: str, keyed: Keyed) -> str | None:
    """Another number of the same form; None where nothing in it can be replaced."""
    pattern = _KEPT_OF_UDI if written.startswith("(01)") else _KEPT
    kept = [match.span() for match in pattern.finditer(written)]
    invent = _inventor(written, kept)
    free = (c for i, c in enumerate(written) if not any(a <= i < b for a, b in kept))
    if not any(map(str.isalnum, free)):
        return None
    return keyed.draw("number", written, lambda rng: _nobodys(invent, rng))


def masked_ssn(written: str, keyed: Keyed) -> str | None:
    """A social security number, the whole or the last four; what is masked stays masked."""
    return (
        renumbered(written, keyed) if not re.search(r"[xX*]{2}", written) else _behind_mask(written, keyed)
    )


def vehicle(written: str, keyed: Keyed) -> str | None:
    """A vehicle identification number, or a plate."""
    if re.fullmatch(r"[A-HJ-NPR-Z0-9]{17}", written):
        return keyed.draw("number", written, invented.vehicle)
    return renumbered(written, keyed)


def _behind_mask(written: str, keyed: Keyed) -> str | None:
    invent = _inventor(written, [match.span() for match in re.finditer(r"[xX*]+", written)])
    return keyed.draw("number", written, invent)


def _nobodys(invent: Callable[[random.Random], str], rng: random.Random) -> str:
    for _ in range(TRIES):
        value = invent(rng)
        if not could_be_given_out(value):
            break
    return value


def _inventor(written: str, kept: list[tuple[int, int]]) -> Callable[[random.Random], str]:
    if match := _SSN.fullmatch(written):
        gap = match[1]
        return lambda rng: gap.join(invented.ssn(rng).split("-"))
    if _MAC.fullmatch(written):
        return lambda rng: _mac(written, rng)
    if _HEX.fullmatch(written):
        return lambda rng: _alike(written, kept, rng, hexadecimal=True)
    if match := _MBI.fullmatch(written):
        rest = match[1]
        return lambda rng: rng.choice("123456789") + rng.choice(_NEVER_IN_MBI) + _alike(rest, [], rng)
    return lambda rng: _alike(written, kept, rng)


def _mac(written: str, rng: random.Random) -> str:
    """Locally administered, to one device: the second figure is 2, 6, A or E."""
    new = _alike(written, [], rng, hexadecimal=True)
    second = rng.choice("26AE" if written.isupper() else "26ae")
    return new[0] + second + new[2:]


def _alike(
    written: str, kept: list[tuple[int, int]], rng: random.Random, *, hexadecimal: bool = False
) -> str:
    letters = "ABCDEF" if hexadecimal else _LETTERS
    figures = "0123456789" if not hexadecimal else string.digits + letters
    new = list(written)
    for i, character in enumerate(written):
        if not character.isalnum() or any(start <= i < end for start, end in kept):
            continue
        drawn = rng.choice(figures if hexadecimal or character.isdigit() else letters)
        new[i] = drawn.lower() if character.islower() or (hexadecimal and written.islower()) else drawn
    return "".join(new)

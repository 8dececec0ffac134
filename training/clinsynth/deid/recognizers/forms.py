"""What a capitalised word looks like: the ground that names of people and places share."""

from __future__ import annotations

from typing import Final

APOSTROPHE: Final = "['’]"  # noqa: RUF001 - that of word processors, too
# Beyond Latin-1 capitals and small letters alternate, so both are let in: no word begins with a small one.
UPPER: Final = "A-ZÀ-ÖØ-ÞĀ-ɏḀ-ỿ"
LETTER: Final = "A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ"

WORD: Final = (
    rf"(?:[A-Za-z]{APOSTROPHE})?[{UPPER}][{LETTER}]*+(?!\d)"  # O'Brien, d'Angelo, McDonald, SMITH, an initial
    rf"(?:{APOSTROPHE}(?!s\b|S\b)[{LETTER}]++)?"  # N'Diaye, but no possessive
    rf"(?:-[{UPPER}][{LETTER}]++)*"  # Garcia-Lopez
)
"""A capitalised word, or an initial without its full stop."""

PARTICLES: Final = frozenset(
    "de la los las van der den von del della bin ibn da dos das di le du ter el al y st. st".split()
)
"""Small words within family names."""

PARTICLE: Final = r"(?:de la|de los|de las|van der|van den|von der|de|del|della|van|von|der|den|bin|ibn|da|dos|das|di|la|le|du|ter|el|al|y|[Ss]t\.)"
BETWEEN: Final = rf"(?:\.?[ \t]{{1,2}}|\.)(?:{PARTICLE}[ ])?"
"""Between two words of a name: a blank, an initial's full stop, a particle."""

RUN: Final = rf"(?:{PARTICLE}[ ](?=[{UPPER}]))?{WORD}(?:{BETWEEN}{WORD}){{0,4}}"
"""Up to five capitalised words in a row."""

SUFFIX: Final = r"(?:,?[ ](?:Jr|Sr|II|III|IV|JR|SR)\b\.?)?"
"""Behind a name."""

"""What a capitalised word looks like: the ground that names of people and places share."""

from __future__ import annotations

from typing import Final

APOSTROPHE: Final = r"['\u2019]"  # that of word processors, too
# Beyond Latin-1 capitals and small letters alternate, so both are let in: no word begins with a small one.
UPPER: Final = r"A-ZÀ-ÖØ-ÞĀ-ɏ\u1e00-\u1eff"
LOWER: Final = r"a-zß-öø-ÿ"
LETTER: Final = r"A-Za-zÀ-ÖØ-öø-ɏ\u1e00-\u1eff"

WORD: Final = (
    rf"(?:[A-Za-z]{APOSTROPHE})?[{UPPER}][{LETTER}]*+(?!\d)"  # O'Brien, McDonald, SMITH, an initial
    rf"(?:{APOSTROPHE}(?!s\b|S\b)[{LETTER}]++)?"  # N'Diaye, but no possessive
    rf"(?:-[{UPPER}][{LETTER}]++){{0,4}}"  # Garcia-Lopez
)
"""A capitalised word, or an initial without its full stop."""

PARTICLES: Final = frozenset(
    {
        "de", "'t", "la", "los", "las", "van", "der", "von", "den", "del", "della", "bin", "ibn", "da",
        "dos", "das", "di", "le", "du", "te", "ter", "el", "al", "y", "auch", "st.", "st",
    }
)  # fmt: skip
"""Small words within family names."""

LINKS: Final = PARTICLES | {"of", "the", "and", "for", "on", "at", "in", "is", "was"}
"""Small words between capitalised ones of one match."""

_SMALL: Final = (
    r"(?:de la|de los|de las|de|del|della|van de|van der|van den|van 't|van|von der|von|"
    r"der|den|bin|ibn|da|dos|das|di|la|le|du|te|ter|el|al|y|auch)"
)
# Most words are capital and small letters: one look shows that they are no particle.
PARTICLE: Final = rf"(?:(?=[a-z]){_SMALL}|(?=[A-Z][A-Z ]){_SMALL.upper()}|[Ss]t\.)"
BETWEEN: Final = rf"(?:\.?[ \t]{{1,2}}|\.)(?:{PARTICLE}[ ])?"
"""Between two words of a name: a blank, an initial's full stop, a particle."""

RUN: Final = rf"(?:{PARTICLE}[ ](?=[{UPPER}]))?{WORD}(?:{BETWEEN}{WORD}){{0,4}}"
"""Up to five capitalised words in a row."""

SUFFIX: Final = r"(?:,?[ ](?:Jr|Sr|II|III|IV|JR|SR)\b\.?)?"
"""Behind a name."""

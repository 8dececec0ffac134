"""The people of one note: who they are, and the parts that their names are written from."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from clinsynth.inject.vocabulary import Vocabulary, folded, word_list

ROLES: Final = ("patient", "doctor", "doctor2", "doctor3", "nurse", "relative", "relative2")

# Shares of people, 0 to 1.
CENSUS_FAMILY: Final = 0.55  # the rest comes from lists of other countries
CENSUS_GIVEN: Final = 0.6
EVERYDAY_KEPT: Final = 0.1  # of surnames drawn that are everyday words ("Long", "May")
FOLDED: Final = 0.7  # of names with accents: how most records write them
HYPHENATED: Final = 0.05
SUFFIXED: Final = 0.06  # of men

_SUFFIXES: Final = ("Jr.", "Sr.", "III", "II", "Jr")
_EVERYDAY: Final = word_list("everyday.txt")


@dataclass(frozen=True, repr=False)
class Person:
    """Somebody in a note."""

    given: str
    middle: str
    family: str
    suffix: str
    sex: str

    @property
    def title(self) -> str:
        """How a note calls somebody who is no doctor."""
        return "Mr." if self.sex == "male" else "Ms."

    def words(self) -> dict[str, str]:
        """What patterns of names may hold: ``given``, ``family``, ``GIVEN``, ``g`` (initial), ..."""
        short = self.given[:3] if len(self.given) > 4 else self.given
        return {
            "given": self.given,
            "family": self.family,
            "suffixed": f"{self.family} {self.suffix}" if self.suffix else self.family,
            "GIVEN": self.given.upper(),
            "FAMILY": self.family.upper(),
            "middle": self.middle,
            "mi": self.middle[0],
            "gi": self.given[0],
            "fi": self.family[0].upper(),
            "nick": short.capitalize(),
            "given_ascii": _plain(self.given),
            "family_ascii": _plain(self.family),
            "g_ascii": _plain(self.given)[:1],
        }


class Cast:
    """The people of a note, each invented when first asked for and the same from then on."""

    def __init__(self, rng: random.Random, words: Vocabulary, patient_sex: str) -> None:
        self._rng, self._words = rng, words
        self._people: dict[str, Person] = {"patient": self._person(patient_sex)}

    @property
    def patient(self) -> Person:
        """Whom the note is about."""
        return self._people["patient"]

    def __getitem__(self, role: str) -> Person:
        if role not in self._people:
            self._people[role] = self._person(self._rng.choice(("female", "male")))
            if role.startswith("relative") and self._rng.random() < 0.6:
                kin, patient = self._people[role], self.patient
                self._people[role] = Person(kin.given, kin.middle, patient.family, "", kin.sex)
        return self._people[role]

    def of_sex(self, role: str, sex: str) -> Person:
        """Whoever has a role; when nobody has yet, somebody of this sex."""
        if role not in self._people:
            self._people[role] = self._person(sex)
        return self._people[role]

    def _person(self, sex: str) -> Person:
        rng = self._rng
        suffix = rng.choice(_SUFFIXES) if sex == "male" and rng.random() < SUFFIXED else ""
        return Person(self._given(sex), self._given(sex), self._family(), suffix, sex)

    def _given(self, sex: str) -> str:
        rng = self._rng
        if rng.random() < CENSUS_GIVEN:
            return self._words.census_given[sex].draw(rng)
        return self._spelt(rng.choice(self._words.given[sex]))

    def _family(self) -> str:
        first = self._one_family()
        if self._rng.random() < HYPHENATED and not {"-", " "} & set(first):
            return f"{first}-{self._one_family()}"
        return first

    def _one_family(self) -> str:
        rng = self._rng
        while True:
            census = rng.random() < CENSUS_FAMILY
            name = self._words.census_family.draw(rng) if census else rng.choice(self._words.family)
            if name.lower() not in _EVERYDAY or rng.random() < EVERYDAY_KEPT:
                return self._spelt(name)

    def _spelt(self, name: str) -> str:
        return folded(name) if self._rng.random() < FOLDED else name


def _plain(name: str) -> str:
    """As in addresses of mail: ASCII letters, small."""
    return "".join(c for c in folded(name).lower() if c.isascii() and c.isalpha()) or "x"

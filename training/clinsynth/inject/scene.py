"""What one note's identifiers have in common: its people, its time, its hospital. Fills templates."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Final

from clinsynth.inject.changes import Segment
from clinsynth.inject.formats import fill, formats, word
from clinsynth.inject.people import Cast, Person
from clinsynth.inject.templates import Template
from clinsynth.inject.vocabulary import folded, vocabulary

# Shares, 0 to 1.
SHORT_DATES: Final = 0.3  # of dates of a day: written without the year
SAME_VALUE: Final = 0.5  # of further mentions of a hospital, a town or a number: the one before again
FOREIGN_TOWN: Final = 0.12
EARLIEST: Final = date(1998, 1, 5)  # day on which a note is written
LATEST: Final = date(2024, 11, 20)

_STABLE: Final = ("MRN", "ACCOUNT", "SSN", "HEALTH_PLAN", "LOCATION.facility", "LOCATION.city", "DATE.dob")
_KIN: Final = {
    "female": ("wife", "mother", "daughter", "sister"),
    "male": ("husband", "father", "son", "brother"),
}
_ELDERS: Final = ("grandmother", "grandfather", "great-aunt", "great-uncle", "godmother")


class Scene:
    """One note's world.

    Args:
        sex: of the patient.
        age: of the patient in years, where the note tells.
    """

    def __init__(self, rng: random.Random, split: str, sex: str, age: int | None = None) -> None:
        self.rng = rng
        self._split, self._words, self._formats = split, vocabulary(split), formats(split)
        self.cast = Cast(rng, self._words, sex)
        self._today = EARLIEST + timedelta(days=rng.randrange((LATEST - EARLIEST).days))
        self._age = rng.randrange(25, 86) if age is None else age
        self._earlier: dict[str, str] = {}
        self.side = rng.choice(("right", "left"))

    def segments(self, template: Template) -> list[Segment]:
        """A template, filled in. ``a`` becomes ``an`` where the value asks for it."""
        done: list[Segment] = []
        for part in template.parts:
            if isinstance(part, str):
                done.append(Segment(part))
                continue
            text = self.value(part.label, part.variant) if part.label else self._word(part.variant)
            if done and text[:1].lower() in tuple("aeiou") and done[-1].text.endswith((" a ", "\na ")):
                done[-1] = Segment(f"{done[-1].text[:-1]}n ")
            done.append(Segment(text, part.label))
        return done

    def value(self, label: str, variant: str = "") -> str:
        """An identifier as text."""
        if label == "NAME":
            role, _, form = variant.partition(".")
            return self.name(self.cast[role], form)
        kind = f"{label}.{variant}" if variant else label
        if kind in _STABLE and kind in self._earlier and self.rng.random() < SAME_VALUE:
            return self._earlier[kind]
        self._earlier[kind] = self._made(kind)
        return self._earlier[kind]

    def name(self, person: Person, form: str) -> str:
        """A person's name in a form: ``full``, ``listed``, ``family``, ``short``, ``initials``, ..."""
        pattern = self.rng.choice(self._formats[f"NAME.{form}"])
        words = person.words()
        return fill(pattern, _said(words), self.rng)

    def _made(self, kind: str) -> str:
        if kind.startswith("DATE"):
            return self._date(kind)
        person = self.cast.patient if self.rng.random() < 0.5 else self.cast["doctor"]
        words: dict[str, Callable[[], str]] = {
            **_said(person.words()),
            **self._place_words(),
        }
        return fill(self.rng.choice(self._formats[kind]), words, self.rng)

    def _place_words(self) -> dict[str, Callable[[], str]]:
        rng, words = self.rng, self._words
        return {
            "town": lambda: self._town(),
            "street": lambda: rng.choice(words.streets),
            "surname": lambda: words.census_family.draw(rng),
            "stem": lambda: self.stem,
            "saint": lambda: rng.choice(words.saints),
            "stem_ascii": lambda: "".join(c for c in folded(self.stem).lower() if "a" <= c <= "z"),
            "profession": lambda: rng.choice(words.professions),
        }

    def _town(self) -> str:
        foreign = self.rng.random() < FOREIGN_TOWN
        return self.rng.choice(self._words.foreign_towns if foreign else self._words.towns)

    @property
    def stem(self) -> str:
        """What a hospital, school or firm may be called after, drawn anew each time."""
        draw = self.rng.random()
        if draw < 0.4:
            return self.rng.choice(self._words.towns)
        return (
            self._words.census_family.draw(self.rng)
            if draw < 0.85
            else self.rng.choice(self._words.streets)
        )

    def _date(self, kind: str) -> str:
        variant = kind.partition(".")[2]
        if not variant:
            variant = "short" if self.rng.random() < SHORT_DATES else "full"
        day = self._day(variant)
        pattern = self.rng.choice(self._formats[f"DATE.{'full' if variant == 'dob' else variant}"])
        return fill(pattern, date_words(day, self.rng), self.rng)

    def _day(self, variant: str) -> date:
        rng = self.rng
        if variant == "dob":
            return self._today - timedelta(days=self._age * 365 + rng.randrange(1, 365))
        if variant == "month":
            return self._today - timedelta(days=rng.randrange(40, 3_000))
        far = rng.random() < 0.35
        return self._today - timedelta(days=rng.randrange(30, 1_500) if far else rng.randrange(0, 21))

    def _word(self, name: str) -> str:
        return word(name, self._note_words(), self.rng)

    def _note_words(self) -> Mapping[str, Callable[[], str]]:
        he = self.cast.patient.sex == "male"
        kin = self.cast["relative"].sex
        return {
            "he": lambda: "he" if he else "she",
            "He": lambda: "He" if he else "She",
            "his": lambda: "his" if he else "her",
            "His": lambda: "His" if he else "Her",
            "him": lambda: "him" if he else "her",
            "title": lambda: self.cast.patient.title,
            "Title": lambda: self.cast.patient.title.upper(),
            "man": lambda: "man" if he else "woman",
            "kin": lambda: self._kin(kin),
            "Kin": lambda: self._kin(kin).capitalize(),
            "kin2": lambda: self._kin(self.cast["relative2"].sex),
            "elder": lambda: self.rng.choice(_ELDERS),
            "Elder": lambda: self.rng.choice(_ELDERS).capitalize(),
        }

    def _kin(self, sex: str) -> str:
        return self.rng.choice(_KIN[sex][1:] if sex == self.cast.patient.sex else _KIN[sex])


def date_words(day: date, rng: random.Random) -> dict[str, Callable[[], str]]:
    """What patterns of dates may hold, for a day."""
    suffix = "th" if day.day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
    words = {
        "d": f"{day.day}",
        "dd": f"{day.day:02}",
        "m": f"{day.month}",
        "mm": f"{day.month:02}",
        "yy": f"{day.year % 100:02}",
        "yyyy": f"{day.year}",
        "Mon": f"{day:%b}",
        "Month": f"{day:%B}",
        "MON": f"{day:%b}".upper(),
        "MONTH": f"{day:%B}".upper(),
        "month": f"{day:%B}".lower(),
        "mon": f"{day:%b}".lower(),
        "th": f"{day.day}{suffix}",
        "Weekday": f"{day:%A}",
        "Wkd": f"{day:%a}",
        "hh": f"{rng.randrange(24):02}",
        "mi": f"{rng.randrange(60):02}",
    }
    return _said(words)


def _said(words: Mapping[str, str]) -> dict[str, Callable[[], str]]:
    """Words as what gives them when asked."""
    return {name: functools.partial(str, text) for name, text in words.items()}

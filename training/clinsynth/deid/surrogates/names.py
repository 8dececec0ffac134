"""Names of people, word by word: ``SMITH, JOHN A.``, ``Mr. Smith``, ``John's`` and ``J.S.`` agree.

What comes for a word depends on the key, the patient and the word alone, not on the note or on what stands
around, so that a person keeps one name through all notes of a patient, however it is written. The first
letter of a surrogate depends in the same way on the first letter of the original: so initials agree, too.
Each letter goes to the next in a secret ring of letters, and a name never stays what it was.

A given name of one sex gets one of that sex. A word of neither list counts as a family name. Small words
of family names (van, de la) are dropped; titles, credentials and Jr. stay.
"""

from __future__ import annotations

import random
import re
import unicodedata
from functools import cache, lru_cache
from typing import Final

from clinsynth.deid.lexicons import first_names, last_names, word_list
from clinsynth.deid.recognizers.forms import PARTICLES
from clinsynth.deid.surrogates.invented import family_names, given_names
from clinsynth.deid.surrogates.keyed import Keyed, normal

_RING: Final = "ABCDEFGHIJKLMNOPRSTVWZ"  # letters with which enough names of every kind begin
_WORD: Final = re.compile(
    r"(?!(?<=\w['\u2019])[sS]\b)(?:[^\W\d_]['\u2019](?![sS]\b))?[^\W\d_]+(?:['\u2019](?![sS]\b)[^\W\d_]+)*"
)
_INITIALS: Final = re.compile(r"[A-Z]{2,3}")
_PLACEHOLDER: Final = re.compile(r"\W*(?:[A-Z]?XYZ|ABCD?|XX+|[XYZ])\W*")
_TITLE: Final = re.compile(r"(?:dr|drs|mr|mrs|ms|miss|mx|prof|doctor|mister)\.?\s(?=[^\W\d_]{2})", re.I)
_CREDENTIAL: Final = re.compile(
    r"(?:,\s?(?:M\.?D|D\.?O|R\.?N|N\.?P|P\.?A(?:-C)?|Ph\.?D|D\.?D\.?S|Pharm\.?D|Esq)|"
    r"\s(?:M\.?D|R\.?N|N\.?P|Ph\.?D|Pharm\.?D)|,?\s(?:Jr|Sr|JR|SR|II|III|IV))\.?(?!\w)"
)
_PARTICLE: Final = re.compile(
    rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(PARTICLES)))})\s{{1,2}}(?=[^\W\d_])"
)


def renamed(written: str, keyed: Keyed) -> str | None:
    """The name with every word of it replaced; None where no word is found, or figures among them."""
    if any(character.isdigit() for character in written):
        return None
    if _PLACEHOLDER.fullmatch(written):  # Dr. X
        return _family(written, keyed)
    title = _TITLE.match(written)
    start = title.end() if title else 0
    if _WORD.search(written, start) is None:
        return None
    parts, done = [written[:start]], start
    mixed = not written.islower()
    for match in _WORD.finditer(written, start):
        if match.start() < done:
            continue
        parts.append(written[done : match.start()])
        kept = _CREDENTIAL.match(written, done) if done > start else None
        if kept is not None and kept.end() > match.start():
            parts[-1] = kept[0]
            done = kept.end()
            continue
        particle = _PARTICLE.match(written, match.start()) if mixed else None
        parts.append("" if particle else _word(match[0], written, keyed))
        done = particle.end() if particle else match.end()
    return "".join([*parts, written[done:]])


def _word(word: str, written: str, keyed: Keyed) -> str:
    if word == "and":  # Drs. Smith and Jones
        return word
    if len(word) == 1 or (_is_initials(word) and normal(word) == normal(written)):
        letters = (_letter(_first_letter(letter), keyed) for letter in word)
        return "".join(new if old.isupper() else new.lower() for new, old in zip(letters, word))
    plain = _plain(word)
    names = _pool(_kind(plain), _letter(_first_letter(word), keyed))
    name = names[keyed.number("name", plain, len(names))]
    if word.isupper():
        return name.upper()
    return name.lower() if word.islower() else name


def _is_initials(word: str) -> bool:
    """Are two or three capitals the initials of somebody, and no short name?"""
    lower = word.lower()
    return bool(_INITIALS.fullmatch(word)) and lower not in last_names() and lower not in first_names()


def _family(written: str, keyed: Keyed) -> str:
    names = family_names()
    name = names[keyed.number("placeholder", normal(written), len(names))]
    return written.replace(written.strip("[]()<>* "), name)


def _plain(word: str) -> str:
    """Without accents, apostrophes and case."""
    letters = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in letters if letter.isalpha())


def _first_letter(word: str) -> str:
    return unicodedata.normalize("NFKD", word)[0].upper()


def _letter(letter: str, keyed: Keyed) -> str:
    """The letter after this one in the patient's ring; of one that is not in it, any letter."""
    ring = _ring(keyed.number("ring", "", 1 << 63))
    if letter not in ring:
        return ring[keyed.number("letter", letter, len(ring))]
    return ring[(ring.index(letter) + 1) % len(ring)]


@lru_cache(maxsize=256)
def _ring(seed: int) -> tuple[str, ...]:
    ring = list(_RING)
    random.Random(seed).shuffle(ring)
    return tuple(ring)


@cache
def _kind(plain: str) -> str:
    """``female``, ``male``, ``given`` (of either sex) or ``family``."""
    sexes = [sex for sex in ("female", "male") if plain in _given(sex)]
    if sexes:
        return sexes[0] if len(sexes) == 1 else "given"
    return "given" if plain in first_names() and plain not in last_names() else "family"


@cache
def _given(sex: str) -> frozenset[str]:
    return frozenset(name.lower() for name in given_names(sex))


@cache
def _pool(kind: str, letter: str) -> tuple[str, ...]:
    """Names of that kind with that first letter that mean nothing else in a clinical note."""
    names = family_names() if kind == "family" else given_names(None if kind == "given" else kind)
    avoided = word_list("ordinary") | word_list("eponyms") | word_list("never")
    return tuple(
        name for name in names if name[0] == letter and len(name) > 2 and name.lower() not in avoided
    )

"""Places of all kinds: what names the place is replaced, the words that say what it is stay.

``Mercy General Hospital`` becomes ``Fernvale General Hospital``, ``214 Oak Street, Apt 3, Dover, OH 44101``
``731 Milldale Street, Apt 58, Ashport, OH 00213``. States' codes behind a comma stay: Safe Harbor lets
them. No ZIP code begins with 000 to 004.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Final

from clinsynth.deid.recognizers.place_forms import STATE_CODE
from clinsynth.deid.surrogates import invented
from clinsynth.deid.surrogates.keyed import Keyed

_SAYS_WHAT: Final = """
    alley avenue ave av blvd boulevard circle cir court ct crescent drive dr expressway freeway
    highway hwy lane ln parkway pkwy pike place pl plaza road rd route square sq street st terrace
    ter trail turnpike way apt apartment unit suite ste floor fl box p.o po post office hospital
    hospitals medical center centre clinic clinics health healthcare system infirmary hospice
    nursing home facility rehab rehabilitation assisted living retirement community village care
    institute university college manor senior surgery surgical cancer heart dialysis birth wellness
    urgent family practice medicine orthopedic orthopaedic cardiology radiology pediatric pediatrics
    associates group partners physicians laboratories pharmacy elementary high middle primary public
    school academy shelter prison correctional institution vamc pavilion library church regional
    memorial general children's children\u2019s veterans district county parish township borough
    precinct emergency department icu inc llc ltd corp corporation plc company industries
    enterprises brothers logistics foods manufacturing roofing plumbing transit construction
    trucking bakery motors airlines bank restaurant farms electric sons of the and for at in on &
    zip code postal
    """
_KINDS: Final = frozenset(_SAYS_WHAT.split())
"""Words that say what a place is."""
_TOKEN: Final = re.compile(
    rf"(?P<state>(?<=, ){STATE_CODE}(?!\w)|(?<=\s){STATE_CODE}(?=,?\s{{1,2}}\d{{5}}(?!\d)))|"
    r"(?P<zip>(?<![\w-])\d{5}(?:-\d{4})?(?=\W*$))|(?P<number>(?<![\w-])\d{1,6}(?![\w-]))|"
    r"(?P<word>[^\W_](?:[\w'\u2019-]|\.(?=\w))*)"
)
_JOIN: Final = re.compile(r"\.?[ \t\n-]{1,2}|[ ]?[/][ ]?")


def moved_place(written: str, keyed: Keyed) -> str | None:
    """The place under another name; None where it has none: every word says what it is."""
    parts: list[str] = []
    done = names = 0
    for start, end, kind in _pieces(written):
        value = written[start:end]
        if kind != "kept":
            new = keyed.draw("place", value, _inventor(kind, value))
            if new is None:
                return None
            value, names = new, names + 1
        parts += [written[done:start], value]
        done = end
    return "".join([*parts, written[done:]]) if names else None


def _pieces(written: str) -> list[tuple[int, int, str]]:
    """Start, end and kind of what is kept and what is replaced; words of one name make one piece."""
    pieces: list[tuple[int, int, str]] = []
    for match in _TOKEN.finditer(written):
        kind = str(match.lastgroup)
        if kind == "state" or (kind == "word" and _is_kind(match[0])):
            kind = "kept"
        last = pieces[-1] if pieces else (0, 0, "")
        if kind == last[2] == "word" and _JOIN.fullmatch(written, last[1], match.start()):
            pieces[-1] = (last[0], match.end(), kind)
        else:
            pieces.append((*match.span(), kind))
    return pieces


def _is_kind(word: str) -> bool:
    return word.lower().removesuffix(".") in _KINDS


def _inventor(kind: str, written: str) -> Callable[[random.Random], str]:
    if kind == "zip":
        more = len(written) > len("44101")
        return lambda rng: invented.zip_code(rng) + (f"-{rng.randint(1, 9999):04}" if more else "")
    if kind == "number":
        digits = max(2, len(written))
        return lambda rng: str(rng.randrange(10 ** (digits - 1), 10**digits))
    if written.isupper() and len(written) > 1:
        return lambda rng: invented.town(rng).upper()
    return (lambda rng: invented.town(rng).lower()) if written.islower() else invented.town

"""Telephone and fax numbers, addresses of mail and of the net: in their form, and they reach nobody.

Numbers: 555-0100 to 555-0199, kept for fiction, with an area code of another place; of any country they
become North American. Mail and web: example.com, .org and .net. IP: 192.0.2.0/24, 198.51.100.0/24,
203.0.113.0/24 and 2001:db8::/32, kept for documents.
"""

from __future__ import annotations

import random
import re
from typing import Final

from clinsynth.deid.surrogates import invented
from clinsynth.deid.surrogates.keyed import Keyed

_EXTENSION: Final = re.compile(r"[\s,]{0,4}(?:extension|ext|x)\.?[\s#:]{0,3}\d{1,6}$", re.I)
_EXTENSION_WORDS: Final = frozenset({"x", "ext", "extension", "pager", "beeper", "phone", "tel", "fax"})
_LOCAL, _FULL, _LONG = 7, 10, 11  # digits
_SCHEME: Final = re.compile(r"(?:https?|ftps?|sftp)://", re.I)
_HOST: Final = re.compile(r"[^/?#]*")
_MASK: Final = re.compile(r"/\d{1,3}$")


def phone(written: str, keyed: Keyed) -> str | None:
    """The number with other digits, its brackets, separators and extension as they are."""
    tail = _EXTENSION.search(written)
    main = written[: tail.start()] if tail else written
    return keyed.draw("phone", written, lambda rng: _main(main, rng) + _extension(tail, rng))


def _main(main: str, rng: random.Random) -> str:
    digits = sum(character.isdigit() for character in main)
    words = set(re.findall(r"[^\W\d_]+", main.lower()))
    if not digits:
        return ""
    if digits < _LOCAL and words <= _EXTENSION_WORDS:  # a pager, or an extension alone
        return re.sub(r"\d", lambda _: str(rng.randrange(10)), main)
    line = f"555{rng.randrange(100, 200):04}"
    area = str(rng.choice(invented.AREAS))
    numbers = {_LOCAL: line, _FULL: area + line, _LONG: f"1{area}{line}"}
    foreign = digits == _LONG and not re.match(r"\D*1", main)
    if digits not in numbers or words or foreign or (main.startswith("+") and digits != _LONG):
        gap = next(iter(re.findall(r"(?<=\d)[ .-](?=\d)", main)), "-")
        return gap.join(("+1", area, line[:3], line[3:]))
    new = iter(numbers[digits])
    return re.sub(r"\d", lambda _: next(new), main)


def _extension(tail: re.Match[str] | None, rng: random.Random) -> str:
    return "" if tail is None else re.sub(r"\d", lambda _: str(rng.randrange(10)), tail[0])


def email(written: str, keyed: Keyed) -> str | None:
    """An address in a domain kept for examples."""
    return keyed.draw("email", written, invented.email)


def url(written: str, keyed: Keyed) -> str | None:
    """A page, or a host, in a domain kept for examples; scheme and ``www`` stay."""
    scheme = _SCHEME.match(written)
    start = scheme[0] if scheme else ""
    host = _HOST.match(written, len(start))
    assert host is not None
    path = host.end() < len(written.rstrip("/"))
    www = "www." if host[0].lower().startswith("www.") else ""

    def invent(rng: random.Random) -> str:
        names = [f"{invented.town(rng).lower()}{rng.randint(1, 99)}" for _ in range(2)]
        site = f"{start}{www}{names[0]}.example.{rng.choice(invented.DOMAINS)}"
        return f"{site}/{names[1]}" if path else site

    return keyed.draw("url", written, invent)


def ip(written: str, keyed: Keyed) -> str | None:
    """An address in a range kept for documents; the width of a net stays."""
    mask = _MASK.search(written)
    if ":" not in written:
        return keyed.draw("ip", written, lambda rng: invented.ip(rng) + (mask[0] if mask else ""))
    return keyed.draw("ip", written, _ip6)


def _ip6(rng: random.Random) -> str:
    return f"2001:db8::{rng.randrange(1, 1 << 16):x}:{rng.randrange(1, 1 << 16):x}"

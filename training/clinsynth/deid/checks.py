"""Check digits: a number that fails the check of its kind is nobody's."""

from __future__ import annotations

import re
from typing import Final

_VIN_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_VALUES: Final = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9])
)
_VIN: Final = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_UDI: Final = re.compile(r"\(01\)(\d{14})")
_DEA: Final = re.compile(r"[A-Z][A-Z9](\d{7})")
_IBAN: Final = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_MBI: Final = re.compile(
    r"[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d"
    r"[AC-HJKMNP-RT-Y]{2}\d{2}"
)
_LEAST_LUHN: Final = 8  # digits; the shorter have no check digit
_NPI, _SSN = 10, 9  # digits


def could_be_given_out(number: str) -> bool:
    """Does the number pass the check of a kind that has one, whatever kind it was meant to be?

    Looked at are Luhn's sum (cards, IMEI), NPI, DEA, VIN, IBAN, GTIN, the letters of Medicare's MBI and
    the areas of social security numbers.
    """
    plain = "".join(filter(str.isalnum, number)).upper()
    digits = plain if plain.isascii() and plain.isdigit() else ""
    item = _UDI.match(number)
    dea = _DEA.fullmatch(plain)
    return bool(
        (len(digits) >= _LEAST_LUHN and luhn(digits) == 0)
        or (len(digits) == _NPI and luhn("80840" + digits) == 0)
        or (item is not None and gtin(item[1]) == 0)
        or (len(digits) == _SSN and not digits.startswith(("9", "000", "666")))
        or (dea is not None and dea_check(dea[1]) == int(dea[1][6]))
        or (_VIN.fullmatch(plain) and vin_check(list(plain)) == plain[8])
        or (_IBAN.fullmatch(plain) and iban(plain) == 1)
        or _MBI.fullmatch(plain)
    )


def luhn(digits: str) -> int:
    """The Luhn sum modulo ten: nought for a number that is right."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10


def without_luhn(digits: str) -> str:
    """``digits`` with a last one that makes the Luhn sum wrong."""
    return digits if luhn(digits) else digits[:-1] + str((int(digits[-1]) + 1) % 10)


def gtin(digits: str) -> int:
    """The sum of a trade item number modulo ten: nought for one that is right."""
    return (sum(map(int, digits[-1::-2])) + 3 * sum(map(int, digits[-2::-2]))) % 10


def dea_check(digits: str) -> int:
    """The last of the seven digits that the Drug Enforcement Administration gives a prescriber."""
    odd, even = (sum(map(int, digits[i:6:2])) for i in (0, 1))
    return (odd + 2 * even) % 10


def iban(account: str) -> int:
    """The remainder by 97 of ISO 13616: one for an account number that is right."""
    moved = account[4:] + account[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97


def vin_check(vin: list[str]) -> str:
    """The check character that belongs in the ninth place of a vehicle identification number."""
    values = (int(c) if c.isdigit() else _VIN_VALUES[c] for c in vin)
    return "0123456789X"[sum(weight * value for weight, value in zip(_VIN_WEIGHTS, values)) % 11]

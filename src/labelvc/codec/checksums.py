"""Check digits of numbers that people are known by: each function tells whether those of a number belong to the rest."""

from __future__ import annotations

import string
from collections.abc import Sequence

_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
_ZERO = ord("0")
_NUMBERED = {letter: str(int(letter, 36)) for letter in string.ascii_letters}
_DIHEDRAL = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_PERMUTED = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def luhn(digits: str) -> bool:
    """Tell whether the last digit fits: ISO/IEC 7812-1 annex B, cards, IMEI, Canadian and Swedish numbers; digits are ASCII."""
    return luhn_sum(digits) % 10 == 0


def luhn_sum(digits: str) -> int:
    """Return the sum of figures, every second from the right doubled, that a multiple of ten proves (ISO/IEC 7812-1 annex B)."""
    figures = digits.encode()
    return sum(figures[-1::-2]) + sum(figures[-2::-2].translate(_DOUBLED)) - _ZERO * len(digits)


def mod_97(text: str) -> bool:
    """Tell whether an IBAN's two check digits fit (ISO 13616-1, ISO/IEC 7064 MOD 97-10): its head moved to the end leaves 1."""
    moved = text[4:] + text[:4]
    return int("".join([_NUMBERED.get(letter, letter) for letter in moved])) % 97 == 1


def mod_11_10(digits: str) -> bool:
    """Tell whether the last digit fits: ISO/IEC 7064 MOD 11,10, the German tax number."""
    product = 10
    for digit in digits[:-1]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (product + int(digits[-1])) % 10 == 1


def verhoeff(digits: str) -> bool:
    """Tell whether the last digit fits: Verhoeff's dihedral scheme, the Indian Aadhaar number."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_DIHEDRAL[check][int(_PERMUTED[place % 8][int(digit)])])
    return check == 0


def weighted(digits: str, weights: Sequence[int], modulus: int) -> int:
    """Return the sum of the digits times their weights, modulo `modulus`.

    Args:
        digits: decimal digits; those beyond the weights do not count.
        weights: one weight a digit.
        modulus: usually 10 or 11.

    Returns:
        0 to `modulus` - 1.
    """
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False)) % modulus

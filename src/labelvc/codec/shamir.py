"""Shares: a secret cut into parts of which some number together give it back, and fewer tell nothing (Shamir 1979).

Each byte is the value at 0 of a polynomial over GF(256), the field of AES (FIPS 197 section 4: x^8 + x^4 + x^3 + x + 1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

MOST = 255
_POLYNOMIAL = 0x11B
_ORDER = 255


def _tables() -> tuple[list[int], list[int]]:
    """Return powers of the generator 3, twice over, and their logarithms."""
    powers = list(accumulate(range(_ORDER - 1), lambda value, _: _times_three(value), initial=1))
    logarithms = [0] * 256
    for exponent, value in enumerate(powers):
        logarithms[value] = exponent
    return powers * 2, logarithms


def _times_three(value: int) -> int:
    doubled = value << 1
    return (doubled ^ _POLYNOMIAL if doubled > 0xFF else doubled) ^ value


_POWERS, _LOGARITHMS = _tables()


def split(secret: bytes, needed: int, places: Sequence[int], random: bytes) -> dict[int, bytes]:
    """Cut a secret into shares.

    Args:
        secret: any bytes.
        needed: how many shares give it back, at least 1; with 1 each share is the secret itself.
        places: where the shares lie, different numbers from 1 to 255.
        random: `(needed - 1) * len(secret)` bytes from the system's generator, never used again.

    Returns:
        Place to share; a share is as long as the secret.
    """
    if not 1 <= needed <= len(set(places)) == len(places) or not all(1 <= place <= MOST for place in places):
        raise ValueError("as many different places from 1 to 255 as shares are needed")
    if len(random) != (needed - 1) * len(secret):
        raise ValueError("one random byte for each byte of the secret and each share beyond the first")
    rows = [random[start : start + len(secret)] for start in range(0, len(random), len(secret))]
    return {
        place: bytes([_at(place, (byte, *rest)) for byte, *rest in zip(secret, *rows, strict=True)]) for place in places
    }


def join(shares: Mapping[int, bytes]) -> bytes:
    """Return the secret that shares give back; of too few, or wrong ones, other bytes: whoever joins compares a commitment.

    Args:
        shares: place to share, all of one length.
    """
    weights = {place: _weight(place, [other for other in shares if other != place]) for place in shares}
    lengths = {len(share) for share in shares.values()}
    if len(lengths) != 1:
        raise ValueError("shares of one secret have one length")
    found = [0] * lengths.pop()
    for place, share in shares.items():
        found = [value ^ _product(weights[place], byte) for value, byte in zip(found, share, strict=True)]
    return bytes(found)


def _at(place: int, coefficients: Sequence[int]) -> int:
    """Return a polynomial's value, by Horner's rule."""
    value = 0
    for coefficient in reversed(coefficients):
        value = _product(value, place) ^ coefficient
    return value


def _weight(place: int, others: Sequence[int]) -> int:
    """Return what Lagrange's polynomial of a place is at 0."""
    weight = 1
    for other in others:
        weight = _product(weight, _quotient(other, other ^ place))
    return weight


def _product(one: int, two: int) -> int:
    return _POWERS[_LOGARITHMS[one] + _LOGARITHMS[two]] if one and two else 0


def _quotient(one: int, two: int) -> int:
    return _POWERS[_LOGARITHMS[one] - _LOGARITHMS[two] + _ORDER] if one else 0

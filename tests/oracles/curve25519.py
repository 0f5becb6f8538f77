"""Arithmetic of edwards25519 from RFC 8032 section 5.1, slow and plain: it makes signatures that no honest signer makes."""

from __future__ import annotations

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
Point = tuple[int, int]
NOTHING: Point = (0, 1)


def point(y: int, sign: int = 0) -> Point:
    """Return the point of a y coordinate and the lowest bit of x."""
    squared = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(squared, (P + 3) // 8, P)
    if (x * x - squared) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert (x * x - squared) % P == 0
    return (P - x if x % 2 != sign else x), y


BASE = point(4 * pow(5, P - 2, P) % P)
EIGHTH = point(
    int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
)
"""A point of order 8."""


def add(one: Point, two: Point) -> Point:
    (a, b), (c, d) = one, two
    mixed = D * a * b * c * d % P
    return (a * d + c * b) * pow(1 + mixed, P - 2, P) % P, (b * d + a * c) * pow(1 - mixed, P - 2, P) % P


def times(number: int, one: Point) -> Point:
    found = NOTHING
    while number:
        if number & 1:
            found = add(found, one)
        one, number = add(one, one), number >> 1
    return found


def encode(one: Point) -> bytes:
    return (one[1] | (one[0] & 1) << 255).to_bytes(32, "little")


def signature(secret: int, key: bytes, nonce: int, first: bytes, message: bytes, more: int = 0) -> bytes:
    """Return `R` and `S` for any `R` that somebody claims, with something added to `S`."""
    challenge = int.from_bytes(hashlib.sha512(first + key + message).digest(), "little")
    return first + ((nonce + challenge * secret) % L + more).to_bytes(32, "little")

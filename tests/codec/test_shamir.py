"""Shares of a secret: enough of them give it back, fewer tell nothing at all."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.codec import shamir


def multiply(one: int, two: int) -> int:
    """Multiply in GF(256) bit by bit, as FIPS 197 section 4.2 does by hand: an oracle without tables."""
    found = 0
    for bit in range(8):
        if two >> bit & 1:
            found ^= one << bit
    for bit in range(14, 7, -1):
        if found >> bit & 1:
            found ^= 0x11B << (bit - 8)
    return found


def test_products_are_those_of_aes():
    assert shamir._product(0x57, 0x83) == 0xC1  # FIPS 197, section 4.2
    for one in range(256):
        for two in range(256):
            assert shamir._product(one, two) == multiply(one, two)
            if two:
                assert shamir._quotient(shamir._product(one, two), two) == one


@given(st.binary(min_size=1, max_size=40), st.integers(1, 5), st.integers(0, 4), st.data())
def test_any_subset_that_is_large_enough_gives_the_secret_back(
    secret: bytes, needed: int, more: int, data: st.DataObject
):
    places = data.draw(st.lists(st.integers(1, 255), min_size=needed + more, max_size=needed + more, unique=True))
    random = data.draw(st.binary(min_size=(needed - 1) * len(secret), max_size=(needed - 1) * len(secret)))
    shares = shamir.split(secret, needed, places, random)
    for chosen in combinations(places, needed):
        assert shamir.join({place: shares[place] for place in chosen}) == secret
    assert shamir.join(shares) == secret


def test_one_share_of_two_is_as_likely_under_every_secret():
    """Over all random bytes a lone share takes each value exactly once, whatever the secret is."""
    for secret in (0, 1, 0x57, 255):
        seen = {shamir.split(bytes([secret]), 2, [1, 2, 3], bytes([random]))[2][0] for random in range(256)}
        assert seen == set(range(256))


@pytest.mark.parametrize(
    ("needed", "places", "random"),
    [(3, [1, 2], b"xx"), (0, [1], b""), (1, [0], b""), (1, [256], b""), (2, [1, 1], b"x"), (2, [1, 2], b"")],
)
def test_what_cannot_be_shared_is_refused(needed: int, places: list[int], random: bytes):
    with pytest.raises(ValueError):
        shamir.split(b"s", needed, places, random)

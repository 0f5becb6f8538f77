"""The draw and its promise against brute force."""

from __future__ import annotations

import hashlib
import itertools
from fractions import Fraction
from math import comb

from hypothesis import given
from hypothesis import strategies as st

from labelvc.core import sampling

MEMBERS = st.lists(st.text("abc/1", min_size=1, max_size=6), unique=True, max_size=40)


@given(MEMBERS, st.integers(1, 12), st.text(max_size=4))
def test_drawn_are_the_smallest_hashes(members: list[str], number: int, seed: str):
    rows = [(member[0], member, member.upper()) for member in members]
    strata = sampling.draw(rows, number, seed)
    assert [part.name for part in strata] == sorted({row[0] for row in rows})
    for part in strata:
        own = [row for row in rows if row[0] == part.name]
        ranked = sorted(own, key=lambda row: hashlib.sha256(f"{seed}\0{row[1]}".encode()).hexdigest())
        assert part.size == len(own)
        assert part.drawn == [row[2] for row in ranked[:number]]


@given(MEMBERS, st.text(max_size=4))
def test_none_is_drawn_when_none_is_asked_for_and_all_are_counted(members: list[str], seed: str):
    [*found] = sampling.draw([("part", member, member) for member in members], 0, seed)
    assert found == ([sampling.Stratum("part", len(members), [])] if members else [])


@given(MEMBERS, st.integers(1, 12), st.randoms())
def test_the_order_of_the_population_does_not_matter(members: list[str], number: int, random):
    rows = [("", member, member) for member in members]
    one = sampling.draw(rows, number, "s")
    random.shuffle(rows)
    assert sampling.draw(rows, number, "s") == one


def test_the_bound_is_that_of_counting_all_draws():
    """For small populations every draw is enumerated; nothing is taken from a formula."""
    for size in range(1, 9):
        for drawn in range(size + 1):
            draws = list(itertools.combinations(range(size), drawn))
            kept = [
                bad
                for bad in range(size + 1)
                if Fraction(sum(min(draw, default=size) >= bad for draw in draws), len(draws)) >= Fraction(1, 20)
            ]
            assert sampling.bound(size, drawn) == max(kept), (size, drawn)


def test_the_bound_is_the_largest_that_is_not_ruled_out():
    for size, drawn in [(25, 20), (60, 59), (200, 60), (1000, 25), (1000, 300), (5000, 4000)]:
        most = sampling.bound(size, drawn)
        chance = [Fraction(comb(size - bad, drawn), comb(size, drawn)) for bad in (most, most + 1)]
        assert chance[0] >= Fraction(1, 20) > chance[1]


def test_a_large_population_costs_nothing():
    assert sampling.bound(10**7, 1000) == 29911
    assert sampling.bound(10**6, 10**5) == 28


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 50), min_size=1, max_size=9), st.integers(1, 200))
def test_shares_fill_the_sample_and_no_part_gives_more_than_it_has(sizes: dict[str, int], number: int):
    found = sampling.shares(sizes, number)
    assert sum(found.values()) == min(number, sum(sizes.values()))
    assert all(1 <= share <= sizes[name] for name, share in found.items())
    if number >= len(sizes):
        assert found.keys() == sizes.keys()
        total, whole = min(number, sum(sizes.values())), sum(sizes.values())
        exact = {name: total * size / whole for name, size in sizes.items()}
        if all(share >= 1 for share in exact.values()):
            assert all(abs(found[name] - exact[name]) <= 1 for name in sizes)

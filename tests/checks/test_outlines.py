"""Outlines against a slow reading of the same words: every pair of edges, in whole numbers."""

from __future__ import annotations

import math
import time
from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from labelvc.checks import outlines

points = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=3, max_size=9)


def side(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> int:
    turn = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return (turn > 0) - (turn < 0)


def crosses(corners: list[tuple[int, int]]) -> bool:
    """Compare every two edges: each must have its ends strictly on both sides of the other."""
    edges = list(pairwise([*corners, corners[0]]))
    return any(
        side(a, b, c) * side(a, b, d) == -1 and side(c, d, a) * side(c, d, b) == -1
        for (a, b), (c, d) in combinations(edges, 2)
    )


@given(points)
def test_an_outline_crosses_itself_when_two_of_its_edges_do(corners):
    assert (outlines.crossing(corners) is not None) == crosses(corners)


@given(points, st.integers(0, 9), st.integers(-1000, 1000), st.sampled_from([0.125, 1, 640.5]))
def test_where_it_begins_which_way_it_runs_where_it_lies_and_how_large_it_is_change_nothing(corners, turn, by, scale):
    told = outlines.crossing(corners) is not None
    turned = [*corners[turn % len(corners) :], *corners[: turn % len(corners)]]
    for other in (turned, corners[::-1], [(x * scale + by, y * scale - by) for x, y in corners]):
        assert (outlines.crossing(other) is not None) == told


def test_a_round_outline_of_ten_thousand_points_is_looked_at_in_no_time():
    corners = [(math.cos(at) * 1000, math.sin(at) * 1000) for at in [n * math.tau / 10_000 for n in range(10_000)]]
    begin = time.process_time()
    assert outlines.crossing(corners) is None
    assert time.process_time() - begin < 2


def test_a_tangle_that_would_take_minutes_is_called_one():
    comb = [(n % 2 * 1000, n) for n in range(4000)]
    assert outlines.crossing(comb) is not None

"""Forecasts: what is certain is told to the day, what is not has an interval that holds; hours are those of the known plan."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelvc.core import attendance, capacity
from labelvc.core.capacity import Forecast, forecast


@settings(max_examples=25)
@given(st.integers(1, 2000), st.integers(20, 300), st.integers(1, 12), st.integers(-20, 700))
def test_a_steady_pace_is_told_as_a_division(missing: int, pace: int, weeks: int, left: int):
    whole = 7 * -(-missing // pace)
    expected = Forecast(whole, whole, whole, 100 * (whole <= left))
    assert forecast([missing], [[pace]] * weeks, left) == expected


def test_each_thing_must_be_there_and_what_never_comes_never_is():
    weeks = [[10, 1], [10, 3], [10, 2]]
    both = forecast([10, 60], weeks, 300)
    assert both == forecast([0, 60], weeks, 300) == forecast([60], [[1], [3], [2]], 300)
    assert both.early is not None
    assert both.early >= 7 * 20
    assert forecast([10, 60], [[10, 0]] * 8, 300) == Forecast(None, None, None, 0)
    assert forecast([5], [[-3], [0]], 300) == Forecast(None, None, None, 0)
    assert forecast([10_000], [[1]] * 8, 300) == Forecast(None, None, None, 0), "beyond five years"
    assert forecast([0, -4], weeks, -1) == Forecast(0, 0, 0, 100)


def test_fewer_weeks_make_a_wider_interval():
    few = [[20], [180]]
    narrow, wide = forecast([1000], few * 12, 70), forecast([1000], few * 3, 70)
    assert None not in (*narrow, *wide)
    assert wide.late - wide.early > narrow.late - narrow.early  # type: ignore[operator]
    assert narrow.middle == pytest.approx(70, abs=7)


@pytest.mark.parametrize("pace", ["even", "half idle"])
def test_the_interval_holds_as_often_as_it_says(pace: str, monkeypatch: pytest.MonkeyPatch):
    """The end of a simulated project lies within about eight of ten times; with eight weeks a little less often."""
    monkeypatch.setattr(capacity, "_RUNS", 100)
    source, held, runs = Random(7), 0, 120

    def week() -> int:
        return source.randint(50, 150) if pace == "even" else source.choice((0, source.randint(50, 250)))

    for _ in range(runs):
        found = forecast([600], [[week()] for _ in range(8)], 0)
        left, took = 600, 0
        while left > 0:
            left, took = left - week(), took + 7
        held += found.early is not None and found.early <= took <= (found.late or took)
    assert 0.7 < held / runs < 0.97


def test_the_hours_are_those_of_the_known_plan():
    """A million items, three answers each of 4.67 seconds, one item in ten reviewed for half as long again, 5 % done again."""
    annotation = capacity.need(3_000_000, 4.67, 20 * 6 * 7 * 0.85, 0.05)
    review = capacity.need(3_000_000 / 30, 1.5 * 4.67, 6 * 7, 0.05)
    assert (annotation.hours, review.hours) == (pytest.approx(4095, abs=2), pytest.approx(205, abs=1))
    assert 39 <= annotation.days <= 41
    assert review.days < annotation.days
    assert capacity.need(3_600, 1, 1, 0.5) == (2, 2, 14)


@given(st.lists(st.integers(0, 4), max_size=12), st.integers(1, 15), st.integers(1, 3))
def test_the_answers_that_are_missing_are_the_fewest(answered: list[int], items: int, people: int):
    best = sorted((min(one, people) for one in [*answered, *[0] * items]), reverse=True)[:items]
    by_people = {number: sum(min(one, people) == number for one in answered) for number in range(1, people + 1)}
    assert capacity.answers_missing(items, people, by_people) == sum(people - one for one in best)


def test_people_are_counted_and_models_and_what_went_are_not():
    lines = [
        b'{"item":"a","id":"1","by":"x","task":"t"}',
        b'{"item":"a","id":"2","by":"x","task":"t"}',
        b'{"item":"a","id":"3","by":"y","task":"t"}',
        b'{"item":"a","id":"4","by":"z","task":"u"}',
        b'{"gone":true,"item":"b","id":"1","rev":2}',
        b'{"item":"c","id":"1","by":"x","origin":{"model":"m"},"task":"t"}',
        b'{"item":"c","id":"2","task":"t"}',
        b"broken",
    ]
    assert attendance.of(b"\n".join(lines) + b"\n", 2) == {("t", "2", ""): 1, ("u", "1", ""): 1, ("t", "1", ""): 1}
    assert attendance.of(b"", 2) == {}

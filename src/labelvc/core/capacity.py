"""Capacity: when a number will be reached at the pace that history shows, and what the hours that people have allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from math import ceil
from operator import mul
from random import Random
from typing import NamedTuple

LEAST = 6
"""Weeks of history without which nothing is forecast."""
_RUNS, _FURTHEST = 1000, 260
_DAYS, _SECONDS = 7, 3600


class Forecast(NamedTuple):
    """When it will be reached, in days from now: one run in ten is as early, half are, nine in ten are; None beyond five years.

    Attributes:
        early, middle, late: days.
        chance: percent of the runs that reach it in the days that are left.
    """

    early: int | None
    middle: int | None
    late: int | None
    chance: int


class Need(NamedTuple):
    """What a kind of work takes: hours in all, weeks of the hours that there are, and days until it is done."""

    hours: float
    weeks: float
    days: int


def forecast(missing: Sequence[int], weeks: Sequence[Sequence[int]], left: int) -> Forecast:
    """Return when what is missing will have come, if weeks to come are like the weeks that were.

    The weeks to come are drawn from a Pólya urn: each that is drawn goes back with another like it (Blackwell & MacQueen 1973,
    Ferguson distributions via Pólya urn schemes, Annals of Statistics 1(2), 353-355). That is the Bayesian bootstrap (Rubin
    1981, Annals of Statistics 9(1), 130-134) of what is to come: a few weeks tell little of the pace itself, and the interval
    is as much wider. No week will be better than the best that was seen, none worse than the worst; a trend is not followed.

    Args:
        missing: how much of each thing; what is not above nought is there.
        weeks: how much of each thing came in each of the weeks that were; whole weeks, those without anything among them.
        left: days until it is wanted.

    Returns:
        Days to the end of the week in which everything is there. The same arguments give the same answer.
    """
    wanted = [at for at, number in enumerate(missing) if number > 0]
    if not wanted:
        return Forecast(0, 0, 0, 100)
    columns = [[week[at] for week in weeks] for at in wanted]
    if any(max(column) <= 0 for column in columns):
        return Forecast(None, None, None, 0)
    things = [(missing[at], column) for at, column in zip(wanted, columns, strict=True)]
    source = Random(0)  # noqa: S311  no secret; of `random()` Python promises the same sequence in all its versions
    runs = sorted(_run(things, len(weeks), source) for _ in range(_RUNS))
    early, middle, late = (runs[ceil(share * _RUNS / 10) - 1] for share in (1, 5, 9))
    chance = sum(run * _DAYS <= left for run in runs if run <= _FURTHEST)
    return Forecast(_days(early), _days(middle), _days(late), round(100 * chance / _RUNS))


def _run(things: Sequence[tuple[int, Sequence[int]]], weeks: int, source: Random) -> int:
    """Return in which week everything is there, in one of many futures."""
    urn, drawn, slowest = list(range(weeks)), [0] * weeks, 0
    for number in range(1, _FURTHEST + 1):
        week = urn[int(source.random() * len(urn))]
        urn.append(week)
        drawn[week] += 1
        short = (
            at
            for at in chain(range(slowest, len(things)), range(slowest))
            if sum(map(mul, drawn, things[at][1])) < things[at][0]
        )
        found = next(short, None)
        if found is None:
            return number
        slowest = found
    return _FURTHEST + 1


def _days(weeks: int) -> int | None:
    return weeks * _DAYS if weeks <= _FURTHEST else None


def need(answers: float, seconds: float, hours: float, redone: float) -> Need:
    """Return what it takes to give or to look at answers.

    Args:
        answers: how many are missing.
        seconds: that one takes.
        hours: that there are in a week, of all people together.
        redone: share of the work that is done again.
    """
    took = answers * seconds / _SECONDS / (1 - redone)
    return Need(round(took, 1), round(took / hours, 1), ceil(_DAYS * took / hours))


def answers_missing(items: int, people: int, answered: Mapping[int, int]) -> int:
    """Return the fewest answers that make a number of items answered by so many people each.

    Args:
        items: that are wanted.
        people: that must answer each.
        answered: number of people to number of items that so many answered.
    """
    left = items - sum(number for by, number in answered.items() if by >= people)
    total = 0
    for by in range(people - 1, 0, -1):
        taken = max(0, min(left, answered.get(by, 0)))
        total, left = total + taken * (people - by), left - taken
    return total + max(0, left) * people

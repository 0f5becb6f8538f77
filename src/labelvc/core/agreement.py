"""Agreement: how far people who answered the same question agree, before and after a change, with intervals.

Answers are names without order. Everything is worked out from how many people gave which answer to a unit, so that shards can
be counted apart. Sources: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), for alpha; its standard error is the
delta method over units, as in Gwet, Large-Sample Variance of Krippendorff's Alpha Coefficient (2014).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from math import fsum, sqrt
from typing import NamedTuple

Opinions = tuple[tuple[str, int], ...]
"""What was said of one unit: each answer with how many people gave it, sorted."""
FEWEST = 10
"""Fewer units with two opinions than this carry no coefficient."""
_Z = 1.959963984540054  # of a normal distribution, 2.5 % lie above


class Estimate(NamedTuple):
    """A figure and its 95 % interval; the interval is None where nothing varies that it could be taken from."""

    value: float
    low: float | None
    high: float | None


class Side(NamedTuple):
    """Agreement at one moment.

    Attributes:
        units: with two opinions or more.
        values: opinions on them.
        observed: share of pairs of opinions on a unit that are the same, the mean over units.
        alpha: Krippendorff's, nominal; None where all answers are the same, so that none could differ by chance.
    """

    units: int
    values: int
    observed: Estimate
    alpha: Estimate | None


class Agreement(NamedTuple):
    """Agreement before and after a change, and the differences, whose intervals know that most units are the same.

    Attributes:
        before: None where fewer than `FEWEST` units have two opinions.
        after: the same after.
        observed: after less before.
        alpha: after less before.
    """

    before: Side | None
    after: Side | None
    observed: Estimate | None
    alpha: Estimate | None


class _Measured(NamedTuple):
    """A side, and how much each unit weighs in its figures: what they would change by if it were there once more."""

    side: Side
    observed: dict[Opinions, float]
    alpha: dict[Opinions, float]


def opinions(answers: Iterable[str]) -> Opinions:
    """Return what was said of a unit.

    Args:
        answers: one of each person.
    """
    return tuple(sorted(Counter(answers).items()))


def measured(units: Mapping[tuple[Opinions, Opinions], int]) -> Agreement:
    """Return the agreement before and after.

    Args:
        units: what was said of a unit before and after to the number of such units; empty where nothing was said.
    """
    sides: list[Counter[Opinions]] = [Counter(), Counter()]
    for pair, number in units.items():
        for side, said in zip(sides, pair, strict=True):
            if _paired(said):
                side[said] += number
    before, after = map(_side, sides)
    if before is None or after is None:
        return Agreement(before and before.side, after and after.side, None, None)
    one, two = before.side, after.side
    observed = _difference(units, before.observed, after.observed, two.observed.value - one.observed.value)
    alpha = None
    if one.alpha and two.alpha:
        alpha = _difference(units, before.alpha, after.alpha, two.alpha.value - one.alpha.value)
    return Agreement(one, two, observed, alpha)


def _paired(said: Opinions) -> bool:
    return sum(number for _, number in said) > 1


def _side(units: Counter[Opinions]) -> _Measured | None:
    number = units.total()
    if number < FEWEST:
        return None
    shares = {said: _share(said) for said in units}
    mean = fsum([shares[said] * times for said, times in units.items()]) / number
    weights = {said: (share - mean) / number for said, share in shares.items()}
    values = sum(people * times for said, times in units.items() for _, people in said)
    observed = _estimate(mean, units, weights, 0.0)
    alpha, influence = _alpha(units, values)
    return _Measured(Side(number, values, observed, alpha), weights, influence)


def _share(said: Opinions) -> float:
    """Return the share of pairs of opinions on a unit that are the same."""
    people = sum(number for _, number in said)
    return sum(number * (number - 1) for _, number in said) / (people * (people - 1))


def _alpha(units: Counter[Opinions], values: int) -> tuple[Estimate | None, dict[Opinions, float]]:
    """Return alpha with how much each unit weighs in it.

    With n values, of which n_c are c, and in unit u n_u, of which n_uc are c:
    alpha = 1 - A (n - 1) / D, A = sum over u of (n_u^2 - sum n_uc^2) / (n_u - 1), D = n^2 - sum n_c^2.
    """
    totals = Counter[str]()
    for said, times in units.items():
        for answer, people in said:
            totals[answer] += people * times
    chance = values * values - sum(number * number for number in totals.values())
    if not chance:
        return None, {}
    apart = {said: _apart(said) for said in units}
    differ = fsum([apart[said] * times for said, times in units.items()])
    ratio = differ * values / chance  # as the delta method has it: of a population, in which n and n - 1 are one
    weights = {}
    for said in units:
        people = sum(number for _, number in said)
        slope = 2 * (values * people - sum(totals[answer] * number for answer, number in said))
        weights[said] = ratio * slope / chance - (apart[said] * values + differ * people) / chance
    return _estimate(1 - differ * (values - 1) / chance, units, weights, -1.0), weights


def _apart(said: Opinions) -> float:
    """Return how far the opinions on a unit are apart, as alpha counts it."""
    people = sum(number for _, number in said)
    return (people * people - sum(number * number for _, number in said)) / (people - 1)


def _estimate(value: float, units: Mapping[Opinions, int], weights: Mapping[Opinions, float], least: float) -> Estimate:
    rows = [(weights[said], times) for said, times in units.items()]
    reach = _reach(rows)
    if reach is None:
        return Estimate(value, None, None)
    return Estimate(value, max(least, value - reach), min(1.0, value + reach))


def _difference(
    units: Mapping[tuple[Opinions, Opinions], int],
    before: Mapping[Opinions, float],
    after: Mapping[Opinions, float],
    value: float,
) -> Estimate:
    rows = [
        (after.get(new, 0.0) - before.get(old, 0.0), times)
        for (old, new), times in units.items()
        if _paired(old) or _paired(new)
    ]
    reach = _reach(rows)
    return Estimate(value, None, None) if reach is None else Estimate(value, value - reach, value + reach)


def _reach(rows: list[tuple[float, int]]) -> float | None:
    """Return how far a 95 % interval reaches to either side; None where all units weigh the same."""
    number = sum(times for _, times in rows)
    mean = fsum([weight * times for weight, times in rows]) / number
    spread = fsum([(weight - mean) ** 2 * times for weight, times in rows]) * number / (number - 1)
    return _Z * sqrt(spread) if spread > 0 else None

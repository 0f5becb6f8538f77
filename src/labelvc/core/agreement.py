"""Agreement: how far people who answered the same question agree, before and after a change, with intervals.

Answers are names without order. Everything is worked out from sums over units, so that what was counted apart is added up, and
what a change touches is taken out and put in: see `Sums`. The sums are whole numbers and the figures fractions until the last
step, so the order of adding does not matter and nothing is lost where large terms cancel.
Sources: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), for alpha; its standard error is the delta method over
units, as in Gwet, Large-Sample Variance of Krippendorff's Alpha Coefficient (2014).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import sqrt
from operator import add
from typing import NamedTuple

from labelvc.core.sums import Influence, Sums, Turned, combined

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


class _Size(NamedTuple):
    """Sums over the units of one number of opinions: how many, of q and of its square, of t and of q t."""

    units: int
    alike: int
    squares: int
    weight: int
    alike_weight: int


_NONE = _Size(0, 0, 0, 0, 0)


class _Figure(NamedTuple):
    """An exact figure, how much each unit weighs in it, and the sum of the squares of that over all units."""

    value: Fraction
    influence: Influence
    squares: Fraction


class _Measured(NamedTuple):
    """The figures of a side: observed agreement, and alpha where there is one."""

    side: Side
    observed: _Figure
    alpha: _Figure | None


def opinions(answers: Iterable[str]) -> Opinions:
    """Return what was said of a unit.

    Args:
        answers: one of each person.
    """
    counted: dict[str, int] = {}
    for answer in answers:  # of the few of a unit a Counter takes longer to make than to fill
        counted[answer] = counted.get(answer, 0) + 1
    return tuple(sorted(counted.items()))


def side(sums: Sums) -> Side | None:
    """Return the agreement at one moment; None where fewer than `FEWEST` units have two opinions."""
    found = _side(sums)
    return found and found.side


def measured(before: Sums, turned: Turned) -> Agreement:
    """Return the agreement before and after.

    Args:
        before: sums over all units before.
        turned: what was said of units before and after; of all other units the same is said after as before.
    """
    gone, come = turned.sums()
    still = combined([(1, before), (-1, gone)])
    one, two = _side(before), _side(combined([(1, still), (1, come)]))
    if one is None or two is None:
        return Agreement(one and one.side, two and two.side, None, None)
    observed = _difference(still, turned, one.observed, two.observed)
    alpha = _difference(still, turned, one.alpha, two.alpha) if one.alpha and two.alpha else None
    return Agreement(one.side, two.side, observed, alpha)


def _side(sums: Sums) -> _Measured | None:
    totals = _totals(sums)
    sizes = _sizes(sums, totals)
    units = sum([size.units for size in sizes.values()])
    if units < FEWEST:
        return None
    observed, alpha = _observed(sums, sizes, units), _alpha(sums, sizes, totals)
    values = sum(totals.values())
    side = Side(units, values, _estimate(observed, units, 0.0), _estimate(alpha, units, -1.0) if alpha else None)
    return _Measured(side, observed, alpha)


def _totals(sums: Sums) -> dict[str, int]:
    found = Counter[str]()
    for (people, _), counted in sums.answers.items():
        for answer, number in counted.items() if people > 1 else ():
            found[answer] += number
    return dict(found)


def _sizes(sums: Sums, totals: Mapping[str, int]) -> dict[int, _Size]:
    """Return number of opinions to the sums over such units; without totals those of t are nought."""
    found: dict[int, _Size] = {}
    for (people, alike), counted in sums.answers.items():
        if people < 2:
            continue
        units = sum(counted.values()) // people
        weight = sum([totals[answer] * number for answer, number in counted.items()]) if totals else 0
        one = (units, units * alike, units * alike * alike, weight, weight * alike)
        found[people] = _Size(*map(add, found.get(people, _NONE), one))
    return found


def _observed(sums: Sums, sizes: Mapping[int, _Size], units: int) -> _Figure:
    """Return the share of pairs of opinions on a unit that are the same, (q - n) / n (n - 1), the mean over units."""
    shares = [Fraction(size.alike - people * size.units, people * (people - 1)) for people, size in sizes.items()]
    mean = sum(shares, Fraction()) / units
    found = {
        people: ((Fraction(-1, people - 1) - mean) / units, Fraction(1, people * (people - 1) * units))
        for people in sizes
    }
    return _figure(mean, Influence(found), sums)


def _alpha(sums: Sums, sizes: Mapping[int, _Size], totals: Mapping[str, int]) -> _Figure | None:
    """Return alpha; None where all answers are the same.

    With v values, of which v_c are c, and in unit u n_u, of which n_uc are c:
    alpha = 1 - A (v - 1) / D, A = sum over u of (n_u^2 - sum n_uc^2) / (n_u - 1), D = v^2 - sum v_c^2.
    """
    values = sum(totals.values())
    chance = values * values - sum([number * number for number in totals.values()])
    if not chance:
        return None
    apart = [Fraction(people * people * size.units - size.alike, people - 1) for people, size in sizes.items()]
    differ = sum(apart, Fraction())
    ratio = differ * values / chance  # as the delta method has it: of a population, in which v and v - 1 are one
    found = {
        people: (
            (2 * ratio * values * people - Fraction(people * people * values, people - 1) - differ * people) / chance,
            Fraction(values, (people - 1) * chance),
        )
        for people in sizes
    }
    return _figure(1 - differ * (values - 1) / chance, Influence(found, -2 * ratio / chance, totals), sums)


def _figure(value: Fraction, influence: Influence, sums: Sums) -> _Figure:
    return _Figure(value, influence, _products(sums, influence, influence))


def _products(sums: Sums, one: Influence, two: Influence) -> Fraction:
    """Return the sum over units of what they weigh in one figure times what they weigh in another."""
    total = Fraction()
    left, right = [_sizes(sums, each.totals) for each in (one, two)]
    for people, size in left.items():
        (a, b), (c, d) = one.sizes[people], two.sizes[people]
        other = right[people]
        total += a * c * size.units + (a * d + b * c) * size.alike + b * d * size.squares
        total += two.slope * (a * other.weight + b * other.alike_weight)
        total += one.slope * (c * size.weight + d * size.alike_weight)
    slopes = one.slope * two.slope
    return total + slopes * _between(sums, one.totals, two.totals) if slopes else total


def _between(sums: Sums, one: Mapping[str, int], two: Mapping[str, int]) -> int:
    """Return the sum over units of t by some totals times t by others."""
    alone = sum([one[answer] * two[answer] * number for answer, number in _totals(sums).items()])
    return alone + sum([number * (one[a] * two[b] + one[b] * two[a]) for (a, b), number in sums.pairs.items()])


def _difference(still: Sums, turned: Turned, one: _Figure, two: _Figure) -> Estimate:
    """Return the later figure less the earlier one; what a unit weighs in that is the difference of what it weighs in them."""
    both = _products(still, one.influence, two.influence) + turned.product(one.influence, two.influence)
    units = sum([size.units for size in _sizes(still, {}).values()]) + turned.units
    value, reach = float(two.value - one.value), _reach(one.squares + two.squares - 2 * both, units)
    return Estimate(value, None, None) if reach is None else Estimate(value, value - reach, value + reach)


def _estimate(figure: _Figure, units: int, least: float) -> Estimate:
    value, reach = float(figure.value), _reach(figure.squares, units)
    if reach is None:
        return Estimate(value, None, None)
    return Estimate(value, max(least, value - reach), min(1.0, value + reach))


def _reach(squares: Fraction, units: int) -> float | None:
    """Return how far a 95 % interval reaches to either side; None where no unit weighs anything."""
    return _Z * sqrt(squares * units / (units - 1)) if squares else None

"""Sums over units of annotation: what agreement on them is worked out from, of all units and of those on which answers moved."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import chain, combinations, combinations_with_replacement, product
from typing import NamedTuple

import msgspec

_FEW = 16  # of a unit with more people pairs are counted by answer, not one by one
AT_ONCE = 8192
"""Units that are summed together: more take memory, fewer take time."""
_Units = dict[tuple[int, int], list[Sequence[str]]]
"""Units by (n, q), as in `Sums`."""


class Sums(msgspec.Struct):
    """What agreement needs to know of units; sums of sums are sums again.

    Attributes:
        answers: (n, q) to answer to how often it was given to units of n opinions, q being the sum over the answers to a unit of
            the square of how many people gave it. What a single person said is in no figure.
        pairs: two answers, in order, to the number of pairs of people who gave them to the same unit.
    """

    answers: dict[tuple[int, int], dict[str, int]] = {}
    pairs: dict[tuple[str, str], int] = {}


class Influence(NamedTuple):
    """How much a unit weighs in a figure: what that would change by if the unit were there once more, over all units nought.

    A unit of n opinions weighs a + b q + c t, with q as in `Sums` and t the sum of the totals of the answers that it was given.

    Attributes:
        sizes: n to (a, b).
        slope: c.
        totals: answer to how often it was given to all units.
    """

    sizes: Mapping[int, tuple[Fraction, Fraction]]
    slope: Fraction = Fraction()
    totals: Mapping[str, int] = {}


class Turned:
    """What was said of units before and after, where that differs, as running sums: memory holds answers, not units.

    Attributes:
        units: number of those with two opinions or more on either side.
    """

    def __init__(self) -> None:
        self.units = 0
        self._waiting: list[tuple[Sequence[str], Sequence[str]]] = []
        self._sums = Sums(), Sums()
        self._kinds: dict[tuple[int, int, int, int], _Kind] = defaultdict(_Kind)
        self._crossed = Counter[tuple[str, str]]()

    def add(self, old: Sequence[str], new: Sequence[str]) -> None:
        """Count a unit.

        Args:
            old: the answers to it before, one of each person; empty where nothing was said.
            new: the same after.
        """
        self._waiting.append((old, new))
        if len(self._waiting) >= AT_ONCE:
            self._settle()

    def join(self, other: Turned) -> None:
        """Count the units of another, none of which is among these."""
        self._settle()
        one, two = [combined([(1, each), (1, more)]) for each, more in zip(self._sums, other.sums(), strict=True)]
        self._sums = one, two
        self.units += other.units
        self._crossed.update(other._crossed)
        for kind, found in other._kinds.items():
            self._kinds[kind].join(found)

    def sums(self) -> tuple[Sums, Sums]:
        """Return the sums over the units as they were before, and as they are after."""
        self._settle()
        return self._sums

    def product(self, one: Influence, two: Influence) -> Fraction:
        """Return the sum over units of what they weigh before in one figure times what they weigh after in another."""
        self._settle()
        total = Fraction()
        for (people, alike, others, alike_too), kind in self._kinds.items():
            (a, b), (c, d) = one.sizes[people], two.sizes[others]
            left, right = a + b * alike, c + d * alike_too
            total += left * right * kind.units
            total += left * two.slope * _weight(kind.come, two.totals) + right * one.slope * _weight(
                kind.gone, one.totals
            )
        slopes = one.slope * two.slope
        if not slopes:
            return total
        return total + slopes * sum(
            [one.totals[old] * two.totals[new] * number for (old, new), number in self._crossed.items()]
        )

    def _settle(self) -> None:
        kinds: dict[tuple[int, int, int, int], list[tuple[Sequence[str], Sequence[str]]]] = defaultdict(list)
        for turn in self._waiting:
            old, new = turn
            kinds[len(old), _alike(old), len(new), _alike(new)].append(turn)
        self._waiting = []
        sides: tuple[_Units, _Units] = (defaultdict(list), defaultdict(list))
        for (people, alike, others, alike_too), turns in kinds.items():
            gone, come = [list(side) for side in zip(*turns, strict=True)]
            sides[0][people, alike] += gone
            sides[1][others, alike_too] += come
            if people > 1 or others > 1:
                self.units += len(turns)
            if people > 1 and others > 1:
                self._kinds[people, alike, others, alike_too].add(gone, come)
                self._cross(turns, many=people > _FEW or others > _FEW)
        if kinds:
            one, two = [
                combined([(1, known), (1, _summed(units))]) for known, units in zip(self._sums, sides, strict=True)
            ]
            self._sums = one, two

    def _cross(self, turns: Sequence[tuple[Sequence[str], Sequence[str]]], *, many: bool) -> None:
        """Count the answers before with the answers after of the same unit."""
        if not many:
            self._crossed.update(chain.from_iterable([product(old, new) for old, new in turns]))
            return
        for old, new in turns:
            for (one, times), (two, others) in product(Counter(old).items(), Counter(new).items()):
                self._crossed[one, two] += times * others


class _Kind:
    """Units of some numbers of opinions and of some agreement before and after: how many, and what was said of them."""

    def __init__(self) -> None:
        self.units = 0
        self.gone, self.come = Counter[str](), Counter[str]()

    def add(self, gone: Sequence[Sequence[str]], come: Sequence[Sequence[str]]) -> None:
        self.units += len(gone)
        self.gone.update(chain.from_iterable(gone))
        self.come.update(chain.from_iterable(come))

    def join(self, other: _Kind) -> None:
        self.units += other.units
        self.gone.update(other.gone)
        self.come.update(other.come)


def _weight(answers: Mapping[str, int], totals: Mapping[str, int]) -> int:
    """Return the sum of t over units to which some answers were given; nought where no totals weigh."""
    return sum([totals[answer] * number for answer, number in answers.items()]) if totals else 0


def gathered(units: Iterable[Sequence[str]]) -> Sums:
    """Return the sums over units.

    Args:
        units: the answers to each, one of each person.
    """
    kinds: _Units = defaultdict(list)
    for said in units:
        kinds[len(said), _alike(said)].append(said)
    return _summed(kinds)


def _summed(kinds: _Units) -> Sums:
    """Return the sums over units by (n, q)."""
    kinds.pop((0, 0), None)
    pairs = Counter[tuple[str, str]]()
    for (people, _), alike in kinds.items():
        if people <= _FEW:
            pairs.update(chain.from_iterable([combinations(said, 2) for said in alike]))
            continue
        for said in alike:
            for (one, many), (other, more) in combinations_with_replacement(Counter(said).items(), 2):
                pairs[one, other] += many * (many - 1) // 2 if one == other else many * more
    return Sums({kind: dict(Counter(chain.from_iterable(alike))) for kind, alike in kinds.items()}, _in_order(pairs))


def _in_order(pairs: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    found = Counter[tuple[str, str]]()
    for (one, other), number in pairs.items():
        found[(one, other) if one <= other else (other, one)] += number
    return dict(+found)


def _alike(said: Sequence[str]) -> int:
    if len(set(said)) == len(said):
        return len(said)
    return sum([number * number for number in Counter(said).values()])


def combined(parts: Iterable[tuple[int, Sums]]) -> Sums:
    """Return the sum of sums.

    Args:
        parts: each with how often it counts, -1 for what is taken out.
    """
    answers: dict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    pairs = Counter[tuple[str, str]]()
    for times, part in parts:
        for kind, counted in part.answers.items():
            total = answers[kind]
            for answer, number in counted.items():
                total[answer] += times * number
        for pair, number in part.pairs.items():
            pairs[pair] += times * number
    left = {kind: dict(+counted) for kind, counted in answers.items()}
    return Sums({kind: counted for kind, counted in left.items() if counted}, dict(+pairs))

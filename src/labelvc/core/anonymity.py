"""Anonymity: how many look alike by their quasi-identifiers, and the risk that follows.

A class is all that have the same values (k-anonymity, Samarati and Sweeney 1998). The prosecutor knows that somebody is in
the data: the risk of a person is 1 / size of their class. The journalist does not, and chooses among a population: 1 / size
of the class there (k-map). Definitions as in ARX, `RiskModelSampleRisks` and `criteria/KMap`; the average risk as in El Emam
and Dankar, "Protecting privacy using k-anonymity", JAMIA 2008.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

BELOW = (2, 5, 10)
"""Classes smaller than these are counted: of one, below five, below ten."""
_SHOWN = 10

Row = tuple[str, str, str]
"""One line of the data: its class, who it is about, its key."""


class Class(NamedTuple):
    """One class: how many people, how many lines, what it is, and the key of one of them."""

    size: int
    records: int
    values: str
    example: str


class Population(NamedTuple):
    """The classes of the data against a population.

    Attributes:
        classes: how many there are in the population.
        absent: how many classes of the data it has not: the table is no population of these data.
        k: size there of the smallest class of the data.
        highest, average: the journalist's risk, of one and of all.
    """

    classes: int
    absent: int
    k: int
    highest: float
    average: float


class Risk(NamedTuple):
    """How many look alike.

    Attributes:
        records, persons, classes: how many there are.
        k: size of the smallest class; 0 where there is no line.
        records_below, persons_below: how many stand in classes smaller than each of `BELOW`.
        highest, average: the prosecutor's risk, of one and of all.
        at_highest: how many people have the highest.
        population: against a population; None without one.
        smallest: the smallest classes, the smallest first.
    """

    records: int
    persons: int
    classes: int
    k: int
    records_below: tuple[int, ...]
    persons_below: tuple[int, ...]
    highest: float
    average: float
    at_highest: int
    population: Population | None
    smallest: tuple[Class, ...]


class Tally:
    """Adds up classes, part by part: equal classes must come in one part."""

    def __init__(self) -> None:
        self._records = self._classes = 0
        self._sizes: Counter[int] = Counter()
        self._lines: Counter[int] = Counter()
        self._smallest: list[Class] = []
        self._there: Counter[int] | None = None
        self._known = self._absent = 0
        self._chance = 0.0

    def add(self, rows: Iterable[Row], population: Mapping[str, int] | None = None) -> None:
        """Take in the lines of some classes, and how large these are in the population.

        Args:
            rows: the lines; memory holds who is in the classes of one part.
            population: class to size; None where no population is known.
        """
        people: dict[str, set[str]] = {}
        lines: Counter[str] = Counter()
        first: dict[str, str] = {}
        for values, person, key in rows:
            people.setdefault(values, set()).add(person)
            lines[values] += 1
            first.setdefault(values, key)
        for values, those in people.items():
            self._sizes[len(those)] += 1
            self._lines[len(those)] += lines[values]
            if population is not None:
                self._in_population(len(those), population.get(values, 0))
        self._known += len(population or ())
        self._records += lines.total()
        self._classes += len(people)
        found = (Class(len(those), lines[values], values, first[values]) for values, those in people.items())
        self._smallest = heapq.nsmallest(_SHOWN, [*self._smallest, *found])

    def _in_population(self, size: int, there: int) -> None:
        self._there = Counter() if self._there is None else self._there
        self._absent += there == 0
        whole = max(size, there)  # who is in the data is in the population
        self._there[whole] += 1
        self._chance += size / whole

    def risk(self) -> Risk:
        """Return what it came to."""
        persons = sum(size * number for size, number in self._sizes.items())
        k = min(self._sizes, default=0)
        known = None
        if self._there is not None:
            least = min(self._there)
            known = Population(self._known, self._absent, least, 1 / least, self._chance / persons)
        return Risk(
            self._records,
            persons,
            self._classes,
            k,
            tuple([sum(number for size, number in self._lines.items() if size < most) for most in BELOW]),
            tuple([sum(size * number for size, number in self._sizes.items() if size < most) for most in BELOW]),
            1 / k if k else 0.0,
            self._classes / persons if persons else 0.0,
            k * self._sizes[k],
            known,
            tuple(self._smallest),
        )

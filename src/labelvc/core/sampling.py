"""Sampling: a draw that anybody can repeat with a hash and a sort, and what a clean one says of all that was not drawn."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable, Mapping
from math import perm
from typing import Any, Generic, NamedTuple, TypeVar

from labelvc.digests import sha256

_Row = TypeVar("_Row")
_ONE_IN = 20
"""95 %: a claim is kept while a clean sample would be seen at least once in so many draws."""


class Stratum(NamedTuple, Generic[_Row]):
    """What was drawn of one part of a population.

    Attributes:
        name: of the part; empty where the population has no parts.
        size: number of its members.
        drawn: those with the smallest hashes, smallest first.
    """

    name: str
    size: int
    drawn: list[_Row]


def place(seed: str, member: str) -> str:
    """Return what members are ordered by: SHA-256 of the seed, a NUL and the member's id, in hexadecimal."""
    return str(_hashed(seed, member).hexdigest())


def _hashed(seed: str, member: str) -> Any:
    return sha256(f"{seed}\0{member}".encode("utf-8", "surrogateescape"))


def draw(rows: Iterable[tuple[str, str, _Row]], number: int, seed: str) -> list[Stratum[_Row]]:
    """Draw a number of members of each part of a population, all with the same chance; memory holds what is drawn.

    Args:
        rows: name of the part, id of the member, and the member.
        number: how many of each part; all of a part that has no more.
        seed: of the draw.

    Returns:
        The parts by their names.
    """
    kept: dict[str, list[tuple[int, str, _Row]]] = {}
    sizes: dict[str, int] = {}
    for name, member, row in rows:
        sizes[name] = sizes.get(name, 0) + 1
        heap = kept.setdefault(name, [])
        # the heap's first is the largest of those that are kept, so the hashes stand in it negated
        entry = (-int.from_bytes(_hashed(seed, member).digest(), "big"), member, row)
        if len(heap) < number:
            heapq.heappush(heap, entry)
        elif heap and entry[:2] > heap[0][:2]:
            heapq.heapreplace(heap, entry)
    order = {name: sorted(heap, key=_hash, reverse=True) for name, heap in kept.items()}
    return [Stratum(name, sizes[name], [row for _, _, row in order[name]]) for name in sorted(order)]


def shares(sizes: Mapping[str, int], number: int) -> dict[str, int]:
    """Return how many members of each part a sample has: its share by size, largest remainders first, one at least.

    Args:
        sizes: part to its size.
        number: of the sample; where there are more parts than that, the largest parts have one each.
    """
    total = sum(sizes.values())
    number = min(number, total)
    order = sorted(sizes, key=lambda name: (-sizes[name], name))
    if number <= len(order):
        return dict.fromkeys(order[:number], 1)
    exact = {name: number * sizes[name] / total for name in order}
    found = {name: min(sizes[name], max(1, int(exact[name]))) for name in order}
    for name in sorted(order, key=lambda name: (found[name] - exact[name], name)):
        found[name] += sum(found.values()) < number and found[name] < sizes[name]
    for name in order:  # where the least share of one took more than there is
        found[name] -= min(max(0, sum(found.values()) - number), found[name] - 1)
    return found


def bound(size: int, drawn: int) -> int:
    """Return how many members may be bad at most, with 95 % confidence, when none of those drawn is.

    The exact bound of the hypergeometric distribution: the largest number of bad ones with which a draw without
    replacement shows none of them with a chance of 5 % at least. No approximation is made.

    Args:
        size: number of members.
        drawn: how many of them were looked at.
    """
    least, most = 0, 1
    while most <= size - drawn and _likely(size, drawn, most):
        least, most = most, 2 * most
    most = min(most, size - drawn + 1)
    while most - least > 1:
        middle = (least + most) // 2
        if _likely(size, drawn, middle):
            least = middle
        else:
            most = middle
    return least


def _likely(size: int, drawn: int, bad: int) -> bool:
    """Tell whether a draw shows none of the bad ones with a chance of at least 5 %: C(size - bad, drawn) / C(size, drawn).

    The chance is the same with what is drawn and what is bad changing places; the shorter product is worked out.
    """
    one, other = sorted((drawn, bad))
    return perm(size - other, one) * _ONE_IN >= perm(size, one)


def _hash(entry: tuple[int, Hashable, object]) -> int:
    return entry[0]

"""Recurring: which of any number of 8-byte values stand somewhere more than once, told with little in memory."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import compress, pairwise
from operator import eq
from typing import Self

from labelvc.spill import Spill

_PARTS, _AT_ONCE = 256, 1 << 16
_BITS, _WHOLE = 48, 1 << 52
_HIGH = (_WHOLE.bit_length() + 1022 << 4).to_bytes(2, "little")
_BOUNDS = [float(_WHOLE + (part << _BITS) // _PARTS) for part in range(_PARTS + 1)]
MOST = 1 << 18
"""Numbers that came more than once and are held in memory."""


def numbers(values: bytes) -> list[float]:
    """Return a number for each 8-byte value: equal values have equal ones, two others once in 2^48 times.

    It is 2^52 and 48 bits of the value: floats are sorted four times as fast as whole numbers.
    """
    many = len(values) // 8
    lanes = bytearray(values)
    lanes[6::8], lanes[7::8] = _HIGH[:1] * many, _HIGH[1:] * many
    return list(struct.unpack(f"<{many}d", lanes))


class Recurring:
    """Takes numbers and tells those that came more than once; a context manager, since they may wait in a temporary file.

    Raises:
        SpillError: (any method) the disk of temporary files is full.
    """

    def __init__(self) -> None:
        self._parts = Spill(_PARTS)
        self._waiting: list[float] = []

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file."""
        self._parts.__exit__()

    def add(self, some: Sequence[float]) -> None:
        """Take numbers of `numbers`."""
        self._waiting += some
        if len(self._waiting) >= _AT_ONCE:
            self._part()

    def found(self) -> frozenset[float] | None:
        """Return the numbers that came more than once; None where these are more than `MOST`."""
        self._part()
        found: set[float] = set()
        for rows in self._parts.all():
            found.update(_twice([number for row in rows for number in array("d", row)]))
            if len(found) > MOST:
                return None
        return frozenset(found)

    def _part(self) -> None:
        """Set the numbers aside by their highest bits: equal ones share a part."""
        self._waiting.sort()
        cuts = [bisect_left(self._waiting, bound) for bound in _BOUNDS]
        rows = [array("d", self._waiting[begin:end]).tobytes() for begin, end in pairwise(cuts)]
        self._parts.extend(range(_PARTS), rows, 8 * len(self._waiting))
        self._waiting.clear()


def _twice(some: list[float]) -> Iterable[float]:
    if len(set(some)) == len(some):
        return ()
    some.sort()
    return compress(some, map(eq, some, some[1:]))

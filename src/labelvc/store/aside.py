"""Deltas set aside until all are known, in a temporary file once they are many: memory stays flat."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

from labelvc.model.change import Delta
from labelvc.model.names import Key

if TYPE_CHECKING:
    from labelvc.spill import Spill

_MOST = 20_000
_PARTS = 1024


class Aside:
    """Deltas that wait; a context manager, since it may hold a temporary file.

    Args:
        most: how many wait in memory before all go to the file, by a hash of their key.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most, self._few = most, list[Delta]()
        self._spill: Spill | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file, which has no name and ends with that."""
        if self._spill is not None:
            self._spill.__exit__()

    def add(self, delta: Delta) -> None:
        """Set a delta aside.

        Raises:
            OSError: the disk of temporary files is full.
        """
        if self._spill is not None:
            self._set(self._spill, delta)
            return
        self._few.append(delta)
        if len(self._few) >= self._most:
            spill: Spill = importlib.import_module("labelvc.spill").Spill(_PARTS, self._most)
            for one in self._few:
                self._set(spill, one)
            self._spill = spill
            self._few = []

    def groups(self) -> Iterator[list[Delta]]:
        """Yield everything that was set aside, all deltas of one key in one group and in the order they came."""
        if self._spill is None:
            yield self._few
            return
        for rows in self._spill.all():
            yield [Delta(key if isinstance(key, str) else Key(*key), old, new) for key, old, new in rows]

    @staticmethod
    def _set(spill: Spill, delta: Delta) -> None:
        part = spill.part_of(str(delta.key).encode(errors="surrogateescape"))
        key = delta.key if isinstance(delta.key, str) else tuple(delta.key)
        spill.add(part, (key, delta.old, delta.new), 1)

"""Holders: which change-sets hold a move, found without going through them all."""

from __future__ import annotations

from collections.abc import Iterable

from labelvc.model.change import ChangeSet, Move
from labelvc.model.names import Digest


class Holders:
    """An index of change-sets by their moves."""

    def __init__(self) -> None:
        self._roots: dict[Move, tuple[Digest, ...]] = {}
        self._known: set[Digest] = set()

    def __contains__(self, root: object) -> bool:
        """Tell whether a change-set is in the index."""
        return root in self._known

    def add(self, changeset: ChangeSet) -> None:
        """Put a change-set into the index; a second time it makes no difference."""
        if changeset.root in self._known:
            return
        self._known.add(changeset.root)
        for move in changeset.moves:
            self._roots[move] = (*self._roots.get(move, ()), changeset.root)

    def of(self, moves: Iterable[Move]) -> list[Digest]:
        """Return the roots of the change-sets that hold one of some moves, sorted."""
        return sorted({root for move in moves for root in self._roots.get(move, ())})

"""Merged: whether who merged took back what a parent had changed, and so is an author of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from labelvc.core import changeset
from labelvc.model.snapshot import Snapshot
from labelvc.ops import diff as comparing
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git


class _Side(NamedTuple):
    """A commit beside a merge: both, and the paths that differ."""

    here: Snapshot
    merge: Snapshot
    paths: frozenset[str]


class _Sides:
    """The commits beside a merge, each compared with it once."""

    def __init__(self, git: Git, merge: str) -> None:
        self._git, self._merge = git, merge
        self._known: dict[str, _Side] = {}

    def __getitem__(self, at: str) -> _Side:
        """Return a commit beside the merge; empty: nothing."""
        if at not in self._known:
            pair = (
                tree.differing(self._git, at, self._merge)
                if at
                else (tree.empty(), tree.commit(self._git, self._merge))
            )
            self._known[at] = _Side(*pair, frozenset(tree.changed(*pair)))
        return self._known[at]


def takes_back(git: Git, merge: str, parents: Sequence[str]) -> bool:
    """Tell whether a merge holds a record or document as two parents' common ancestor had it, though one of them had changed it.

    A merge that takes each change where one side made it, as git does, never does: then it is the doing of who merged, by
    `-s ours`, by hand, or with an older commit as a parent.

    Args:
        git: where.
        merge: the merge commit.
        parents: its parents.

    Raises:
        StoreError: git or DVC data is missing.
    """
    sides, one = _Sides(git, merge), parents[0]
    return any(_takes_back(git, sides, one, other) for other in parents[1:])


def _takes_back(git: Git, sides: _Sides, one: str, other: str) -> bool:
    """Tell it of two of the parents."""
    bases = plumbing.merge_bases(git, one, other) or [""]
    if bases == [one] and not sides[other].paths:  # nothing went on meanwhile, and the merge is as the branch was
        return False
    two, ancestors = [sides[one], sides[other]], [sides[base] for base in bases]
    paths = frozenset(path for side in two for path in side.paths if not _clean(path, two, ancestors))
    if not paths:
        return False
    moved = frozenset[str]().union(*(_moved(git, side, paths) for side in two))
    return any(moved - _moved(git, ancestor, paths) for ancestor in ancestors)


def _clean(path: str, two: list[_Side], ancestors: list[_Side]) -> bool:
    """Tell whether only one side changed a file, and the merge has it as that side has."""
    changed = [side.here.entries.get(path) for side in two if path in side.paths]
    return len(changed) < len(two) and all(
        path in ancestor.paths and entry == ancestor.here.entries.get(path)
        for entry in changed
        for ancestor in ancestors
    )


def _moved(git: Git, side: _Side, paths: Collection[str]) -> frozenset[str]:
    """Return the keys of the records and documents in some files that are otherwise in the merge."""
    one, two = (_only(snapshot, paths) for snapshot in (side.here, side.merge))
    return frozenset(move.key for move in changeset.gather(comparing.between(git, one, two)).changeset.moves)


def _only(snapshot: Snapshot, paths: Collection[str]) -> Snapshot:
    return snapshot._replace(entries={path: entry for path, entry in snapshot.entries.items() if path in paths})

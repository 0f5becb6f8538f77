"""Result: what a branch becomes once it is merged, worked out beside the index and the work tree, which see nothing of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from labelvc.model import listing
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import threeway
from labelvc.ops.threeway import Outcome
from labelvc.store import draft, tree
from labelvc.store import git as plumbing
from labelvc.store.git import Git


class Result(NamedTuple):
    """What merging two commits gives.

    Attributes:
        tree: id of the merged tree, the same on every machine; with conflict markers where a person must decide.
        snapshot: the files after the merge; None where a person must decide first.
        torn: paths in conflict, sorted, each with its number of conflicts; 0 for a file that git merges by lines.
    """

    tree: str
    snapshot: Snapshot | None
    torn: Sequence[tuple[str, int]] = ()


def of(git: Git, ours: str, theirs: str) -> Result:
    """Return what merging a commit into another gives, as `labelvc merge` would.

    Args:
        git: the repository; nothing in it changes but for objects that nothing refers to.
        ours: full id of the commit that is merged into.
        theirs: full id of the other.

    Raises:
        StoreError: no common ancestor, an object that is nowhere, or a git older than 2.38.
        DataError: conflict markers in a commit.
    """
    found = threeway.bases(git, ours, theirs)
    if ours in found or theirs in found:
        one = theirs if ours in found else ours
        return Result(plumbing.held(git, f"{one}^{{tree}}")[0], tree.commit(git, one))
    outcome = threeway.three_way(git, ours, theirs, found=found)
    if outcome.torn or outcome.stages:
        places = {row.path: 0 for row in outcome.stages} | {path: len(rows) for path, rows in outcome.torn.items()}
        return Result(outcome.tree, None, sorted(places.items()))
    merged = draft.commit(git, outcome.tree, (ours, theirs), "what a branch becomes once it is merged")
    return Result(outcome.tree, _stored(tree.commit(git, merged), outcome))


def _stored(snapshot: Snapshot, outcome: Outcome) -> Snapshot:
    """Return a snapshot with the shards that a merge would store with DVC: no pointer names them yet."""
    over: dict[str, Entry | None] = {}
    for name in outcome.stored:
        folder = f"datasets/{name}/annotations"
        over |= dict.fromkeys([f"{folder}.dvc", *listing.paths(snapshot.entries, f"{folder}/")])
        over |= {path: entry for path, entry in outcome.entries.items() if path.startswith(f"{folder}/")}
    return snapshot._replace(entries=listing.of(snapshot.entries).over(over)) if over else snapshot

"""Mechanics of a diff: what differs and changes no content, which is a reshard, a storage move, a re-key or a rename of labels."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from labelvc.codec import shard
from labelvc.core.diff import Comparison, compare
from labelvc.core.veil import Veil
from labelvc.errors import DataError
from labelvc.model import listing
from labelvc.model.secret import EPOCHS
from labelvc.model.snapshot import Snapshot
from labelvc.ops import diff
from labelvc.ops.diff import Range
from labelvc.store import tree
from labelvc.store.git import Git

if TYPE_CHECKING:
    from labelvc.core.rekey import Rekey as Rekeying

_DATASET = "/dataset.yaml"


class Mechanics:
    """Tells of each change whether it is mechanical, and of each document what it says differently.

    Args:
        veil: hides plain values.
        moved: datasets whose storage moved.
        rekey: the re-key between the two snapshots, a `labelvc.core.rekey.Rekey`; None when there is none.
    """

    def __init__(self, veil: Veil, moved: frozenset[str] = frozenset(), rekey: Rekeying | None = None) -> None:
        self._veil, self._moved, self._rekey = veil, moved, rekey

    def drawn(self, seen: Comparison) -> Comparison:
        """Return a comparison with plain values hidden, mechanical where it is, and with a document's edits."""
        key = seen.delta.key
        if isinstance(key, str):
            told: Comparison = importlib.import_module("labelvc.ops.documents").told(seen, self._moved, self._rekey)
            return told
        seen = self._veil.drawn(seen)
        if self._rekey is None or not self._rekey.covers(seen, self._veil.where(key)):
            return seen
        self._rekey.records += 1
        return seen._replace(kind="mechanical")


def between(git: Git, pair: Range, veil: Veil) -> Mechanics:
    """Find out what is mechanical between two snapshots.

    Args:
        git: the repository.
        pair: the snapshots.
        veil: knows the fields of each dataset that hold pseudonyms.

    Returns:
        The mechanics. Lines are read only where an epoch of pseudonyms began.

    Raises:
        StoreError: a file cannot be read.
    """
    old, new = pair
    changed = [
        path
        for path in listing.ending(new.entries, _DATASET, EPOCHS)
        if (was := old.entries.get(path)) is not None and not was.same(new.entries[path])
    ]
    moved = frozenset(path.split("/")[1] for path in changed if path.endswith(_DATASET) and _moves(git, pair, path))
    rekey = _rekey(git, pair, veil) if EPOCHS in changed else None
    return Mechanics(veil, moved, rekey)


def _moves(git: Git, pair: Range, path: str) -> bool:
    one, two = _both(git, pair, path)
    if one == two:
        return False
    moves: bool = importlib.import_module("labelvc.ops.documents").moves(one, two)
    return moves


def _both(git: Git, pair: Range, path: str) -> tuple[bytes, bytes]:
    with tree.reader(git) as reader:
        return reader.read(path, pair.old.entries[path]), reader.read(path, pair.new.entries[path])


def _rekey(git: Git, pair: Range, veil: Veil) -> Rekeying | None:
    """Return the re-key that came with new epochs, or None; the other way round, with epochs that are not there any more."""
    epochs = importlib.import_module("labelvc.codec.epochs")
    try:
        one, two = [[epochs.members(epoch) for epoch in epochs.read(data)] for data in _both(git, pair, EPOCHS)]
    except DataError:
        return None
    rules = importlib.import_module("labelvc.core.rekey")
    begun = importlib.import_module("labelvc.core.documents").begun
    ids = [[epoch["id"] for epoch in side] for side in (one, two)]
    if begun(one, two):
        rekey: Rekeying = rules.Rekey(ids[0], begun(one, two))
    elif begun(two, one):
        rekey = rules.Rekey(begun(two, one), ids[1])
    else:
        return None
    for delta in diff.shard_deltas(git, *pair):
        if not isinstance(delta.key, str):
            rekey.weigh(veil.drawn(compare(delta)), veil.where(delta.key))
        if not rekey.possible:
            return None
    if rekey.found:
        rekey.weigh_lines(old=_shards(git, pair.old), new=_shards(git, pair.new))
    return rekey if rekey.found else None


def _shards(git: Git, snapshot: Snapshot) -> Iterator[bytes]:
    """Yield all shards of a snapshot, of a commit whatever part of it is listed."""
    whole = tree.commit(git, snapshot.commit) if snapshot.kind == "commit" and snapshot.commit else snapshot
    with tree.reader(git) as reader:
        for _, data in reader.many([row for row in whole.entries.items() if shard.parse_path(row[0])]):
            yield data

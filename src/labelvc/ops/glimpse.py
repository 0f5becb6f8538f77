"""Glimpse: the first things of a change as a person reads them before they sign, plain values hidden."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from labelvc.codec import canonical, shard
from labelvc.core import diff
from labelvc.core.diff import Comparison
from labelvc.core.veil import Veil
from labelvc.errors import DataError
from labelvc.model import listing
from labelvc.model.change import Delta
from labelvc.model.names import Digest, Key
from labelvc.model.snapshot import Snapshot
from labelvc.ops import mechanics
from labelvc.ops import project as projects
from labelvc.ops import veil as veiling
from labelvc.ops.approve import Change
from labelvc.ops.diff import Range
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_ORDER = ("changed", "removed", "added", "touched", "mechanical")


class Glimpse(NamedTuple):
    """One thing of a change, and what it was said about.

    Attributes:
        seen: what differs.
        item: members of the item's line; empty where it has none, and for items and documents themselves.
        odd: digest of a line that is to be signed and that says more than is shown, as with a member twice; None for any other.
    """

    seen: Comparison
    item: Mapping[str, Any]
    odd: Digest | None = None


def first(git: Git, change: Change, most: int) -> list[Glimpse]:
    """Return the first things of what is to be signed, those that changed before those that went or came.

    Args:
        git: the repository.
        change: what is to be signed.
        most: how many at most.

    Raises:
        StoreError: a shard or document is missing.
    """
    pair = Range(change.base, change.head)
    veil = veiling.over(git, *pair)
    told = mechanics.between(git, pair, veil)
    with tree.reader(git) as reader:
        seen = sorted(map(diff.compare, change.first), key=lambda one: (_rank(one), str(one.delta.key)))
        return [
            Glimpse(told.drawn(one), _item(git, reader, pair, veil, one.delta.key), _odd(one.delta))
            for one in seen[:most]
        ]


def _odd(delta: Delta) -> Digest | None:
    """Return the digest of a line that is not in canonical form: what is shown of it was read, and another program may read it otherwise."""
    if delta.new is None or isinstance(delta.key, str):
        return None
    encode = canonical.encode_record if delta.key.id else canonical.encode_item
    try:
        alike = encode(canonical.decode(delta.new)) == delta.new
    except (DataError, AttributeError):  # no JSON that two programs must read alike, or no object
        alike = False
    return None if alike else canonical.digest(delta.new)


def _rank(seen: Comparison) -> int:
    """Return how early a thing is shown: what says otherwise than before can be read in one line, and is read first."""
    return _ORDER.index(seen.kind)


def _item(git: Git, reader: Reader, pair: Range, veil: Veil, key: Key | str) -> Mapping[str, Any]:
    if isinstance(key, str) or not key.id:
        return {}
    item = key._replace(id="")
    for snapshot in (pair.new, pair.old):
        if line := _line(git, reader, snapshot, item):
            return veil.over(item, diff.decoded(line))
    return {}


def _line(git: Git, reader: Reader, snapshot: Snapshot, item: Key) -> bytes | None:
    """Return an item's line out of the shard where it belongs."""
    entry = snapshot.entries.get(f"datasets/{item.dataset}/dataset.yaml")
    said = projects.values(git, [("dataset", reader.read("dataset.yaml", entry))] if entry else [])
    group = said[0].get("group") if said and isinstance(said[0], Mapping) else None
    named = shard.group_of(item.item, re.compile(group) if group else None)
    for path, held in listing.under(snapshot.entries, f"datasets/{item.dataset}/items/"):
        place = shard.parse_path(path)
        if place and place[2] == shard.place(named, len(place[2])):
            return shard.find(reader.read(path, held), item)
    return None

"""Lines: the live items and records of a snapshot, shard by shard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labelvc.codec import canonical, shard
from labelvc.core import diff
from labelvc.errors import DataError
from labelvc.model import listing
from labelvc.model.names import Layer
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.store.reader import Reader

MEND = "labelvc check --all, and mend what it finds"


def live(reader: Reader, snapshot: Snapshot, dataset: str, layer: Layer) -> Iterator[list[dict[str, Any]]]:
    """Yield the members of the lines of each shard of a layer; tombstones are left out.

    Raises:
        DataError: a line cannot be read: a file that lacked it would look complete.
        StoreError: git or DVC data is missing.
    """
    for path, data in shards(reader, snapshot, dataset, layer):
        yield members(path, data)


def members(path: str, data: bytes) -> list[dict[str, Any]]:
    """Return the members of the lines of a shard; tombstones are left out.

    Args:
        path: of the shard, which says of which layer it is.
        data: its bytes.

    Raises:
        DataError: as for `live`.
    """
    place = shard.parse_path(path)
    names = canonical.ITEM_FIRST if place is not None and place[1] == "items" else canonical.RECORD_FIRST
    found = []
    for number, raw in enumerate(shard.lines(data), 1):
        fields = diff.decoded(raw) if diff.live(raw) is not None else None
        if fields is None:
            continue
        if not all(isinstance(fields.get(name), str) for name in names):
            raise DataError("the line cannot be read", where=f"{path}:{number}", hint=MEND)
        found.append(fields)
    return found


def shards(reader: Reader, snapshot: Snapshot, dataset: str, layer: Layer) -> Iterator[tuple[str, bytes]]:
    """Yield path and bytes of each shard of a layer, one in memory at a time.

    Raises:
        StoreError: git or DVC data is missing.
    """
    yield from reader.many(listed(snapshot, dataset, layer))


def listed(snapshot: Snapshot, dataset: str, layer: Layer) -> list[tuple[str, Entry]]:
    """Return path and entry of each shard of a layer."""
    folder = f"datasets/{dataset}/{layer}/"
    return [row for row in listing.under(snapshot.entries, folder) if shard.parse_path(row[0])]

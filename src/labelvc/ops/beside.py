"""Beside a record: the item it is about and the other records of that item, in each of some snapshots."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from labelvc.codec import document, expression, shard
from labelvc.errors import ConfigurationError, DataError
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset
from labelvc.model.snapshot import Snapshot
from labelvc.store.reader import Reader

_KEPT = 16


class Side(NamedTuple):
    """A dataset in one snapshot, and how its items are cut into shards."""

    snapshot: Snapshot
    dataset: Dataset
    digits: int
    group: re.Pattern[str] | None


class Beside:
    """Finds lines by their item; keeps a few shards, since changes come shard by shard.

    Args:
        reader: reads the shards.
        snapshots: where to look.
    """

    def __init__(self, reader: Reader, snapshots: Sequence[Snapshot]) -> None:
        self._reader, self._snapshots = reader, snapshots
        self._sides: dict[str, list[Side]] = {}
        self._shards: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def sides(self, dataset: str) -> list[Side]:
        """Return a dataset in those of the snapshots that have it and describe it well enough to find its shards."""
        if dataset not in self._sides:
            self._sides[dataset] = [side for one in self._snapshots if (side := self._side(one, dataset))]
        return self._sides[dataset]

    def items(self, key: Key) -> Iterator[tuple[Side, bytes]]:
        """Yield the line of a record's item in each snapshot that has one.

        Raises:
            StoreError: a shard cannot be read.
        """
        item = key._replace(id="")
        for side in self.sides(key.dataset):
            raw = shard.find(self._bytes(side, key, "items"), item)
            if raw is not None:
                yield side, raw

    def records(self, key: Key, snapshot: Snapshot) -> list[bytes]:
        """Return the lines of all records of a record's item in a snapshot.

        Raises:
            StoreError: a shard cannot be read.
        """
        found = [side for side in self.sides(key.dataset) if side.snapshot is snapshot]
        return shard.find_item(self._bytes(found[0], key, "annotations"), key.item) if found else []

    def _side(self, snapshot: Snapshot, dataset: str) -> Side | None:
        path = f"datasets/{dataset}/dataset.yaml"
        if path not in snapshot.entries:
            return None
        try:
            said = document.read(self._reader.read(path, snapshot.entries[path]), path)
            found = msgspec.convert({name: said[name] for name in said if name != "schema"}, Dataset)
            return Side(snapshot, found, shard.digits(found.shards), expression.compiled(found.group))
        except (ConfigurationError, DataError, msgspec.ValidationError):
            return None

    def _bytes(self, side: Side, key: Key, layer: Layer) -> bytes:
        path = shard.path(key.dataset, layer, shard.place(shard.group_of(key.item, side.group), side.digits))
        name = (side.snapshot.name, path)
        if name not in self._shards:
            entry = side.snapshot.entries.get(path)
            self._shards[name] = b"" if entry is None else self._reader.read(path, entry)
            if len(self._shards) > _KEPT:
                self._shards.popitem(last=False)
        return self._shards[name]

"""Slices of a change: the values that its item has in the fields its dataset declares as slices."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from labelvc.codec import document, expression, shard
from labelvc.core.diff import Comparison, decoded
from labelvc.core.veil import Veil
from labelvc.errors import ConfigurationError, DataError
from labelvc.model import jsonpointer
from labelvc.model.names import Key
from labelvc.model.project import Dataset
from labelvc.model.snapshot import Snapshot
from labelvc.store.reader import Reader

_KEPT = 16
_NONE = "(none)"
_LONGEST = 60


class _Side(NamedTuple):
    """A dataset in one snapshot: how it is sliced and where its items lie."""

    snapshot: Snapshot
    slices: tuple[str, ...]
    digits: int
    group: re.Pattern[str] | None


class Slices:
    """Finds the slices of changed records; keeps a few shards of items, since changes come shard by shard.

    Args:
        reader: reads the items.
        veil: hides plain values.
        snapshots: where items are looked for, the later one first.
    """

    def __init__(self, reader: Reader, veil: Veil, snapshots: Sequence[Snapshot]) -> None:
        self._reader, self._veil, self._snapshots = reader, veil, snapshots
        self._sides: dict[str, list[_Side]] = {}
        self._shards: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def of(self, seen: Comparison) -> list[str]:
        """Return the slices of a changed record, `reviews /genre=news`; none where its dataset declares none.

        Raises:
            StoreError: a shard of items cannot be read.
        """
        key = seen.delta.key
        if isinstance(key, str):
            return []
        if key.dataset not in self._sides:
            self._sides[key.dataset] = [side for one in self._snapshots if (side := self._side(one, key.dataset))]
        for side in self._sides[key.dataset]:
            item = Key(key.dataset, key.item, "")
            raw = shard.find(self._items(side, item), item)
            if raw is not None:
                fields = self._veil.over(item, decoded(raw))
                return [f"{key.dataset} {at}={_word(jsonpointer.reach(fields, at))}" for at in side.slices]
        return []

    def _side(self, snapshot: Snapshot, dataset: str) -> _Side | None:
        path = f"datasets/{dataset}/dataset.yaml"
        if path not in snapshot.entries:
            return None
        try:
            said = document.read(self._reader.read(path, snapshot.entries[path]), path)
            found = msgspec.convert({name: said[name] for name in said if name != "schema"}, Dataset)
            group = expression.compiled(found.group)
            return _Side(snapshot, found.slices, shard.digits(found.shards), group)
        except (ConfigurationError, DataError, msgspec.ValidationError):
            return None

    def _items(self, side: _Side, key: Key) -> bytes:
        path = shard.path(key.dataset, "items", shard.place(shard.group_of(key.item, side.group), side.digits))
        name = (side.snapshot.name, path)
        if name not in self._shards:
            entry = side.snapshot.entries.get(path)
            self._shards[name] = b"" if entry is None else self._reader.read(path, entry)
            if len(self._shards) > _KEPT:
                self._shards.popitem(last=False)
        return self._shards[name]


def _word(value: object) -> str:
    if value is None:
        return _NONE
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"

"""Slices of a change: the values that its item has in the fields its dataset declares as slices."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from labelvc.core.diff import Comparison, decoded
from labelvc.core.veil import Veil
from labelvc.model import jsonpointer
from labelvc.model.snapshot import Snapshot
from labelvc.ops.beside import Beside
from labelvc.store.reader import Reader

NONE = "(not set)"
_LONGEST = 60


class Slices:
    """Finds the slices of changed records.

    Args:
        reader: reads the items.
        veil: hides plain values.
        snapshots: where items are looked for, the later one first.
    """

    def __init__(self, reader: Reader, veil: Veil, snapshots: Sequence[Snapshot]) -> None:
        self._veil, self._beside = veil, Beside(reader, snapshots)

    def of(self, seen: Comparison) -> list[str]:
        """Return the slices of a changed record, `reviews /genre=news`; none where its dataset declares none.

        Raises:
            StoreError: a shard of items cannot be read.
        """
        key = seen.delta.key
        if isinstance(key, str) or not any(side.dataset.slices for side in self._beside.sides(key.dataset)):
            return []
        for side, raw in self._beside.items(key):
            return rows(key.dataset, side.dataset.slices, self._veil.over(key._replace(id=""), decoded(raw)))
        return []


def rows(dataset: str, slices: Sequence[str], item: Mapping[str, Any]) -> list[str]:
    """Return the slices that an item belongs to, `reviews /genre=news`.

    Args:
        dataset: its dataset.
        slices: the pointers that the dataset declares.
        item: its members, plain values hidden.
    """
    return [f"{dataset} {at}={_word(jsonpointer.reach(item, at))}" for at in slices]


def _word(value: object) -> str:
    if value is None:
        return NONE
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"

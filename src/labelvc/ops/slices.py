"""Slices of a change: the values that its item has in the fields its dataset declares as slices."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from labelvc.core.diff import Comparison, decoded
from labelvc.core.veil import Veil
from labelvc.model import jsonpointer
from labelvc.model.project import Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import project as projects
from labelvc.ops.beside import Beside
from labelvc.ops.diff import Range
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.reader import Reader

NONE = "(not set)"
_LONGEST = 60


class Slices:
    """Finds the slices of changed records.

    Args:
        reader: reads the items.
        veil: hides plain values.
        snapshots: where items are looked for, the later one first.
        pointers: dataset to its slices, as `declared` returns them.
    """

    def __init__(
        self, reader: Reader, veil: Veil, snapshots: Sequence[Snapshot], pointers: Mapping[str, Sequence[str]]
    ) -> None:
        self._veil, self._beside, self._pointers = veil, Beside(reader, snapshots), pointers

    def of(self, seen: Comparison) -> list[str]:
        """Return the slices of a changed record, `reviews /genre=news`; none where its dataset declares none.

        Raises:
            StoreError: a shard of items cannot be read.
        """
        key = seen.delta.key
        if isinstance(key, str) or key.dataset not in self._pointers:
            return []
        for _, raw in self._beside.items(key):
            return rows(key.dataset, self._pointers[key.dataset], self._veil.over(key._replace(id=""), decoded(raw)))
        return []


def between(git: Git, pair: Range, reader: Reader, veil: Veil) -> Slices:
    """Return what finds the slices of records that changed between two snapshots, both with all their documents."""
    with Cache(git) as cache:
        old, new = (
            projects.examine(git, one, reader, cache)[1] if projects.TOP in one.entries else None for one in pair
        )
    return Slices(reader, veil, pair[::-1], declared(old, new))


def declared(old: Project | None, new: Project | None) -> dict[str, Sequence[str]]:
    """Return dataset to its slices before a change, or after it where there were none before."""
    both = [project for project in (new, old) if project is not None]
    return {name: one.slices for project in both for name, one in project.datasets.items() if one.slices}


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

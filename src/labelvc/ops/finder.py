"""Finder: the line of a key in a snapshot, read from the one shard that holds it."""

from __future__ import annotations

from labelvc.codec import expression, shard
from labelvc.core.diff import live
from labelvc.model.names import Key
from labelvc.model.project import Project
from labelvc.model.snapshot import Snapshot
from labelvc.store.reader import Reader


class Finder:
    """Finds lines by their keys; a shard that was asked for once is kept.

    Args:
        project: says how many shards a dataset has.
        snapshot: where they are.
        reader: reads them.
    """

    def __init__(self, project: Project, snapshot: Snapshot, reader: Reader) -> None:
        self._project, self._snapshot, self._reader = project, snapshot, reader
        self._data: dict[str, bytes] = {}

    def path(self, key: Key) -> str:
        """Return the path of the shard that a key belongs to; empty where there is no such dataset."""
        dataset = self._project.datasets.get(key.dataset)
        if dataset is None:
            return ""
        group = shard.group_of(key.item, expression.compiled(dataset.group))
        return shard.path(
            key.dataset, "annotations" if key.id else "items", shard.place(group, shard.digits(dataset.shards))
        )

    def line(self, key: Key) -> bytes | None:
        """Return the line of a key; None where it is not, or a tombstone stands in its place.

        Raises:
            StoreError: the shard cannot be read.
        """
        return live(self._raw(key))

    def buried(self, key: Key) -> bool:
        """Tell whether a tombstone stands where the line of a key was."""
        raw = self._raw(key)
        return raw is not None and live(raw) is None

    def _raw(self, key: Key) -> bytes | None:
        path = self.path(key)
        entry = self._snapshot.entries.get(path)
        if entry is None:
            return None
        if path not in self._data:
            self._data[path] = self._reader.read(path, entry)
        return shard.find(self._data[path], key)

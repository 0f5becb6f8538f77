"""Versions of the same lines side by side: the one walk behind diff, merge, import, change-set and trace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from labelvc.codec import shard
from labelvc.model.names import Key, Layer

Keyed = tuple[Key | bytes, bytes]


def align(*versions: Iterable[Keyed]) -> Iterator[tuple[Key | bytes, tuple[bytes | None, ...]]]:
    """Walk versions of the same lines side by side.

    Args:
        versions: each the (key, line) pairs of one version, in any order; equal lines may be left out of all of them.

    Yields:
        For every key, in order of its text, the key and its line in each version, None where a version lacks it.
        A key that a broken version holds twice is yielded twice: no line is ever dropped.
    """
    tables: list[dict[Key | bytes, list[bytes]]] = []
    for version in versions:
        table: dict[Key | bytes, list[bytes]] = {}
        for key, raw in version:
            table.setdefault(key, []).append(raw)
        tables.append(table)
    for key in sorted(set().union(*tables), key=_order):
        rows = [table.get(key, []) for table in tables]
        for at in range(max(map(len, rows))):
            yield key, tuple([row[at] if at < len(row) else None for row in rows])


def keyed(lines: Iterable[bytes], dataset: str, layer: Layer) -> Iterator[Keyed]:
    """Yield (key, line); a line whose key cannot be read is its own key, so that it is shown and never lost."""
    for raw in lines:
        yield shard.key_of(raw, dataset, layer) or raw, raw


def _order(key: Key | bytes) -> tuple[bytes, bytes, bytes]:
    return (b"", b"", key) if isinstance(key, bytes) else (key.dataset.encode(), key.item.encode(), key.id.encode())

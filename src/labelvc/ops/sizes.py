"""Sizes: how many lines and bytes each shard holds and which tasks it answers, counted once for equal bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import groupby
from typing import NamedTuple

import msgspec

from labelvc import digests
from labelvc.codec import shard
from labelvc.codec.quick import UNREADABLE
from labelvc.core import markers
from labelvc.core.diff import live
from labelvc.errors import DataError
from labelvc.model.names import Layer
from labelvc.model.project import Dataset
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.store import tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git

_GONE = b'"gone":true'
_BY = "labelvc.sizes/3"
_AT_ONCE = 256
PER_SHARD: Mapping[str, int] = {"git": 1 << 16, "dvc": 3 << 19}
"""Bytes that a shard of annotations shall have: 64 KB where git renders and repacks it, 1.5 MB where DVC pays a file."""
_LARGEST = 500_000  # code hosts render no larger file
_ROOM = 4  # sizes this many times off are not worth a commit that rewrites every file


class Size(msgspec.Struct, frozen=True, array_like=True):
    """One shard: its lines, how many of them hold a tombstone, its bytes, and items with a record by task (if asked)."""

    lines: int
    gone: int
    bytes: int
    covered: dict[str, int] = {}


class Spread(NamedTuple):
    """How sizes are spread: smallest, median and largest; zeros when there is nothing."""

    least: int
    median: int
    most: int


class Advice(NamedTuple):
    """Whether another number of shards would fit: `shards` is what the sizes ask for, `wanted` whether it is worth it."""

    shards: int
    wanted: bool


class _Head(msgspec.Struct, frozen=True):
    """What coverage needs of a record."""

    item: str = ""
    task: str = ""
    gone: bool = False


_decode = msgspec.json.Decoder(_Head).decode


class Totals(msgspec.Struct, frozen=True, array_like=True):
    """How many lines of items and of annotations, and how many of the latter hold a tombstone."""

    items: int
    annotations: int
    gone: int


def totals(git: Git, index: Snapshot, work: Snapshot, name: str) -> Totals:
    """Count a dataset's lines in the work tree: those of the index, known from before, and what differs from it.

    Args:
        git: the repository, which remembers the count of an index it has seen.
        index: the index.
        work: the work tree.
        name: the dataset.

    Returns:
        The counts.

    Raises:
        StoreError: a shard cannot be read, such as a DVC object that nobody has pulled.
    """
    sides = [_of_name(snapshot, name) for snapshot in (index, work)]
    old, new = [dict(side) for side in sides]
    if any(entry.kind == "dvc" or not entry.id for entry in old.values()):  # what lies here is read where it lies
        return _sum(of_dataset(git, work, name).items())
    listed = "".join([f"{path}\0{entry.kind}\0{entry.id}\n" for path, entry in old.items()])
    key = f"{_BY}:totals:{digests.sha256(listed.encode('utf-8', 'surrogateescape')).hexdigest()}"
    with Cache(git) as cache:
        kept = cache.get_many([key]).get(key)
        if kept is None:
            kept = msgspec.json.encode(_sum(of_dataset(git, index, name).items()))
            cache.put_many([(key, kept)])
    known = msgspec.json.decode(kept, type=Totals)
    left = {path for path, entry in old.items() if new.get(path) != entry}
    come = {path for path, entry in new.items() if old.get(path) != entry}
    less = _sum(of_dataset(git, index, name, only=left).items())
    more = _sum(of_dataset(git, work, name, only=come).items())
    pairs = zip(
        msgspec.structs.astuple(known), msgspec.structs.astuple(less), msgspec.structs.astuple(more), strict=True
    )
    return Totals(*[one - two + three for one, two, three in pairs])


def _of_name(snapshot: Snapshot, name: str) -> list[tuple[str, Entry]]:
    folders = (f"datasets/{name}/items/", f"datasets/{name}/annotations/")
    return [
        (path, entry) for path, entry in snapshot.entries.items() if path.startswith(folders) and shard.parse_path(path)
    ]


def _sum(found: Iterable[tuple[tuple[Layer, str], Size]]) -> Totals:
    items = annotations = gone = 0
    for (layer, _), size in found:
        items += size.lines if layer == "items" else 0
        annotations += size.lines if layer == "annotations" else 0
        gone += size.gone
    return Totals(items, annotations, gone)


def of_dataset(
    git: Git,
    snapshot: Snapshot,
    name: str,
    *,
    tasks: bool = False,
    only: Collection[str] | None = None,
    advance: Callable[[int], None] | None = None,
) -> dict[tuple[Layer, str], Size]:
    """Return the size of every shard of a dataset.

    Args:
        git: the repository, which remembers the sizes of shards by their id.
        snapshot: where they are.
        name: the dataset.
        tasks: count items by task too, for which records are decoded.
        only: paths of the shards that are wanted; None for all.
        advance: called with the number of shards looked at.

    Returns:
        (layer, path) to size.

    Raises:
        StoreError: a shard cannot be read, such as a DVC object that nobody has pulled.
    """
    wanted = snapshot.entries if only is None else only
    parsed = [(shard.parse_path(path), path) for path in sorted(wanted)]
    shards = [(place[1], path) for place, path in parsed if place and place[0] == name]
    keys = {place: _key(place[0], snapshot.entries[place[1]], tasks=tasks) for place in shards}
    found: dict[tuple[Layer, str], Size] = {}
    with Cache(git) as cache, tree.reader(git) as reader:
        kept = cache.get_many(filter(None, keys.values()))
        for place, key in keys.items():
            if key in kept:
                found[place] = msgspec.json.decode(kept[key], type=Size)
        unknown = [place for place in shards if place not in found]
        fresh: list[tuple[str, bytes]] = []
        pairs = [(path, snapshot.entries[path]) for _, path in unknown]
        for place, (_, data) in zip(unknown, reader.many(pairs), strict=True):
            size = found[place] = _size(place[0], data, tasks=tasks)
            if keys[place]:
                fresh.append((keys[place], msgspec.json.encode(size)))
            if len(fresh) >= _AT_ONCE:
                cache.put_many(fresh)
                fresh.clear()
            if advance:
                advance(1)
        cache.put_many(fresh)
    return found


def spread(sizes: Iterable[int]) -> Spread:
    """Return the smallest, the median and the largest of some sizes."""
    ordered = sorted(sizes)
    return Spread(ordered[0], ordered[(len(ordered) - 1) // 2], ordered[-1]) if ordered else Spread(0, 0, 0)


def fitting(storage: str, total: int) -> int:
    """Return the number of shards, 16 at least, that brings annotations of so many bytes nearest to `PER_SHARD`."""
    k = 2
    while k < 10 and total / 4**k > 2 * PER_SHARD[storage]:
        k += 1
    return 1 << 2 * k


def advice(dataset: Dataset, sizes: Iterable[int]) -> Advice:
    """Say whether a dataset should have another number of shards.

    Args:
        dataset: the dataset.
        sizes: bytes of each shard of annotations.

    Returns:
        The number that fits; wanted when shards are several times too large or too small, or one is too large to be shown.
    """
    found = list(sizes)
    total, most = sum(found), max(found, default=0)
    shards = fitting(dataset.storage, total)
    mean, ideal = total / dataset.shards, PER_SHARD[dataset.storage]
    large = mean > ideal * _ROOM or (dataset.storage == "git" and most > _LARGEST and shards > dataset.shards)
    small = mean * 2 * _ROOM < ideal and shards < dataset.shards
    return Advice(shards, bool(found) and shards != dataset.shards and (large or small))


def _key(layer: Layer, entry: Entry, *, tasks: bool) -> str:
    """Return what a shard's size is remembered by; empty when only reading tells its bytes."""
    return f"{_BY}:{layer}:{'tasks:' if tasks else ''}{entry.kind}:{entry.id}" if entry.id else ""


def _size(layer: Layer, data: bytes, *, tasks: bool) -> Size:
    length, gone = len(data), 0
    if b"<<<<<<< " in data:
        data = _one_side(layer, data)
    if layer == "annotations" and _GONE in data:  # a tombstone, or a field of that name further down
        gone = sum(live(line) is None for line in shard.lines(data))
    covered = _covered(data) if tasks and layer == "annotations" else {}
    return Size(len(shard.lines(data)) if not data.endswith(b"\n") else data.count(b"\n"), gone, length, covered)


def _one_side(layer: Layer, data: bytes) -> bytes:
    """Return a shard in conflict with one line for each key: what both sides hold counts once, markers for nothing."""
    try:
        torn = markers.read(data)
    except DataError:
        return data
    found = {}
    for line in (*torn.lines, *[line for block in torn.blocks for line in (*block.theirs, *block.ours)]):
        head = shard.HEADS[layer].match(line)
        found[head[0] if head else line] = line
    return shard.write(found.values())


def _covered(data: bytes) -> dict[str, int]:
    """Count the items that have a record that is not gone, by task; lines that cannot be read count for none."""
    counted: Counter[str] = Counter()
    for _, heads in groupby(filter(None, map(_head, shard.lines(data))), key=lambda head: head.item):
        counted.update({head.task for head in heads if not head.gone and head.task})
    return dict(counted)


def _head(raw: bytes) -> _Head | None:
    try:
        return _decode(raw)
    except UNREADABLE:
        return None

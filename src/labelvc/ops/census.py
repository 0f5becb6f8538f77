"""Censuses of datasets: what all records of a snapshot say, counted once for equal shards."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import msgspec

from labelvc.codec import shard
from labelvc.core import census
from labelvc.core.census import COMPARED, Asked, Census, Said
from labelvc.core.veil import Veil
from labelvc.model import listing
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset, Project
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import slices
from labelvc.store.cache import Cache
from labelvc.store.reader import Reader

_BY = "labelvc.census/1"
_AT_ONCE = 256
_read = msgspec.json.Decoder(Census).decode


class Found(NamedTuple):
    """A dataset's counts, and of the items that were asked for what was said of them: item to name of record to answer."""

    census: Census
    said: Mapping[str, Mapping[str, Said]]


class Cell(NamedTuple):
    """The two files of a shard; None where there is none."""

    annotations: tuple[str, Entry] | None
    items: tuple[str, Entry] | None


def asked(project: Project, dataset: Dataset, veil: Veil) -> Asked:
    """Return what is counted of a dataset: tasks whose answers can be compared, and its slices, plain values hidden."""
    compared = frozenset(
        name for name in dataset.tasks if name in project.tasks and project.tasks[name].type in COMPARED
    )
    if not dataset.slices:
        return Asked(compared)

    def slices_of(item: Mapping[str, Any]) -> list[str]:
        key = Key(dataset.name, str(item.get("id")), "")
        return slices.rows(dataset.name, dataset.slices, veil.over(key, dict(item)))

    return Asked(compared, slices_of)


def of(
    reader: Reader,
    cache: Cache,
    snapshot: Snapshot,
    dataset: Dataset,
    wanted: Asked,
    items: Mapping[str, Collection[str]],
) -> Found:
    """Count a dataset in a snapshot.

    Args:
        reader: reads its shards.
        cache: where the counts of a shard are remembered by its ids; a shard of which more is asked is read each time.
        snapshot: where they are.
        dataset: the dataset.
        wanted: what to count.
        items: name of a shard to items of which all that was said is wanted.

    Raises:
        StoreError: a shard cannot be read.
    """
    cells = cells_of(snapshot, dataset.name)
    rules = f"{sorted(wanted.compared)}\0{dataset.slices}\0{dataset.sensitive}"
    keys = {name: key_of(_BY, cell, rules) for name, cell in cells.items() if name not in items}
    kept = cache.get_many(filter(None, keys.values()))
    parts, said, fresh = list[Census](), dict[str, Mapping[str, Said]](), list[tuple[str, bytes]]()
    for name, cell in cells.items():
        key = keys.get(name, "")
        if key in kept:
            parts.append(_read(kept[key]))
            continue
        files = [reader.read(*file) if file else b"" for file in cell]
        counted, told = census.count(files[0], files[1], wanted, items.get(name, ()))
        parts.append(counted)
        said.update(told)
        if key:
            fresh.append((key, msgspec.json.encode(counted)))
        if len(fresh) >= _AT_ONCE:
            cache.put_many(fresh)
            fresh.clear()
    cache.put_many(fresh)
    return Found(census.together(parts), said)


def cells_of(snapshot: Snapshot, name: str) -> dict[str, Cell]:
    """Return the shards of a dataset by name."""
    layers: tuple[Layer, ...] = ("annotations", "items")
    files: dict[Layer, dict[str, tuple[str, Entry]]] = {}
    for layer in layers:
        files[layer] = {
            place[2]: (path, entry)
            for path, entry in listing.under(snapshot.entries, f"datasets/{name}/{layer}/")
            if (place := shard.parse_path(path))
        }
    names = sorted(files["annotations"].keys() | files["items"].keys())
    return {name: Cell(files["annotations"].get(name), files["items"].get(name)) for name in names}


def key_of(by: str, cell: Cell, rules: str) -> str:
    """Return what a shard's counts are remembered by; empty when only reading tells its bytes.

    Args:
        by: what counts, with its version.
        cell: the shard.
        rules: what the counts depend on besides.
    """
    ids = [f"{file[1].kind}:{file[1].id}" if file else "" for file in cell]
    return "" if any(each.endswith(":") for each in ids) else f"{by}:{ids[0]}:{ids[1]}:{rules}"

"""Censuses of datasets: what all records of a snapshot say, worked out from the last census and the shards that differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec

from labelvc.batches import batches
from labelvc.codec import shard
from labelvc.core import census
from labelvc.core.answers import Changed, Turns
from labelvc.core.census import COMPARED, Asked, Census
from labelvc.core.sums import Turned
from labelvc.core.veil import Veil
from labelvc.errors import StoreError
from labelvc.model import listing
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset, Project
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import slices
from labelvc.store import parcel
from labelvc.store.cache import Cache
from labelvc.store.executors import Executor
from labelvc.store.reader import Reader

_BY = "labelvc.census/2"
_AT_ONCE, _FAR_AT_ONCE = 256, 8192
"""Shards whose counts are asked of the cache, and written to it, together."""
_Place = tuple[str, str, str]
_read = msgspec.json.Decoder(list[tuple[_Place, int]]).decode


class Cell(NamedTuple):
    """The two files of a shard; None where there is none."""

    annotations: tuple[str, Entry] | None
    items: tuple[str, Entry] | None


_Ids = tuple[str, str]
"""Which bytes the two files of a shard have; empty where there is none."""


class _Last(msgspec.Struct):
    """A census, and the shards that it was of."""

    cells: dict[str, _Ids]
    census: Census


def asked(project: Project, dataset: Dataset, veil: Veil) -> Asked:
    """Return what is counted of a dataset: tasks whose answers can be compared, and its slices, plain values hidden."""
    compared = frozenset(
        name for name in dataset.tasks if name in project.tasks and project.tasks[name].type in COMPARED
    )
    if not dataset.slices:
        return Asked(compared)
    return Asked(compared, _SlicesOf(dataset.name, tuple(dataset.slices), veil.alone(dataset.name)))


class _SlicesOf(msgspec.Struct, frozen=True):
    """Returns the slices of an item, here or on a worker."""

    dataset: str
    pointers: Sequence[str]
    veil: Veil

    def __call__(self, item: Mapping[str, Any]) -> list[str]:
        key = Key(self.dataset, str(item.get("id")), "")
        return slices.rows(self.dataset, self.pointers, self.veil.over(key, dict(item)))


def of(reader: Reader, cache: Cache, snapshot: Snapshot, dataset: Dataset, wanted: Asked) -> Census:
    """Count a dataset in a snapshot.

    Args:
        reader: reads its shards.
        cache: where the last census of the dataset is remembered, with the shards that it was of.
        snapshot: where they are.
        dataset: the dataset.
        wanted: what to count.

    Raises:
        StoreError: a shard cannot be read.
    """
    return with_turned(reader, cache, snapshot, dataset, wanted, Changed(str))[0]


def with_turned(
    reader: Reader, cache: Cache, snapshot: Snapshot, dataset: Dataset, wanted: Asked, changed: Changed
) -> tuple[Census, dict[str, Turned]]:
    """Count a dataset in a snapshot as `of` does, and what was said of items before and after a change: each shard is read once.

    Args:
        reader: reads its shards.
        cache: as for `of`.
        snapshot: where they are.
        dataset: the dataset.
        wanted: what to count.
        changed: what the change makes of answers, by the dataset's shards.

    Returns:
        The census, and by task what was said of the items that change.

    Raises:
        StoreError: a shard cannot be read.
    """
    cells = cells_of(snapshot, dataset.name)
    ids = {name: _ids(cell) for name, cell in cells.items()}
    told = all(file is None or file[1].id for cell in cells.values() for file in cell)
    key = f"{_BY}:{dataset.name}:{sorted(wanted.compared)}\0{dataset.slices}\0{dataset.sensitive}"
    last = _recalled(cache.get_many([key]).get(key)) if told else None
    if last is not None and last.cells == ids:
        return last.census, _turned(reader, snapshot, dataset.name, wanted.compared, changed)
    counts = _Counts(reader, dataset, wanted)
    moved = last and counts.moved(last, cells, ids)
    if moved:
        found, turned = moved, _turned(reader, snapshot, dataset.name, wanted.compared, changed)
    else:
        found, turned = counts.of(cells, changed)
    if told:
        cache.put_many([(key, msgspec.msgpack.encode(_Last(ids, found)))])
    return found, turned


def _turned(
    reader: Reader, snapshot: Snapshot, dataset: str, compared: Collection[str], changed: Changed
) -> dict[str, Turned]:
    found: dict[str, Turned] = {}
    paths = {name: shard.path(dataset, "annotations", name) for name in changed.shards()}
    read = reader.lying([(path, snapshot.entries[path]) for path in paths.values() if path in snapshot.entries])
    for name, path in paths.items():
        data = next(read)[1] if path in snapshot.entries else b""
        census.turn(found, data, changed.of(name), compared)
    return found


class _Counts(NamedTuple):
    """What counts shards of a dataset."""

    reader: Reader
    dataset: Dataset
    wanted: Asked

    def of(self, cells: Mapping[str, Cell], changed: Changed) -> tuple[Census, dict[str, Turned]]:
        if self.reader.git.far is not None:
            return self._far(self.reader.git.far, cells, changed)
        files = (file for cell in cells.values() for file in cell if file)
        read = self.reader.lying if self.dataset.storage == "git" else self.reader.many
        turned: dict[str, Turned] = {}
        data, counting = read(files), census.Counting(self.wanted, turned)
        for name, cell in cells.items():
            records, others = [next(data)[1] if file else b"" for file in cell]
            counting.add(records, others, changed.of(name))
        self._new(turned, cells, changed)
        return counting.census(), turned

    def counted(self, cells: Mapping[str, Cell]) -> Census:
        """Return the counts of some shards."""
        return self.of(cells, Changed(str))[0]

    def _new(self, turned: dict[str, Turned], cells: Mapping[str, Cell], changed: Changed) -> None:
        """Count the items of shards that are not there before the change."""
        for name in changed.shards():
            if name not in cells:
                census.turn(turned, b"", changed.of(name), self.wanted.compared)

    def _far(self, far: Executor, cells: Mapping[str, Cell], changed: Changed) -> tuple[Census, dict[str, Turned]]:
        """Have workers count, and add up what they found."""
        tasks = [_Task(cell, changed.of(name)) for name, cell in cells.items()]
        parcels = parcel.pack(self.reader.git, tasks, lambda task: _both(task.cell), shared=self.wanted)
        parts, turned = list[tuple[int, Census]](), dict[str, Turned]()
        for part, found in far.spread(censuses, parcels):
            parts.append((1, part))
            for task, each in found.items():
                turned.setdefault(task, Turned()).join(each)
        self._new(turned, cells, changed)
        return census.combined(parts), turned

    def moved(self, last: _Last, cells: Mapping[str, Cell], ids: Mapping[str, _Ids]) -> Census | None:
        """Return the last census with the shards that differ taken out and put in; None where to count all is less work."""
        differ = sorted(name for name in last.cells.keys() | ids.keys() if last.cells.get(name) != ids.get(name))
        if 2 * len(differ) > len(cells):
            return None
        try:
            gone = self.counted({name: self._cell(name, last.cells[name]) for name in differ if name in last.cells})
        except StoreError:  # what is no longer here cannot be taken out
            return None
        come = self.counted({name: cells[name] for name in differ if name in cells})
        return census.combined([(1, last.census), (-1, gone), (1, come)])

    def _cell(self, name: str, ids: _Ids) -> Cell:
        layers: tuple[Layer, ...] = ("annotations", "items")
        return Cell(
            *[_file(shard.path(self.dataset.name, layer, name), one) for layer, one in zip(layers, ids, strict=True)]
        )


class _Task(NamedTuple):
    """A shard that a worker counts, and what changes of the answers to its items."""

    cell: Cell
    turns: Turns


def censuses(data: bytes) -> list[tuple[Census, dict[str, Turned]]]:
    """Count, on a worker, the shards of a parcel together.

    Args:
        data: from `parcel.pack`: a `_Task` with its two files, and what is asked as what is shared.

    Raises:
        StoreError: as for `parcel.opened`.
    """
    wanted, tasks = parcel.opened(data)
    turned: dict[str, Turned] = {}
    counting = census.Counting(wanted, turned)
    for task, (records, items) in tasks:
        counting.add(records, items, task.turns)
    return [(counting.census(), turned)]


def counted(data: bytes) -> list[list[tuple[_Place, int]]]:
    """Count, on a worker, each shard of a parcel by a function that is shared; see `by_shard`.

    Raises:
        StoreError: as for `parcel.opened`.
    """
    count, names = parcel.opened(data)
    return [list(count(*files).items()) for _, files in names]


def _both(cell: Cell, *, items: bool = True) -> list[tuple[str, Entry | None]]:
    """Return the files of a shard as a parcel wants them."""
    return [file or ("", None) for file in (cell.annotations, cell.items if items else None)]


def _file(path: str, told: str) -> tuple[str, Entry] | None:
    kind, _, oid = told.partition(":")
    return (path, Entry(kind, oid)) if oid else None  # type: ignore[arg-type]


def _recalled(raw: bytes | None) -> _Last | None:
    """Return the last census; None when there is none, or one that another labelvc wrote in its own shape."""
    try:
        return None if raw is None else msgspec.msgpack.decode(raw, type=_Last)
    except msgspec.DecodeError:
        return None


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


def by_shard(
    reader: Reader,
    cache: Cache,
    snapshot: Snapshot,
    dataset: Dataset,
    by: str,
    count: Callable[[bytes, bytes], Mapping[_Place, int]],
    *,
    items: bool,
) -> Counter[_Place]:
    """Count a dataset shard by shard; what was counted of a shard is remembered by the ids of its two files.

    Args:
        reader: reads the shards.
        cache: where the counts are remembered.
        snapshot: where they are.
        dataset: the dataset.
        by: what counts, with its version, and what its counts depend on besides.
        count: counts one shard: bytes of its records and of its items. A value that can be sent to a worker.
        items: whether it needs the items; without, their bytes are empty.

    Raises:
        StoreError: a shard cannot be read.
    """
    found = Counter[_Place]()
    cells = cells_of(snapshot, dataset.name)
    far = reader.git.far
    for names in batches(cells, _AT_ONCE if far is None else _FAR_AT_ONCE):
        keys = {one: _key(by, cells[one]) for one in names}
        kept, fresh = cache.get_many(filter(None, keys.values())), list[tuple[str, bytes]]()
        for key in filter(kept.__contains__, keys.values()):
            found.update(dict(_read(kept[key])))
        missing = [one for one, key in keys.items() if key not in kept]
        some = [cells[one] for one in missing]
        if far is None:
            rows = _counted_here(reader, some, count, items=items)
        else:
            files = partial(_both, items=items)
            rows = far.spread(counted, parcel.pack(reader.git, some, files, shared=count))
        for one, row in zip(missing, rows, strict=True):
            found.update(dict(row))
            if keys[one]:
                fresh.append((keys[one], msgspec.json.encode(row)))
        cache.put_many(fresh)
    return found


def _counted_here(
    reader: Reader, cells: Sequence[Cell], count: Callable[[bytes, bytes], Mapping[_Place, int]], *, items: bool
) -> Iterator[list[tuple[_Place, int]]]:
    files = [file for cell in cells for file in (cell if items else cell[:1]) if file]
    behind = any(entry.kind == "dvc" for _, entry in files)  # then, whatever the dataset says of its storage now
    data = reader.many(files) if behind else reader.lying(files)
    for cell in cells:
        annotations = next(data)[1] if cell.annotations else b""
        yield list(count(annotations, next(data)[1] if items and cell.items else b"").items())


def _key(by: str, cell: Cell) -> str:
    """Return what a shard's counts are remembered by; empty when only reading tells its bytes."""
    ids = _ids(cell)
    return "" if any(each.endswith(":") for each in ids) else f"{by}:{ids[0]}:{ids[1]}"


def _ids(cell: Cell) -> _Ids:
    one, two = [f"{file[1].kind}:{file[1].id}" if file else "" for file in cell]
    return one, two

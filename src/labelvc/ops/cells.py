"""Cells: the shards of snapshots as the units that checks look at, and their bytes, read many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from labelvc.batches import batches
from labelvc.codec import shard
from labelvc.model import listing
from labelvc.model.names import Layer
from labelvc.model.project import Project
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.store import tree
from labelvc.store.git import Git

_LAYERS: tuple[Layer, ...] = ("items", "annotations")
_AT_ONCE = 512


class Cell(NamedTuple):
    """One shard's two files in a snapshot, the unit of work: an entry is None where the layer has no such file."""

    dataset: str
    name: str
    items: Entry | None
    annotations: Entry | None


class Cells:
    """The cells of a snapshot that are wanted, by dataset and shard name; each is made when its turn comes.

    Args:
        snapshot: where the shards are.
        names: dataset to sorted names of shards that have a file.

    Attributes:
        lying: whether they lie in the work tree, where the disk is quicker than git.
    """

    def __init__(self, snapshot: Snapshot, names: Mapping[str, Sequence[str]]) -> None:
        self._entries = snapshot.entries
        self._names = names
        self.lying = snapshot.kind == "work"

    def __iter__(self) -> Iterator[Cell]:
        """Yield the cells."""
        for place in self.places():
            yield Cell(*place, *_entries(self._entries, *place))

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(map(len, self._names.values()))

    @property
    def datasets(self) -> Collection[str]:
        """The datasets that have one."""
        return [dataset for dataset, names in self._names.items() if names]

    def at(self, place: tuple[str, str]) -> Cell | None:
        """Return the cell of a dataset and a name; None where there is no such file."""
        entries = _entries(self._entries, *place)
        return Cell(*place, *entries) if place[0] in self._names and any(entries) else None

    def places(self) -> Iterator[tuple[str, str]]:
        """Yield the dataset and the name of each shard."""
        return ((dataset, name) for dataset, names in self._names.items() for name in names)


def cells_of(project: Project, snapshot: Snapshot, places: Iterable[tuple[str, str]], whole: Collection[str]) -> Cells:
    """Return cells of a snapshot; files that are none of a dataset's shards are left out.

    Args:
        project: the documents in force.
        snapshot: where the shards are.
        places: (dataset, shard name) of single cells that are wanted.
        whole: datasets all of whose cells are wanted.

    Returns:
        The cells that have a file.
    """
    wanted: dict[str, set[str]] = defaultdict(set)
    for dataset, layer in product(whole, _LAYERS):
        for path in listing.paths(snapshot.entries, f"datasets/{dataset}/{layer}/"):
            if found := shard.own_path(path):
                wanted[dataset].add(found[2])
    for dataset, name in places:
        if dataset in project.datasets and any(_entries(snapshot.entries, dataset, name)):
            wanted[dataset].add(name)
    return Cells(snapshot, {dataset: sorted(names) for dataset, names in sorted(wanted.items())})


Unit = tuple[Cell | None, ...]
"""The cells of one place in several snapshots; None where nothing is asked of one."""
Files = tuple[bytes, bytes]
"""The bytes of a cell's items and of its annotations, none where it has no such file."""


def contents(git: Git, wanted: Iterable[Cell], *, lying: bool) -> Iterator[tuple[Cell, bytes, bytes]]:
    """Yield each cell of one snapshot with its bytes.

    Args:
        git: the repository.
        wanted: the cells.
        lying: whether they lie in the work tree, where the disk is quicker than git.

    Raises:
        StoreError: a file cannot be read.
    """
    for (cell,), (files,) in read(git, ((cell,) for cell in wanted), (lying,)):
        if cell is not None:
            yield cell, *files


def read(git: Git, units: Iterable[Unit], lying: Sequence[bool]) -> Iterator[tuple[Unit, list[Files]]]:
    """Yield units with the bytes of each cell; a file that the snapshot before has as well is read once.

    Args:
        git: the repository.
        units: what is wanted.
        lying: of each snapshot, whether its files lie in the work tree, where the disk is quicker than git.

    Raises:
        StoreError: a file cannot be read.
    """
    with tree.reader(git) as reader:
        for some in batches(units, _AT_ONCE):
            wanted: dict[bool, list[tuple[str, Entry]]] = {False: [], True: []}
            for unit in some:
                for at, path, entry, layer in _files(unit):
                    if not _shared(unit, at, entry, layer):
                        wanted[lying[at]].append((path, entry))
            sources = {False: reader.many(wanted[False]), True: reader.lying(wanted[True])}
            for unit in some:
                found = [[b"", b""] for _ in unit]
                for at, _, entry, layer in _files(unit):
                    shared = _shared(unit, at, entry, layer)
                    found[at][layer] = found[at - 1][layer] if shared else next(sources[lying[at]])[1]
                yield unit, [(items, annotations) for items, annotations in found]


def _files(unit: Unit) -> Iterator[tuple[int, str, Entry, int]]:
    """Yield the snapshot, path, entry and layer of each file of a unit."""
    for at, cell in enumerate(unit):
        if cell is not None:
            for layer, entry in enumerate((cell.items, cell.annotations)):
                if entry is not None:
                    yield at, shard.path(cell.dataset, _LAYERS[layer], cell.name), entry, layer


def _shared(unit: Unit, at: int, entry: Entry, layer: int) -> bool:
    """Tell whether the snapshot before has a file of the same bytes."""
    before = unit[at - 1] if at else None
    return before is not None and (entry.same((before.items, before.annotations)[layer]))


def _entries(entries: Mapping[str, Entry], dataset: str, name: str) -> tuple[Entry | None, Entry | None]:
    items, annotations = [entries.get(shard.path(dataset, layer, name)) for layer in _LAYERS]
    return items, annotations

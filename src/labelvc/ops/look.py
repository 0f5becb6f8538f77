"""Look: every check run over shards, its outcome remembered by what the shard's files and rules are."""

from __future__ import annotations

import gc
import hashlib
import importlib
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice, product
from typing import NamedTuple, Protocol

import msgspec

from labelvc.batches import batches
from labelvc.checks import registry
from labelvc.checks.interface import Look
from labelvc.checks.view import View
from labelvc.codec import shard
from labelvc.model import listing
from labelvc.model.finding import Finding
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops.outcomes import Outcome, Outcomes
from labelvc.store import tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git


class Advance(Protocol):
    """Told what is done: a number of steps more, and how many there will be as soon as that is known."""

    def __call__(self, n: int = 1, /, *, total: int | None = None) -> None:
        """Count `n` more steps."""


_LAYERS: tuple[Layer, ...] = ("items", "annotations")
_WORTH_SHARING = 256
_AT_ONCE = 512
_WEIGHT, _OVERHEAD = 1 << 20, 250
"""Bytes of outcomes written to the cache together: what a killed command found before is remembered, but for the last seconds."""


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


def outcomes_of(
    git: Git, project: Project, cells: Cells, cache: Cache, jobs: int, advance: Advance | None = None
) -> Outcomes:
    """Return the outcome of every cell, from the cache where its files and rules were seen before.

    Args:
        git: the repository.
        project: the documents in force.
        cells: what to look at.
        cache: where outcomes are remembered.
        jobs: worker processes here; where the repository has a cluster, its workers look.
        advance: called with the number of cells done.

    Returns:
        The outcomes; those that were done before an error or Ctrl-C are remembered.

    Raises:
        StoreError: a file cannot be read.
    """
    found = Outcomes()
    if advance:
        advance(0, total=len(cells))
    rules = f"{registry.versions(project)}\0{project.digest}"
    asked: deque[tuple[Cell, str]] = deque()
    unknown = _unknown(cells, rules, cache, found, advance)
    fresh: list[tuple[str, bytes]] = []
    weight = 0
    try:
        for outcome in _looked(git, project, _noted(unknown, asked), jobs, lying=cells.lying):
            cell, key = asked.popleft()
            found.add(cell.dataset, cell.name, outcome)
            if key and not _tells(project.datasets[cell.dataset], outcome):
                fresh.append((key, msgspec.msgpack.encode(outcome)))
                weight += len(fresh[-1][1]) + _OVERHEAD
            if weight >= _WEIGHT:
                cache.put_many(fresh)
                fresh, weight = [], 0
            if advance:
                advance(1)
    finally:
        cache.put_many(fresh)
    return found


def look(project: Project, dataset: Dataset, name: str, items: bytes, annotations: bytes) -> Outcome:
    """Look at one shard's bytes with every check that applies.

    Args:
        project: the documents in force.
        dataset: the shard's dataset.
        name: the shard's name.
        items: bytes of its items file, empty when there is none.
        annotations: bytes of its annotations file, empty when there is none.

    Returns:
        Findings and summaries.
    """
    view = View(project, dataset, name, items, annotations)
    looks: list[tuple[str, Look]] = [
        (check.name, check.look(view, project))
        for check in registry.checks_for(project)
        if check.applies(project, dataset)
    ]
    summaries = {check: look.summary for check, look in looks if look.summary}
    return Outcome([finding for _, look in looks for finding in look.findings], summaries, view.size)


def judged(project: Project, outcomes: Outcomes) -> Iterator[Finding]:
    """Yield what the checks see across shards, from the summaries of all of a dataset's cells."""
    for dataset in project.datasets.values():
        for check in registry.checks_for(project):
            if check.applies(project, dataset):
                yield from check.judge(outcomes.summaries(dataset.name, check.name), project, dataset)


def contents(git: Git, cells: Iterable[Cell], *, lying: bool) -> Iterator[tuple[Cell, bytes, bytes]]:
    """Yield each cell with the bytes of its items and of its annotations, read many at once; none where it has no such file.

    Args:
        git: the repository.
        cells: of one snapshot.
        lying: whether they lie in the work tree, where the disk is quicker than git.

    Raises:
        StoreError: a file cannot be read.
    """
    with tree.reader(git) as reader:
        for some in batches(cells, _AT_ONCE):
            wanted = [
                (shard.path(cell.dataset, layer, cell.name), entry)
                for cell in some
                for layer, entry in zip(_LAYERS, (cell.items, cell.annotations), strict=True)
                if entry
            ]
            data = reader.lying(wanted) if lying else reader.many(wanted)
            for cell in some:
                yield cell, next(data)[1] if cell.items else b"", next(data)[1] if cell.annotations else b""


class _Looking(NamedTuple):
    """The work of one process: read cells and look at them."""

    git: Git
    project: Project
    lying: bool

    def all(self, cells: Iterable[Cell]) -> Iterator[Outcome]:
        with _without_collector():
            for cell, items, records in contents(self.git, cells, lying=self.lying):
                yield look(self.project, self.project.datasets[cell.dataset], cell.name, items, records)


def _looked(git: Git, project: Project, cells: Iterator[Cell], jobs: int, *, lying: bool) -> Iterable[Outcome]:
    """Return the outcomes of cells in their order, looked at here, by other processes or by the workers of a cluster."""
    looking = _Looking(git, project, lying)
    some = list(islice(cells, _WORTH_SHARING))
    looked: Iterable[Outcome] = looking.all(chain(some, cells))
    if git.far is not None and some:
        looked = importlib.import_module("labelvc.ops.far").outcomes(git, project, [*some, *cells], lying=lying)
    elif jobs > 1 and len(some) == _WORTH_SHARING:
        # multiprocessing takes 20 ms to import: a hook that looks at a few shards does not pay for it.
        looked = importlib.import_module("labelvc.store.workers").map_chunks(looking.all, chain(some, cells), jobs)
    return looked


def _unknown(
    cells: Cells, rules: str, cache: Cache, found: Outcomes, advance: Advance | None
) -> Iterator[tuple[Cell, str]]:
    """Yield the cells that the cache does not know, with the key to remember each under; gather what it knows of the others."""
    for some in batches(cells, _AT_ONCE):
        keys = [_cache_key(rules, cell) for cell in some]
        kept = cache.get_many(filter(None, keys))
        for cell, key in zip(some, keys, strict=True):
            outcome = _recalled(kept.get(key))
            if outcome is None:
                yield cell, key
                continue
            found.add(cell.dataset, cell.name, outcome, remembered=True)
            if advance:
                advance(1)


def _noted(pairs: Iterable[tuple[Cell, str]], asked: deque[tuple[Cell, str]]) -> Iterator[Cell]:
    for pair in pairs:
        asked.append(pair)
        yield pair[0]


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep Python's cycle collector from walking a shard's lines again and again: they hold no cycles (a tenth of the time)."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _entries(entries: Mapping[str, Entry], dataset: str, name: str) -> tuple[Entry | None, Entry | None]:
    items, annotations = [entries.get(shard.path(dataset, layer, name)) for layer in _LAYERS]
    return items, annotations


def _recalled(raw: bytes | None) -> Outcome | None:
    """Return a remembered outcome; None when there is none, or one that another labelvc wrote in its own shape."""
    try:
        return None if raw is None else msgspec.msgpack.decode(raw, type=Outcome)
    except msgspec.DecodeError:
        return None


def _tells(dataset: Dataset, outcome: Outcome) -> bool:
    """Tell whether an outcome may hold a plain value that must be a pseudonym: an item's id, or the digest of its natural key.

    Where those are declared sensitive, a shard in which nothing at all is wrong has tokens in their place.
    """
    named = {"/id", "/item", *dataset.natural_key}
    return bool(outcome.findings) and any(field.pointer in named for field in dataset.sensitive)


def _cache_key(rules: str, cell: Cell) -> str:
    """Return the key an outcome is remembered under, empty when only reading would tell what the files hold."""
    entries = (cell.items, cell.annotations)
    if any(entry is not None and not entry.id for entry in entries):
        return ""
    parts = [rules, cell.dataset, cell.name]
    parts += [f"{entry.kind}:{entry.id}" if entry else "-" for entry in entries]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()

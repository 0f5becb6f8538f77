"""Look: every check run over shards, its outcome remembered by what the shard's files and rules are."""

from __future__ import annotations

import gc
import hashlib
import importlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple, Protocol

import msgspec

from labelvc.checks import registry
from labelvc.checks.interface import Look
from labelvc.checks.view import View
from labelvc.codec import shard
from labelvc.model.finding import Finding
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project
from labelvc.model.snapshot import Entry, Snapshot
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
"""Outcomes written to the cache together: what a killed command found before is remembered."""


class Cell(NamedTuple):
    """One shard's two files in a snapshot, the unit of work: an entry is None where the layer has no such file."""

    dataset: str
    name: str
    items: Entry | None
    annotations: Entry | None


class Cells(NamedTuple):
    """The cells of a snapshot, by (dataset, shard name).

    Attributes:
        found: the cells.
        lying: whether they lie in the work tree, where the disk is quicker than git.
    """

    found: Mapping[tuple[str, str], Cell]
    lying: bool


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """What looking at one cell gave: its findings, one summary a check, and its number of lines."""

    findings: list[Finding]
    summaries: dict[str, bytes]
    lines: int


class Outcomes(NamedTuple):
    """The outcomes of many cells, by (dataset, shard name)."""

    found: Mapping[tuple[str, str], Outcome]
    remembered: int

    def findings(self) -> Iterator[Finding]:
        """Yield the findings of single shards."""
        return (finding for outcome in self.found.values() for finding in outcome.findings)

    def lines(self) -> int:
        """Return the number of items and records looked at."""
        return sum(outcome.lines for outcome in self.found.values())


def cells_of(
    project: Project, snapshot: Snapshot, places: Collection[tuple[str, str]], whole: Collection[str]
) -> Cells:
    """Return cells of a snapshot; files that are none of a dataset's shards are left out.

    Args:
        project: the documents in force.
        snapshot: where the shards are.
        places: (dataset, shard name) of single cells that are wanted.
        whole: datasets all of whose cells are wanted.

    Returns:
        The cells that have a file.
    """
    wanted = {place for place in places if place[0] in project.datasets}
    if whole:
        parsed = filter(None, map(shard.parse_path, snapshot.entries))
        wanted.update([found[::2] for found in parsed if found[0] in whole])
    cells: dict[tuple[str, str], Cell] = {}
    for place in sorted(wanted):
        items, annotations = [snapshot.entries.get(shard.path(place[0], layer, place[1])) for layer in _LAYERS]
        if items or annotations:
            cells[place] = Cell(*place, items, annotations)
    return Cells(cells, snapshot.kind == "work")


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
        advance: called with the number of cells done, the remembered ones first.

    Returns:
        The outcomes; those that were done before an error or Ctrl-C are remembered.

    Raises:
        StoreError: a file cannot be read.
    """
    rules = f"{registry.versions(project)}\0{project.digest}"
    keys = {place: _cache_key(rules, cell) for place, cell in cells.found.items()}
    kept = cache.get_many([key for key in keys.values() if key])
    recalled = {place: _recalled(kept.get(key)) for place, key in keys.items()}
    outcomes = {place: outcome for place, outcome in recalled.items() if outcome is not None}
    remembered = len(outcomes)
    if advance:
        advance(remembered, total=len(cells.found))
    todo = [cell for place, cell in cells.found.items() if place not in outcomes]
    fresh: list[tuple[str, bytes]] = []
    looking = _Looking(git, project, cells.lying)
    looked: Iterable[Outcome] = looking.all(todo)
    if git.far is not None and todo:
        looked = importlib.import_module("labelvc.ops.far").outcomes(git, project, todo, lying=cells.lying)
    elif jobs > 1 and len(todo) >= _WORTH_SHARING:
        # multiprocessing takes 20 ms to import: a hook that looks at a few shards does not pay for it.
        looked = importlib.import_module("labelvc.store.workers").map_chunks(looking.all, todo, jobs)
    try:
        for cell, outcome in zip(todo, looked, strict=True):
            place = cell.dataset, cell.name
            outcomes[place] = outcome
            if keys[place] and not _tells(project.datasets[cell.dataset], outcome):
                fresh.append((keys[place], msgspec.msgpack.encode(outcome)))
            if len(fresh) >= _AT_ONCE:
                cache.put_many(fresh)
                fresh.clear()
            if advance:
                advance(1)
    finally:
        cache.put_many(fresh)
    return Outcomes(outcomes, remembered)


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
                summaries = [
                    (name, outcome.summaries[check.name])
                    for (owner, name), outcome in outcomes.found.items()
                    if owner == dataset.name and check.name in outcome.summaries
                ]
                yield from check.judge(summaries, project, dataset)


class _Looking(NamedTuple):
    """The work of one process: read cells and look at them."""

    git: Git
    project: Project
    lying: bool

    def all(self, cells: list[Cell]) -> Iterator[Outcome]:
        wanted = [
            (shard.path(cell.dataset, layer, cell.name), entry)
            for cell in cells
            for layer, entry in zip(_LAYERS, (cell.items, cell.annotations), strict=True)
            if entry
        ]
        with tree.reader(self.git) as reader, _without_collector():
            data = reader.lying(wanted) if self.lying else reader.many(wanted)
            for cell in cells:
                items = next(data)[1] if cell.items else b""
                annotations = next(data)[1] if cell.annotations else b""
                yield look(self.project, self.project.datasets[cell.dataset], cell.name, items, annotations)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep Python's cycle collector from walking a shard's lines again and again: they hold no cycles (a tenth of the time)."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


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

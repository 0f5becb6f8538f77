"""Look: every check run over shards, its outcome remembered by what the shard's files and rules are."""

from __future__ import annotations

import gc
import hashlib
import importlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import NamedTuple, Protocol

import msgspec

from labelvc.batches import batches
from labelvc.checks import registry
from labelvc.checks.interface import Look
from labelvc.checks.view import View
from labelvc.model.finding import Finding
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import cells
from labelvc.ops.cells import Cell, Cells, Files, Unit
from labelvc.ops.outcomes import Outcome, Outcomes
from labelvc.store.cache import Cache
from labelvc.store.git import Git


class Advance(Protocol):
    """Told what is done: a number of steps more, and how many there will be as soon as that is known."""

    def __call__(self, n: int = 1, /, *, total: int | None = None) -> None:
        """Count `n` more steps."""


_LAYERS: tuple[Layer, ...] = ("items", "annotations")
_WORTH_SHARING = 512
_AT_ONCE = 512
_WEIGHT, _OVERHEAD = 1 << 20, 250
"""Bytes of outcomes written to the cache together: what a killed command found before is remembered, but for the last seconds."""


def outcomes_of(
    git: Git, project: Project, wanted: Cells, cache: Cache, jobs: int, advance: Advance | None = None
) -> Outcomes:
    """Return the outcome of every cell, from the cache where its files and rules were seen before.

    Args:
        git: the repository.
        project: the documents in force.
        wanted: what to look at.
        cache: where outcomes are remembered.
        jobs: worker processes here; where the repository has a cluster, its workers look.
        advance: called with the number of cells done.

    Returns:
        The outcomes; those that were done before an error or Ctrl-C are remembered.

    Raises:
        StoreError: a file cannot be read.
    """
    return sides_of(git, [Side(project, wanted)], cache, jobs, advance)[0]


class Side(NamedTuple):
    """Cells of one snapshot, and the documents that judge them."""

    project: Project
    cells: Cells


def sides_of(
    git: Git, sides: Sequence[Side], cache: Cache, jobs: int, advance: Advance | None = None
) -> list[Outcomes]:
    """Return the outcomes of the cells of several snapshots: of each place one after another, so that what they share is seen once.

    Args:
        git: the repository.
        sides: the snapshots; the first one is whose progress is told.
        cache: as for `outcomes_of`.
        jobs: as for `outcomes_of`.
        advance: as for `outcomes_of`.

    Returns:
        The outcomes of each side, as `outcomes_of` returns them.

    Raises:
        StoreError: a file cannot be read.
    """
    if git.far is not None and len(sides) > 1:  # a parcel holds cells of one project
        return [sides_of(git, [side], cache, jobs, None if at else advance)[0] for at, side in enumerate(sides)]
    found = [Outcomes() for _ in sides]
    if advance:
        advance(0, total=len(sides[0].cells))
    asked: deque[tuple[Unit, Sequence[str]]] = deque()
    unknown = _unknown(sides, cache, found, advance)
    fresh: list[tuple[str, bytes]] = []
    weight = 0
    try:
        for outcomes in _looked(git, sides, _noted(unknown, asked), jobs):
            for at, (cell, key, outcome) in enumerate(zip(*asked.popleft(), outcomes, strict=True)):
                if cell is None or outcome is None:
                    continue
                found[at].add(cell.dataset, cell.name, outcome)
                if key and not _tells(sides[at].project.datasets[cell.dataset], outcome):
                    fresh.append((key, msgspec.msgpack.encode(outcome)))
                    weight += len(fresh[-1][1]) + _OVERHEAD
                if advance and not at:
                    advance(1)
            if weight >= _WEIGHT:
                cache.put_many(fresh)
                fresh, weight = [], 0
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
    return _outcome(View(project, dataset, name, items, annotations), project)


def _outcome(view: View, project: Project) -> Outcome:
    looks: list[tuple[str, Look]] = [
        (check.name, check.look(view, project))
        for check in registry.checks_for(project)
        if check.applies(project, view.dataset)
    ]
    summaries = {check: look.summary for check, look in looks if look.summary}
    return Outcome([finding for _, look in looks for finding in look.findings], summaries, view.size)


def judged(project: Project, outcomes: Outcomes) -> Iterator[Finding]:
    """Yield what the checks see across shards, from the summaries of all of a dataset's cells."""
    for dataset in project.datasets.values():
        for check in registry.checks_for(project):
            if check.applies(project, dataset):
                yield from check.judge(outcomes.summaries(dataset.name, check.name), project, dataset)


def across(git: Git, project: Project, snapshot: Snapshot, name: str, cache: Cache, jobs: int) -> list[Finding]:
    """Return what the checks see across the shards of one dataset of a snapshot.

    Raises:
        StoreError: a file cannot be read.
    """
    wanted = cells.cells_of(project, snapshot, (), {name})
    return list(judged(project, outcomes_of(git, project, wanted, cache, jobs)))


class _Looking(NamedTuple):
    """The work of one process: read cells and look at them."""

    git: Git
    projects: Sequence[Project]
    lying: Sequence[bool]

    def all(self, units: Iterable[Unit]) -> Iterator[list[Outcome | None]]:
        with _without_collector():
            for unit, files in cells.read(self.git, units, self.lying):
                yield list(self._outcomes(unit, files))

    def _outcomes(self, unit: Unit, files: Sequence[Files]) -> Iterator[Outcome | None]:
        view: View | None = None
        for cell, project, data in zip(unit, self.projects, files, strict=True):
            if cell is None:
                yield None
                continue
            dataset = project.datasets[cell.dataset]
            view = view.other(project, dataset, *data) if view else View(project, dataset, cell.name, *data)
            yield _outcome(view, project)


def _looked(git: Git, sides: Sequence[Side], units: Iterator[Unit], jobs: int) -> Iterable[Sequence[Outcome | None]]:
    """Return the outcomes of units in their order, looked at here, by other processes or by the workers of a cluster."""
    looking = _Looking(git, [side.project for side in sides], [side.cells.lying for side in sides])
    some = list(islice(units, _WORTH_SHARING))
    looked: Iterable[Sequence[Outcome | None]] = looking.all(chain(some, units))
    if git.far is not None and some:
        alone = [cell for (cell,) in [*some, *units] if cell]
        far = importlib.import_module("labelvc.ops.far")
        looked = ((outcome,) for outcome in far.outcomes(git, sides[0].project, alone, lying=sides[0].cells.lying))
    elif jobs > 1 and len(some) == _WORTH_SHARING:
        # multiprocessing takes 20 ms to import: a hook that looks at a few shards does not pay for it.
        looked = importlib.import_module("labelvc.store.workers").map_chunks(looking.all, chain(some, units), jobs)
    return looked


def _unknown(
    sides: Sequence[Side], cache: Cache, found: Sequence[Outcomes], advance: Advance | None
) -> Iterator[tuple[Unit, Sequence[str]]]:
    """Yield the cells that the cache does not know, with the key to remember each under; gather what it knows of the others."""
    rules = [f"{registry.versions(side.project)}\0{side.project.digest}" for side in sides]
    for places in batches(_places(sides), _AT_ONCE):
        units = [tuple([side.cells.at(place) for side in sides]) for place in places]
        keys = [[_cache_key(rules[at], cell) if cell else "" for at, cell in enumerate(unit)] for unit in units]
        kept = cache.get_many(filter(None, chain.from_iterable(keys)))
        for unit, told in zip(units, keys, strict=True):
            rest = list(unit)
            for at, (cell, key) in enumerate(zip(unit, told, strict=True)):
                outcome = _recalled(kept.get(key))
                if cell is None or outcome is None:
                    continue
                rest[at] = None
                found[at].add(cell.dataset, cell.name, outcome, remembered=True)
                if advance and not at:
                    advance(1)
            if any(rest):
                yield tuple(rest), told


def _places(sides: Sequence[Side]) -> Iterable[tuple[str, str]]:
    """Return the places at which some side has a cell, in order."""
    one, *others = [side.cells.places() for side in sides]
    return sorted({*one, *chain.from_iterable(others)}) if others else one


def _noted(pairs: Iterable[tuple[Unit, Sequence[str]]], asked: deque[tuple[Unit, Sequence[str]]]) -> Iterator[Unit]:
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

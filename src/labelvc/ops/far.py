"""Far: what a worker of a cluster does with a parcel, without a copy of the repository."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from labelvc.checks import registry
from labelvc.codec import shard
from labelvc.errors import StoreError
from labelvc.model.names import Layer
from labelvc.model.project import Project
from labelvc.ops import look
from labelvc.ops.cells import Cell
from labelvc.ops.outcomes import Outcome
from labelvc.store import parcel
from labelvc.store.git import Git
from labelvc.store.parcel import File

_LAYERS: tuple[Layer, ...] = ("items", "annotations")


def outcomes(git: Git, project: Project, cells: Sequence[Cell], *, lying: bool) -> Iterator[Outcome]:
    """Yield the outcomes of cells, each looked at by a worker of the cluster.

    Args:
        git: the repository, with its cluster.
        project: the documents in force; travels with the cells.
        cells: what to look at.
        lying: they are of the work tree.

    Raises:
        StoreError: there is no cluster, it cannot be used, or a file cannot be read.
    """
    if git.far is None:
        raise StoreError("no workers to look at the shards", where=str(git.top), hint="leave --executor away")
    rules = registry.versions(project)
    yield from git.far.spread(look_at, parcel.pack(git, cells, _files, shared=project, rules=rules, lying=lying))


def look_at(data: bytes) -> list[Outcome]:
    """Look, on a worker, at the cells of a parcel.

    Args:
        data: from `parcel.pack`, with the project as what is shared.

    Returns:
        An outcome a cell.

    Raises:
        StoreError: the worker has other versions, or an object of the DVC remote cannot be read or proved.
    """
    project, cells = parcel.opened(data, registry.versions)
    return [look.look(project, project.datasets[cell.dataset], cell.name, *files) for cell, files in cells]


def _files(cell: Cell) -> list[File]:
    entries = (cell.items, cell.annotations)
    return [(shard.path(cell.dataset, layer, cell.name), entry) for layer, entry in zip(_LAYERS, entries, strict=True)]

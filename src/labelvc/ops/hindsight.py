"""Hindsight: what the checks find in each version of a record, worked out now under the settings of its own commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from labelvc.codec import expression, shard
from labelvc.core import revise, waivers
from labelvc.core.gate import Gate
from labelvc.errors import ConfigurationError
from labelvc.model.finding import Finding
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset, Project
from labelvc.model.waiver import Waived
from labelvc.ops import bindings, check, look, masking, retired
from labelvc.ops import project as projects
from labelvc.ops.trace import Life, Step
from labelvc.store.cache import Cache
from labelvc.store.folders import Folders
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_LAYERS: tuple[Layer, ...] = ("items", "annotations")


class Judged(NamedTuple):
    """What the checks say of one version of a record.

    Attributes:
        findings: those about this record; none where it was deleted as it should be.
        waived: those that a waiver of that commit covered on its day.
        untold: why nobody can tell; empty where the checks could be asked.
    """

    findings: Sequence[Finding] = ()
    waived: Sequence[Waived] = ()
    untold: str = ""


def judged(git: Git, life: Life) -> list[Judged]:
    """Return what the checks say of each step of a life.

    The rules are those of this labelvc; documents, severities and waivers are those of the step's commit. Asked is what one
    shard tells: what only shows across shards is not about one record.

    Args:
        git: the repository.
        life: as `labelvc.ops.trace.trace` returns it.

    Returns:
        One a step, in their order.

    Raises:
        StoreError: an object is missing.
    """
    with Reader(git) as reader, Cache(git) as cache:
        bench = _Bench(git, Folders(git, reader), cache)
        return [bench.judged(step) for step in life.steps]


class _Bench:
    """Asks the checks of single shards at commits.

    Args:
        git: the repository.
        folders: finds files of commits.
        cache: where documents are remembered.
    """

    def __init__(self, git: Git, folders: Folders, cache: Cache) -> None:
        self._git, self._folders, self._cache = git, folders, cache

    def judged(self, step: Step) -> Judged:
        """Return what the checks say of the line that a step left."""
        key = step.delta.key
        if not isinstance(key, Key):
            raise TypeError(key)  # a life is that of a record or item
        snapshot = projects.documents(self._folders, step.commit.id)
        try:
            project = projects.load(self._git, snapshot, self._folders.reader, self._cache)
        except ConfigurationError as error:
            return Judged(untold=f"the documents of that commit are wrong: {error.where}: {error.message}")
        dataset = project.datasets.get(key.dataset)
        follows = None if step.former else revise.finding(step.delta, project.erased, "labelvc format")
        found = [follows] if follows else []
        if dataset is not None and step.delta.new is not None:
            bound = bindings.bound(self._git, project, snapshot, self._cache)
            seen = self._seen(step, key, bound, dataset)
            if seen is None:
                return Judged(
                    untold="the record did not stand in its own shard, so its neighbours there say nothing of it"
                )
            found += seen
        left, waived = waivers.apart(check.configured(found, project), project.waivers, step.commit.committed[:10])
        return Judged(masking.masked(left, Gate(project.leaks)), waived)

    def _seen(self, step: Step, key: Key, project: Project, dataset: Dataset) -> list[Finding] | None:
        """Return what the checks see in a record's shard that is about it; None where it is not in there."""
        layer: Layer = "annotations" if key.id else "items"
        group = shard.group_of(key.item, expression.compiled(dataset.group))
        name = shard.place(group, shard.digits(dataset.shards))
        paths = [shard.path(key.dataset, one, name) for one in _LAYERS]
        entries = self._folders.snapshot(step.commit.id, paths).entries
        items, annotations = [
            self._folders.reader.read(path, entries[path]) if path in entries else b"" for path in paths
        ]
        lines = shard.lines(annotations if key.id else items)
        if step.delta.new not in lines:
            return None
        own, line = shard.path(key.dataset, layer, name), lines.index(step.delta.new) + 1
        found = look.look(project, dataset, name, items, annotations).findings
        some = [one for one in found if one.place.key == str(key) or one.place[:2] == (own, line)]
        stood = retired.stood(step.delta.old, step.delta.new)
        return [retired.softer(one) if stood and one.rule == retired.RULE else one for one in some]

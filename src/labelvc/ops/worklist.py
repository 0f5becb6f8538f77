"""Worklist: the records that were made under what a guideline said once and says otherwise now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from labelvc.codec import shard
from labelvc.core import bearing, bump, diff, semver
from labelvc.errors import ConfigurationError
from labelvc.model.names import Key
from labelvc.model.project import Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import project as projects
from labelvc.ops.lines import shards
from labelvc.ops.versions import Texts, Value
from labelvc.store import tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.reader import Reader

Affected = frozenset[str] | None
"""Labels whose meaning changed; None when it is that of every label."""


class Entry(NamedTuple):
    """A record whose label meant something else when it was given.

    Attributes:
        key: of the record.
        task: that it answers.
        under: the version it was made under.
        labels: its labels whose meaning changed since.
        by: the annotator's pseudonym; empty when the record names none.
        now: the labels it has now, for one that is done; None when it is gone.
        done: whether it was decided again, or deleted.
    """

    key: Key
    task: str
    under: str
    labels: tuple[str, ...]
    by: str
    now: tuple[str, ...] | None = None
    done: bool = False


class Worklist(NamedTuple):
    """What a guideline's new meaning leaves to be looked at.

    Attributes:
        version: of the guideline, as it stands.
        affected: the version records were made under to the labels that meant something else then.
        entries: the records, by key; those done after those open.
    """

    version: str
    affected: Mapping[str, Affected]
    entries: tuple[Entry, ...]


def of(git: Git, name: str, *, at: str = "", since: str = "", advance: Callable[[], None] = lambda: None) -> Worklist:
    """Return the records made under an older meaning of a guideline.

    Args:
        git: the repository.
        name: of the guideline.
        at: revision whose records are looked at and whose guideline counts; empty for the work tree.
        since: revision whose records are held against the same guideline as well: those of them that were decided again,
            or deleted, are done.
        advance: called after each shard.

    Returns:
        The worklist; memory holds the records in it.

    Raises:
        ConfigurationError: there is no such guideline, or no project.
        StoreError: what a version said is in no commit here, or git or DVC data is missing.
    """
    with tree.reader(git) as reader, Cache(git) as cache:
        snapshot = tree.commit(git, at) if at else tree.work(git)
        project = projects.load(git, snapshot, reader, cache)
        if name not in project.guidelines:
            known = ", ".join(sorted(project.guidelines)) or "none yet"
            raise ConfigurationError(
                f"there is no guideline {name!r}", where=f"guidelines/{name}.yaml", hint=f"choose one of: {known}"
            )
        texts = Texts(git, snapshot, reader, cache, "guideline", name)
        changes = _Changes(texts, project, name)
        entries = list(_found(reader, snapshot, changes, advance))
        if since:
            before = list(_found(reader, tree.commit(git, since), changes, advance))
            entries += _done(reader, snapshot, before, {entry.key for entry in entries}, changes)
        return Worklist(project.guidelines[name].version, changes.affected, tuple(entries))


class _Changes:
    """Which labels meant something else in a version; each version is read once."""

    def __init__(self, texts: Texts, project: Project, name: str) -> None:
        self._texts, self._name = texts, name
        self.version = project.guidelines[name].version
        self.now: Value = texts.now or {}
        self.tasks = project.tasks
        self.datasets = sorted(project.datasets)
        self.needle = f'"under":"{name}@'.encode()
        self.affected: dict[str, Affected] = {}

    def since(self, under: str) -> Affected:
        """Return the labels that meant something else in `name@version`."""
        name, _, version = under.rpartition("@")
        if name != self._name or version == self.version or not semver.is_version(version):
            return frozenset()
        if version not in self.affected:
            old = self._texts.version(version)
            self.affected[version] = bump.affected(bump.weighed("guideline", old, self.now))
        return self.affected[version]

    def labels(self, fields: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the labels of a record; of a token the values of its fields that the guideline explains."""
        value = fields.get("value")
        task = self.tasks.get(str(fields.get("task")))
        if task is not None and task.type == "token":
            said = bearing.token_labels(value, task)
            return tuple(label for label in said if label in self.now.get("labels", {}))
        return tuple(bearing.labels(value))


def _found(reader: Reader, snapshot: Snapshot, changes: _Changes, advance: Callable[[], None]) -> Iterator[Entry]:
    for dataset in changes.datasets:
        for _, data in shards(reader, snapshot, dataset, "annotations"):
            if changes.needle in data:
                yield from _overtaken(data, dataset, changes)
            advance()


def _overtaken(data: bytes, dataset: str, changes: _Changes) -> Iterator[Entry]:
    for raw in shard.lines(data):
        if changes.needle not in raw or diff.live(raw) is None:
            continue
        fields = diff.decoded(raw)
        affected = changes.since(str(fields.get("under")))
        labels = changes.labels(fields)
        concerned = labels if affected is None else tuple(label for label in labels if label in affected)
        if concerned or affected is None:
            key = Key(dataset, str(fields.get("item")), str(fields.get("id")))
            yield Entry(key, str(fields.get("task", "")), str(fields["under"]), concerned, str(fields.get("by", "")))


def _done(
    reader: Reader, snapshot: Snapshot, before: list[Entry], still: set[Key], changes: _Changes
) -> Iterator[Entry]:
    """Yield what was to be looked at and is not any more, with what it says now."""
    wanted = {entry.key for entry in before} - still
    said: dict[Key, tuple[str, ...]] = {}
    for dataset in sorted({key.dataset for key in wanted}):
        for _, data in shards(reader, snapshot, dataset, "annotations"):
            for raw in shard.lines(data):
                key = shard.key_of(raw, dataset, "annotations")
                if key in wanted and diff.live(raw) is not None:
                    fields = diff.decoded(raw)
                    said[key] = changes.labels(fields) or tuple(filter(None, [diff.answer(fields)]))
    for entry in before:
        if entry.key in wanted:
            yield entry._replace(now=said.get(entry.key), done=True)

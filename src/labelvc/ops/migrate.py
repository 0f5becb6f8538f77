"""Migrate: give records the labels that theirs were merged into, and list those whose label was split."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from labelvc.codec import canonical, shard
from labelvc.core import bearing, diff, lineage, semver
from labelvc.core.lineage import Fate
from labelvc.model.names import Key
from labelvc.model.project import Dataset, Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import dataset as datasets
from labelvc.ops import project as projects
from labelvc.ops import rewrite, versions
from labelvc.ops.incoming import RECORD, Incoming
from labelvc.ops.lines import shards
from labelvc.store import files, tree
from labelvc.store import git as plumbing
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.reader import Reader


class Move(NamedTuple):
    """A record that gets another label.

    Attributes:
        key: of the record.
        old, new: its labels before and after.
        by: the annotator's pseudonym; empty when the record names none.
    """

    key: Key
    old: tuple[str, ...]
    new: tuple[str, ...]
    by: str


class Open(NamedTuple):
    """A record whose label was split: a person must say which of the new ones it is.

    Attributes:
        key: of the record.
        label: that was split.
        to: the labels it may have.
        by: the annotator's pseudonym; empty when the record names none.
        version: of the taxonomy that split it.
    """

    key: Key
    label: str
    to: tuple[str, ...]
    by: str
    version: str


class Twin(NamedTuple):
    """Two records of one annotator that say the same of one item after the migration, and did not before."""

    key: Key
    other: Key


class Migration(NamedTuple):
    """What a migration does.

    Attributes:
        version: of the taxonomy, `name@version`, which `origin.migration` of the records says.
        moves: records that get another label.
        open: records that a person must decide.
        twins: records that a merge made alike.
        left: labels that no step of the lineage leads on from, to how many records have them: out of use, or unknown.
        files: number of shards that differ.
        tasks: those that take labels from it; where there is none, nothing can be migrated.
    """

    version: str
    moves: tuple[Move, ...]
    open: tuple[Open, ...]
    twins: tuple[Twin, ...]
    left: Counter[str]
    files: int
    tasks: tuple[str, ...]


class _Work:
    """A taxonomy with its lineage, and the tasks that take labels from it.

    Args:
        name: of the taxonomy.
        value: what it says.
        project: the documents in force.
        bound: version of a guideline that records name to the version of the taxonomy that it explained.
    """

    def __init__(self, name: str, value: Mapping[str, Any], project: Project, bound: Mapping[str, str]) -> None:
        self.name, self.project, self._value, self._bound = name, project, value, bound
        self.version = project.taxonomies[name].version
        self.fates = lineage.fates(value)
        self._since: dict[str, Mapping[str, Fate]] = {"": self.fates}

    def led(self, fields: Mapping[str, Any]) -> Mapping[str, Fate]:
        """Return the fates of labels for a record: of those that stand, what came after the version it was given by.

        That is the one which the record's guideline explained, or a later one to which it was migrated.
        """
        since, origin = self._bound.get(str(fields.get("under", "")), ""), fields.get("origin")
        name, _, moved = (str(origin.get("migration", "")) if isinstance(origin, dict) else "").rpartition("@")
        if since and name == self.name and semver.is_version(moved) and semver.precedes(since, moved):
            since = moved
        if since not in self._since:
            gone = {label: fate for label, fate in self.fates.items() if not fate.kept}
            self._since[since] = {**gone, **lineage.fates(self._value, since)}
        return self._since[since]

    def tasks(self) -> Mapping[str, tuple[str, ...]]:
        """Return the tasks that take labels from it, of tokens to the fields that hold them."""
        return {
            name: bearing.holding(task, self.name) if task.type == "token" else ()
            for name, task in self.project.tasks.items()
            if task.taxonomy == self.name
        }

    def standing(self) -> frozenset[str]:
        """Return the labels that records may have, or that the lineage leads on from."""
        labels = self.project.taxonomies[self.name].labels
        return frozenset(label.id for label in labels if label.status == "active") | self.fates.keys()


def migrate(git: Git, name: str, *, dry: bool = False, advance: Callable[[], None] = lambda: None) -> Migration:
    """Migrate the records of the work tree whose labels were merged, one commit's worth of it and nothing else.

    Args:
        git: the repository.
        name: of the taxonomy.
        dry: write nothing.
        advance: called after each shard.

    Returns:
        What it does; shards are written and not staged.

    Raises:
        ConfigurationError: there is no such taxonomy, or a document is wrong.
        RefusedError: a dataset has changes that are not committed; those of a merge that is staged may be.
        DataError: a line cannot be read.
        StoreError: a DVC folder is stale, another command writes here, or the disk is full.
    """
    with files.lock(git) as began, tree.reader(git) as reader, Cache(git) as cache:
        work, theirs = tree.work(git), _merging(git)
        found = _work(git, work, reader, cache, projects.load(git, work, reader, cache), name)
        moves: list[Move] = []
        opened: list[Open] = []
        twins: list[Twin] = []
        left: Counter[str] = Counter()
        lines: dict[str, list[tuple[str, bytes]]] = {}
        for dataset in _concerned(found):
            told = _looked(reader, work, dataset, found, advance)
            moves += told.moves
            opened += told.open
            twins += told.twins
            left += told.left
            if told.lines:
                datasets.refuse_dirty(git, dataset, work, staged=bool(theirs))
                lines[dataset.name] = told.lines
        written = 0 if dry or not lines else _written(git, began, [work, *theirs], found.project, lines)
        version, tasks = f"{name}@{found.version}", tuple(sorted(found.tasks()))
        return Migration(version, tuple(moves), tuple(opened), tuple(twins), left, written, tasks)


def _merging(git: Git) -> list[Snapshot]:
    """Return the other side of a merge that a check stopped before its commit; none where nothing is being merged."""
    return [tree.commit(git, "MERGE_HEAD")] if (git.directory / "MERGE_HEAD").exists() else []


class Left(NamedTuple):
    """A record that the lineage of a taxonomy leaves to be migrated or decided."""

    key: Key
    taxonomy: str


def undecided(git: Git, snapshot: Snapshot, reader: Reader, cache: Cache) -> Iterator[Left]:
    """Yield the records of a snapshot that some taxonomy's lineage leaves to be migrated or decided.

    Where a document is wrong, nothing says which labels there are, and `check` says what is wrong: then none are told.

    Raises:
        DataError: a line cannot be read.
    """
    project = projects.examine(git, snapshot, reader, cache)[1]
    if project is None:
        return
    for name in sorted(project.taxonomies):
        found = _work(git, snapshot, reader, cache, project, name)
        for dataset in _concerned(found) if found.fates else ():
            told = _looked(reader, snapshot, dataset, found, lambda: None)
            yield from (Left(one.key, name) for one in told.moves)
            yield from (Left(opened.key, name) for opened in told.open)


def _work(git: Git, snapshot: Snapshot, reader: Reader, cache: Cache, project: Project, name: str) -> _Work:
    if name not in project.taxonomies:
        raise versions.unknown(snapshot, "taxonomy", name)
    texts = versions.Texts(git, snapshot, reader, cache, "taxonomy", name)
    bound = {
        f"{guideline}@{line['version']}": version
        for guideline in project.guidelines
        for line in versions.Texts(git, snapshot, reader, cache, "guideline", guideline).lines
        for explained, _, version in [str(line.get("taxonomy") or "").rpartition("@")]
        if explained == name
    }
    return _Work(name, texts.now or {}, project, bound)


def _concerned(found: _Work) -> list[Dataset]:
    tasks = found.tasks()
    return [dataset for _, dataset in sorted(found.project.datasets.items()) if tasks.keys() & dataset.tasks.keys()]


class _Looked(NamedTuple):
    """What was found in a dataset; `lines` are the records as they are to be, with their items."""

    moves: list[Move]
    open: list[Open]
    twins: list[Twin]
    left: Counter[str]
    lines: list[tuple[str, bytes]]


def _looked(reader: Reader, snapshot: Snapshot, dataset: Dataset, found: _Work, advance: Callable[[], None]) -> _Looked:
    seen = _Looked([], [], [], Counter(), [])
    tasks, standing = found.tasks(), found.standing()
    for _, data in shards(reader, snapshot, dataset.name, "annotations"):
        told: dict[bytes, list[Key]] = defaultdict(list)
        moved: set[Key] = set()
        for raw in shard.lines(data):
            fields = diff.decoded(raw)
            members = tasks.get(str(fields.get("task")))
            if fields.get("gone") is True or members is None:
                continue
            key = Key(dataset.name, str(fields.get("item")), str(fields.get("id")))
            said = fields.get("value")
            fates = found.led(fields)
            value = lineage.migrated(said, fates, *filter(None, [members]))
            by, labels = str(fields.get("by", "")), _labels(value, members)
            if value is not said:
                moved.add(key)
                seen.moves.append(Move(key, _labels(said, members), labels, by))
                origin = {**fields.get("origin", {}), "migration": f"{found.name}@{found.version}"}
                seen.lines.append((key.item, canonical.encode_record({**fields, "origin": origin, "value": value})))
            for label in lineage.undecided(labels, fates):
                fate = fates[label]
                if not fate.kept or "under" in fields:
                    seen.open.append(Open(key, label, fate.to, by, fate.version))
            seen.left.update([] if members else {*labels} - standing)
            told[canonical.encode([key.item, fields.get("task"), by, value])].append(key)
        for alike in told.values():
            seen.twins.extend(Twin(alike[0], key) for key in alike[1:] if moved & {alike[0], key})
        advance()
    return seen


def _labels(value: Any, members: tuple[str, ...]) -> tuple[str, ...]:
    """Return the labels of a value; of a token what its fields say that hold them."""
    if members and isinstance(value, dict):
        return tuple(value[name] for name in members if isinstance(value.get(name), str))
    return tuple(bearing.labels(value))


def _written(
    git: Git, began: int, sides: list[Snapshot], project: Project, lines: Mapping[str, list[tuple[str, bytes]]]
) -> int:
    work, *theirs = sides
    head = tree.commit(git, "HEAD") if plumbing.head(git) else tree.empty()

    def rewritten(change: Any, aside: bool) -> int:
        number = 0
        for name, found in lines.items():
            dataset = project.datasets[name]
            with Incoming(dataset) as incoming:
                for item, line in found:
                    incoming.add(RECORD, item, line)
                put = rewrite.putting(change)
                done = rewrite.plan(git, dataset, [work, head, *theirs], rewrite.Wanted(), incoming, put, aside=aside)
            number += len(done.files)
            if dataset.storage == "dvc":
                change.then("store", [f"datasets/{name}/annotations"])
        return number

    return rewrite.carried_out(git, "migrate", began, rewritten)

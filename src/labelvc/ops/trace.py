"""Trace: the life of a record or of an item's records, from git's history and the approvals kept beside it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from labelvc.codec import canonical, shard
from labelvc.core import diff
from labelvc.errors import DataError, TrustError
from labelvc.model.change import Delta, Move
from labelvc.model.names import Digest, Key, Layer
from labelvc.model.policy import Trust
from labelvc.model.project import Dataset, Project
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import approvals
from labelvc.ops import project as projects
from labelvc.ops.approvals import Problem, Shelf
from labelvc.ops.verify import Walk
from labelvc.store import git as plumbing
from labelvc.store import history, tree
from labelvc.store.git import Git
from labelvc.store.history import Commit, Version
from labelvc.store.tree import Reader

_MOST_DIGITS = 10
_NAMES = ("/item", "/id", "/rev")


class Vote(NamedTuple):
    """A statement on a transition, as it stands under the policy that was in force when it was integrated.

    Attributes:
        path: its file.
        decision: `approve`, `reject` ...; empty when the statement does not hold.
        principal, name, role: who, under which name, in which role.
        signed: when, as the signer claims.
        policy: version of the policy it was judged by.
        problem: why it does not hold; empty when it does.
    """

    path: str
    decision: str
    principal: str
    name: str
    role: str
    signed: str
    policy: int
    problem: str = ""


class Step(NamedTuple):
    """One change in the life of a record.

    Attributes:
        commit: the commit that made it.
        delta: what it changed.
        integrated: the commit by which it came into the first-parent history; the commit itself when made there.
        votes: statements that cover it.
        governed: whether a policy was in force when it was integrated.
    """

    commit: Commit
    delta: Delta
    integrated: str
    votes: tuple[Vote, ...] = ()
    governed: bool = False


class Life(NamedTuple):
    """A record and all its changes, oldest first."""

    key: Key
    item: bytes | None
    steps: list[Step]


class Origin(NamedTuple):
    """Who last changed one field of a record."""

    pointer: str
    value: object
    commit: Commit


def trace(git: Git, key: Key, rev: str = "HEAD", pin: str | None = None) -> Life:
    """Return the life of one record (or item, when the key's id is empty).

    Follows merges and reshards; a commit is a step only when it changed the record against each of its parents.

    Args:
        git: the repository.
        key: the record.
        rev: where its history ends.
        pin: digest of root version 1, from outside the repository; None when there is none.

    Returns:
        Its changes with who, when, by which commit, and which approvals cover them.

    Raises:
        ConfigurationError: no such dataset.
        DataError: the record never existed.
        StoreError: an object is missing, or the clone is shallow.
    """
    head = tree.commit(git, rev)
    with tree.reader(git) as reader:
        project = projects.load(git, head, reader)
        past = _Past(git, reader, project, key.dataset)
        changes = past.changes(key.item, diff.layer_of(key), head.commit).get(key, [])
        if not changes:
            raise DataError(f"no commit up to {rev} ever held {key}", hint=f"labelvc blame {key.dataset}/{key.item}")
        item = past.line(head.commit, Key(key.dataset, key.item, ""))
        steps = list(
            _with_votes(git, reader, past, head, [(commit, Delta(key, old, new)) for commit, old, new in changes], pin)
        )
    return Life(key, item, steps)


def blame(git: Git, dataset: str, item: str, rev: str = "HEAD") -> dict[Key, list[Origin]]:
    """Return for every record of an item who last changed each of its fields.

    Args:
        git: the repository.
        dataset: the item's dataset.
        item: the item.
        rev: where the history ends.

    Returns:
        Key to one origin a field, in the order of their pointers; deleted records are left out.

    Raises:
        ConfigurationError: no such dataset.
        DataError: the item has no records.
        StoreError: an object is missing, or the clone is shallow.
    """
    head = tree.commit(git, rev)
    with tree.reader(git) as reader:
        past = _Past(git, reader, projects.load(git, head, reader), dataset)
        found = past.changes(item, "annotations", head.commit)
    origins = {key: fields for key, changes in sorted(found.items()) if (fields := _origins(changes))}
    if not origins:
        raise DataError(
            f"{dataset}/{item} has no records at {rev}", hint="write dataset/item, as `labelvc diff` prints it"
        )
    return origins


Change = tuple[Commit, bytes | None, bytes | None]


def _origins(changes: list[Change]) -> list[Origin]:
    """Replay a record's changes and remember for each field the last commit that touched it."""
    made: dict[str, Commit] = {}
    last: bytes | None = None
    for commit, old, new in changes:
        last = diff.live(new)
        for pointer in diff.pointers(diff.decoded(diff.live(old)), diff.decoded(last)):
            for stale in [known for known in made if known.startswith(f"{pointer}/")]:
                del made[stale]
            made[pointer] = commit
    fields = diff.decoded(last)
    rows = [Origin(pointer, diff.at_pointer(fields, pointer), commit) for pointer, commit in sorted(made.items())]
    return [row for row in rows if row.value is not None and row.pointer not in _NAMES] if last else []


class _Past:
    """Reads one dataset's lines at commits, whatever shard or storage held them then."""

    def __init__(self, git: Git, reader: Reader, project: Project, dataset: str) -> None:
        self._git, self._reader = git, reader
        self._dataset: Dataset = projects.dataset(project, dataset)
        self._pattern = re.compile(self._dataset.group) if self._dataset.group else None
        self._blobs: dict[str, bytes] = {}

    def changes(self, item: str, layer: Layer, head: str) -> dict[Key, list[Change]]:
        """Return the changes of an item's lines, oldest first."""
        found: dict[Key, list[Change]] = defaultdict(list)
        pointer = f"datasets/{self._dataset.name}/annotations.dvc"
        for commit in history.walk(self._git, [*self._paths(item, layer), pointer], head):
            sides = [self._sides(commit, parent, item, layer) for parent in commit.parents or ("",)]
            for key in set().union(*[set(old) | set(new) for old, new in sides]):
                moves = [(old.get(key), new.get(key)) for old, new in sides]
                if all(old != new for old, new in moves):
                    found[key].append((commit, *moves[0]))
        return found

    def line(self, commit: str, key: Key) -> bytes | None:
        """Return a line as it was at a commit."""
        if not commit:
            return None
        layer = diff.layer_of(key)
        folder = f"datasets/{key.dataset}"
        snapshot = tree.commit(
            self._git, commit, [f"{folder}/{layer}", f"{folder}/annotations.dvc", f"{folder}/annotations.sha256"]
        )
        for path in self._paths(key.item, layer):
            if path in snapshot.entries:
                found = shard.find(self._reader.read(path, snapshot.entries[path]), key)
                if found is not None:
                    return found
        return None

    def _paths(self, item: str, layer: Layer) -> list[str]:
        """Return every shard that may have held the item: a coarser sharding's name begins a finer one's."""
        name = shard.place(shard.group_of(item, self._pattern), _MOST_DIGITS)
        return [shard.path(self._dataset.name, layer, name[:k]) for k in range(1, _MOST_DIGITS + 1)]

    def _sides(self, commit: Commit, parent: str, item: str, layer: Layer) -> tuple[dict[Key, bytes], dict[Key, bytes]]:
        """Return the item's lines in the files that differ between a commit and one of its parents."""
        files = [version for version in commit.files if version.parent == parent]
        if any(version.path.endswith(".dvc") for version in files) and layer == "annotations":
            return self._stored(parent, item), self._stored(commit.id, item)
        return self._lines(files, "old", item, layer), self._lines(files, "new", item, layer)

    def _lines(self, files: list[Version], side: str, item: str, layer: Layer) -> dict[Key, bytes]:
        ids = [(version.path, version.old if side == "old" else version.new) for version in files]
        return self._keyed([self._blob(path, oid) for path, oid in ids if oid and shard.parse_path(path)], item, layer)

    def _stored(self, commit: str, item: str) -> dict[Key, bytes]:
        """Return the item's records at a commit through the DVC pointer, or from git where there was none yet."""
        if not commit:
            return {}
        folder = f"datasets/{self._dataset.name}"
        under = [f"{folder}/annotations", f"{folder}/annotations.dvc", f"{folder}/annotations.sha256"]
        entries = tree.commit(self._git, commit, under).entries
        paths = [path for path in self._paths(item, "annotations") if path in entries]
        return self._keyed([self._reader.read(path, entries[path]) for path in paths], item, "annotations")

    def _keyed(self, contents: list[bytes], item: str, layer: Layer) -> dict[Key, bytes]:
        found: dict[Key, bytes] = {}
        for data in contents:
            key = Key(self._dataset.name, item, "")
            lines = shard.find_item(data, item) if layer == "annotations" else [shard.find(data, key)]
            for line in lines:
                named = shard.key_of(line, self._dataset.name, layer) if line else None
                if line and named:
                    found[named] = line
        return found

    def _blob(self, path: str, oid: str) -> bytes:
        """Read a blob; the newest are kept, since a commit's new blob is the next one's old."""
        if oid not in self._blobs:
            while len(self._blobs) > 1:
                del self._blobs[next(iter(self._blobs))]
            self._blobs[oid] = self._reader.read(path, Entry("git", oid))
        return self._blobs[oid]


def _with_votes(
    git: Git, reader: Reader, past: _Past, head: Snapshot, changes: list[tuple[Commit, Delta]], pin: str | None
) -> Iterator[Step]:
    """Add to each change the commit that integrated it and the statements that cover it."""
    chain = plumbing.first_parents(git, "", head.commit)
    walk = Walk(git, reader, pin)
    shelf, folders = Shelf(reader), approvals.folders(head)
    for commit, delta in changes:
        parent, integrated = _integration(git, chain, commit.id)
        net = Delta(delta.key, *[past.line(at, _key(delta)) for at in (parent, integrated)])
        moves = {_move(delta), _move(net)}
        try:
            trust = walk.trust(tree.commit(git, parent, ["trust"])) if parent else None
        except TrustError:
            trust = None
        votes = tuple(_votes(reader, shelf, folders, moves, trust)) if trust else ()
        yield Step(commit, delta, integrated, votes, trust is not None)


def _integration(git: Git, chain: list[tuple[str, str]], commit: str) -> tuple[str, str]:
    """Return the first-parent step (parent, commit) by which a commit came in, found by halving."""
    low, high = 0, len(chain) - 1
    while low < high:
        middle = (low + high) // 2
        if plumbing.is_ancestor(git, commit, chain[middle][1]):
            high = middle
        else:
            low = middle + 1
    return chain[low]


def _votes(
    reader: Reader, shelf: Shelf, folders: Mapping[Digest, dict[str, Entry]], moves: set[Move], trust: Trust
) -> Iterator[Vote]:
    key = next(iter(moves)).key.encode()
    for root, files in sorted(folders.items()):
        path = f"{approvals.folder_of(root)}/{approvals.CHANGE_SET}"
        if path not in files or key not in reader.read(path, files[path]):
            continue
        found = shelf.changeset(root, files)
        if isinstance(found, Problem) or moves.isdisjoint(found.moves):
            continue
        for said in shelf.statements(root, files, trust):
            if isinstance(said, Problem):
                yield Vote(said.path, "", "", "", "", "", trust.policy.version, said.message)
            else:
                who = said.approval
                signer = who.signer
                yield Vote(
                    said.path,
                    who.decision,
                    signer.principal,
                    signer.printed_name,
                    who.role,
                    who.signed_at,
                    trust.policy.version,
                )


def _move(delta: Delta) -> Move:
    digests = [None if raw is None else canonical.digest(raw) for raw in (delta.old, delta.new)]
    return Move(str(delta.key), *digests)


def _key(delta: Delta) -> Key:
    if not isinstance(delta.key, Key):
        raise DataError(f"{delta.key} is a document, not a record", hint=f"git log -p -- {delta.key}")
    return delta.key

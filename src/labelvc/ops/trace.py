"""Trace: the life of a record or of an item's records, from git's history and the approvals kept beside it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

from labelvc.codec import canonical, document, shard
from labelvc.core import diff
from labelvc.errors import DataError, TrustError
from labelvc.model import jsonpointer
from labelvc.model.change import Delta, Move
from labelvc.model.names import Digest, Key, Layer
from labelvc.model.policy import Trust
from labelvc.model.project import Dataset, Project
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import approvals, naming
from labelvc.ops import project as projects
from labelvc.ops.approvals import Problem, Shelf
from labelvc.ops.verify import Walk
from labelvc.store import git as plumbing
from labelvc.store import history, tree
from labelvc.store.git import Git
from labelvc.store.history import Commit, Version
from labelvc.store.reader import Reader

_MOST_DIGITS = 10
_NAMES = ("/item", "/id", "/rev")
_written = msgspec.json.Encoder(order="deterministic").encode


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
    """A record's life up to a revision.

    Attributes:
        key: its key.
        item: the line of its item at that revision; None when there is none.
        now: its own line there; None when it was removed without a tombstone.
        steps: all its changes, oldest first, those that a merge threw away included.
    """

    key: Key
    item: bytes | None
    now: bytes | None
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
        past = _Past(git, reader, project, key.dataset, head.commit)
        changes = past.changes(key.item, diff.layer_of(key)).get(key, [])
        if not changes:
            advice = naming.hint(git, head, str(key), keys=True) or naming.WRITTEN
            raise DataError(f"no commit up to {rev} ever held {key}", hint=advice)
        item, now = past.line(head.commit, Key(key.dataset, key.item, "")), past.line(head.commit, key)
        moves = [(change.commit, Delta(key, change.olds[0], change.new)) for change in changes]
        steps = list(_with_votes(git, reader, past, head, moves, pin))
    return Life(key, item, now, steps)


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
        past = _Past(git, reader, projects.load(git, head, reader), dataset, head.commit)
        present = {key: raw for key, raw in past.lines(head.commit, item).items() if diff.live(raw) is not None}
        found = past.changes(item, "annotations") if present else {}
    if not present:
        advice = naming.hint(git, head, f"{dataset}/{item}") or naming.WRITTEN
        raise DataError(f"{dataset}/{item} has no records at {rev}", hint=advice)
    return {key: _origins(found.get(key, []), raw) for key, raw in sorted(present.items())}


class Change(NamedTuple):
    """What a commit made of a line: the line in each of its parents, none of them equal to the new one."""

    commit: Commit
    olds: tuple[bytes | None, ...]
    new: bytes | None


def _origins(changes: list[Change], now: bytes) -> list[Origin]:
    """Follow each field of a line back to the commit that set it, through whichever parent of a merge had it.

    A line's fields are known by the line itself: `rev` makes every line of a record's life another one.
    """
    made: dict[bytes, dict[str, Commit]] = {}
    for commit, olds, new in changes:
        if new is None or diff.live(new) is None:
            continue
        before = [(_leaves(old), made[old]) for old in olds if old is not None and old in made]
        made[new] = {
            pointer: next((by[pointer] for leaves, by in before if leaves.get(pointer) == value), commit)
            for pointer, value in _leaves(new).items()
        }
    rows = sorted(made.get(now, {}).items())
    fields = diff.decoded(now)
    return [
        Origin(pointer, jsonpointer.reach(fields, pointer), commit) for pointer, commit in rows if pointer not in _NAMES
    ]


def _leaves(raw: bytes) -> dict[str, bytes]:
    """Return the canonical text of every value of a line that is no object, by its pointer."""
    found: dict[str, bytes] = {}
    waiting: list[tuple[str, Any]] = [("", diff.decoded(raw))]
    while waiting:
        at, value = waiting.pop()
        if isinstance(value, dict) and value:
            waiting += [(f"{at}/{jsonpointer.escaped(name)}", inner) for name, inner in value.items()]
        else:
            found[at] = _written(value)
    return found


class _Past:
    """Reads one dataset's lines at commits, whatever shard or storage held them then."""

    def __init__(self, git: Git, reader: Reader, project: Project, dataset: str, head: str) -> None:
        self._git, self._reader, self._head = git, reader, head
        self._dataset: Dataset = projects.dataset(project, dataset)
        self._patterns = {re.compile(group) if group else None for group in (self._dataset.group, *self._groups())}
        self._blobs: dict[str, bytes] = {}

    def changes(self, item: str, layer: Layer) -> dict[Key, list[Change]]:
        """Return the changes of an item's lines, oldest first."""
        found: dict[Key, list[Change]] = defaultdict(list)
        pointer = f"datasets/{self._dataset.name}/annotations.dvc"
        for commit in history.walk(self._git, [*self._paths(item, layer), pointer], self._head):
            sides = [self._sides(commit, parent, item, layer) for parent in commit.parents or ("",)]
            for key in set().union(*[set(old) | set(new) for old, new in sides]):
                moves = [(old.get(key), new.get(key)) for old, new in sides]
                if all(old != new for old, new in moves):
                    found[key].append(Change(commit, tuple([old for old, _ in moves]), moves[0][1]))
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
        groups = {shard.group_of(item, pattern) for pattern in self._patterns}
        names = sorted([shard.place(group, _MOST_DIGITS) for group in groups])
        return [shard.path(self._dataset.name, layer, name[:k]) for name in names for k in range(1, _MOST_DIGITS + 1)]

    def _groups(self) -> set[str | None]:
        """Return every `group` expression the dataset ever had: each may have put the item elsewhere."""
        path = f"datasets/{self._dataset.name}/dataset.yaml"
        found: set[str | None] = {None}
        for oid in {version.new for commit in history.walk(self._git, [path], self._head) for version in commit.files}:
            data = self._reader.read(path, Entry("git", oid)) if oid else b""
            if b"group" in data:
                with suppress(DataError, re.error):
                    group = document.read(data, path).get("group")
                    found.update([group] if isinstance(group, str) and re.compile(group) else ())
        return found

    def _sides(self, commit: Commit, parent: str, item: str, layer: Layer) -> tuple[dict[Key, bytes], dict[Key, bytes]]:
        """Return the item's lines in the files that differ between a commit and one of its parents."""
        files = [version for version in commit.files if version.parent == parent]
        if any(version.path.endswith(".dvc") for version in files) and layer == "annotations":
            return self.lines(parent, item), self.lines(commit.id, item)
        return self._differing(files, "old", item, layer), self._differing(files, "new", item, layer)

    def _differing(self, files: list[Version], side: str, item: str, layer: Layer) -> dict[Key, bytes]:
        ids = [(version.path, version.old if side == "old" else version.new) for version in files]
        return self._keyed([self._blob(path, oid) for path, oid in ids if oid and shard.parse_path(path)], item, layer)

    def lines(self, commit: str, item: str) -> dict[Key, bytes]:
        """Return the item's records at a commit, through the DVC pointer where there is one."""
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
    key = canonical.encode(next(iter(moves)).key)
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

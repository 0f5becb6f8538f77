"""The past of one dataset: what each commit made of its lines, whatever shard or storage held them then."""

# No `from __future__ import annotations`: typing would compile the text of each at every start.

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import NamedTuple, TypeVar

from labelvc.batches import batches
from labelvc.codec import commits as objects
from labelvc.codec import expression, shard
from labelvc.core import life
from labelvc.model.commit import Commit
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset, Sensitive
from labelvc.model.snapshot import Entry, FileChange
from labelvc.ops import project as projects
from labelvc.store import log, patch
from labelvc.store.cache import Cache
from labelvc.store.folders import Folders
from labelvc.store.git import Git
from labelvc.store.log import Parted, Versions
from labelvc.store.reader import Reader

_MOST_DIGITS = 10
_AT_ONCE = 256
_DEEP = 3  # slashes in the path of a folder that a layer of many shards is fanned out into
_TRUST = "trust"
_Comparing = Callable[[str, str, str], FileChange]  # from a path and the ids of two versions
_Sides = tuple[Mapping[life.Name, bytes], Mapping[life.Name, bytes]]
_Of = TypeVar("_Of")


class Scope(NamedTuple):
    """Which lines of a dataset are followed.

    Attributes:
        layer: records or items.
        files: the paths that may hold them; empty for every shard of the layer.
        prefix: digits that the names of the shards begin with; empty for all.
        start: bytes that the lines begin with, whole members; empty for all.
    """

    layer: Layer
    files: tuple[str, ...] = ()
    prefix: str = ""
    start: bytes = b""


class Past:
    """Reads one dataset's lines at commits.

    Args:
        git: the repository.
        folders: finds its files and reads objects.
        dataset: the dataset, as it is at the end of the history.
        head: full id of the commit where the history ends.
        groups: every `group` expression the dataset ever had, when that is known.
        parents: the commits that are looked at with their parents, children before parents; None for all up to head.
        cache: where documents are remembered; None for the repository's own.
    """

    def __init__(
        self,
        git: Git,
        folders: Folders,
        dataset: Dataset,
        head: str,
        *,
        groups: set[str | None] | None = None,
        parents: Mapping[str, Sequence[str]] | None = None,
        cache: Cache | None = None,
    ) -> None:
        self.git, self._folders, self.head = git, folders, head
        self.dataset = dataset
        self._groups, self._parents, self._cache = groups, parents, cache
        self._document = f"datasets/{dataset.name}/dataset.yaml"
        self._versions: dict[str, dict[str, None]] | None = None

    def changes(self, scope: Scope) -> Iterator[tuple[Commit, life.Sides]]:
        """Yield each commit with the lines in scope that differ from those of its parents, newest first.

        Args:
            scope: which lines.

        Raises:
            StoreError: an object is missing, or the clone is shallow.
        """
        return self.some(scope, self.parents)

    def some(self, scope: Scope, wanted: Mapping[str, Sequence[str]]) -> Iterator[tuple[Commit, life.Sides]]:
        """Yield what `changes` does, of some commits in their order; one that changed no file in scope is left out.

        Args:
            scope: which lines.
            wanted: full ids of commits, each with its parents.

        Raises:
            StoreError: an object is missing.
        """
        entries = log.apart(self.git, wanted, self.specs(scope))
        rows = ((entry.commit, entry.parted()) for entry in entries)
        return _joined(wanted, self._narrow(scope, rows) if scope.start else self._wide(scope, rows))

    def of(self, key: Key) -> list[tuple[Commit, life.Sides]]:
        """Return what `changes` yields of one line, and learn from the same walk what governs the dataset and what led to what."""
        layer: Layer = "annotations" if key.id else "items"
        while True:
            known = self._groups or {self.dataset.group}
            scope = self._scope(key.item, layer, known)._replace(start=shard.prefix(key))
            self._versions = {}
            specs = [*self.specs(scope), log.pathspec(self._document), _TRUST]
            self._parents, made = log.walk(self.git, self.head, specs)
            sides: dict[str, dict[str, _Sides]] = {}
            for one, side in self._narrow(scope, ((one, one) for one in made)):
                if any(side):
                    sides.setdefault(one.commit, {})[one.parent] = side
            if self.groups() <= known:
                told = commits(self._folders.reader, list(sides))
                return [(told[own], _each(some, self.parents[own])) for own, some in sides.items()]

    def _narrow(self, scope: Scope, rows: Iterable[tuple[_Of, Parted]]) -> Iterator[tuple[_Of, _Sides]]:
        """Pick lines from whole files, whose contents are asked for many at once: of one item that costs least."""
        for some in batches(rows, _AT_ONCE):
            picked = self._picked([file for _, one in some for file in one.files], scope)
            for commit, one in some:
                yield commit, self._sides(one, scope, partial(_both, picked))

    def _wide(self, scope: Scope, rows: Iterable[tuple[_Of, Parted]]) -> Iterator[tuple[_Of, _Sides]]:
        """Compare whole files; the version that a commit replaced is kept for the commit before, which had made it."""
        held: dict[str, tuple[str, bytes]] = {}
        for commit, one in self._brought(scope, rows):
            covered = [file for file in one.files if self._covers(scope, file.path)]
            known = {"": b"", **dict([held[file.path] for file in covered if file.path in held])}
            wanted = {oid: file.path for file in covered for oid in (file.new, *file.olds) if oid not in known}
            read = self._folders.reader.many((path, Entry("git", oid)) for oid, path in wanted.items())
            known |= {oid: data for oid, (_, data) in zip(wanted, read, strict=True)}
            held |= {file.path: (file.olds[0], known[file.olds[0]]) for file in covered}
            yield commit, self._sides(one, scope, partial(_walked, known))

    def _brought(self, scope: Scope, rows: Iterable[tuple[_Of, Parted]]) -> Iterator[tuple[_Of, Parted]]:
        """Yield commits with their files, the contents of many brought here at once where a partial clone lacks them."""
        for some in batches(rows, _AT_ONCE):
            covered = [file for _, one in some for file in one.files if self._covers(scope, file.path)]
            self._folders.reader.bring([oid for file in covered for oid in (*file.olds, file.new) if oid])
            yield from some

    @property
    def parents(self) -> Mapping[str, Sequence[str]]:
        """The commits that are looked at with their parents, children before parents: all up to head if not told otherwise."""
        if self._parents is None:
            self._parents = log.parents(self.git, self.head)
        return self._parents

    def _picked(self, files: Sequence[Versions], scope: Scope) -> Mapping[str, list[bytes]]:
        """Return the lines in scope of all versions of some files, by the ids of those; note what governs the dataset."""
        wanted: dict[str, str] = {}
        for file in files:
            if self._covers(scope, file.path):
                wanted |= {oid: file.path for oid in (*file.olds, file.new) if oid}
            else:
                self._note(file)
        read = self._folders.reader.many((path, Entry("git", oid)) for oid, path in wanted.items())
        found = {oid: list(shard.starting(data, scope.start)) for oid, (_, data) in zip(wanted, read, strict=True)}
        return {"": [], **found}

    def specs(self, scope: Scope) -> list[str]:
        """Return git's pathspecs for a scope, the DVC pointer of the annotations with them."""
        folder = log.pathspec(f"datasets/{self.dataset.name}/{scope.layer}")
        if scope.files:  # a folder below in place of its files: git holds each file of a folder against each path
            below = {path: path.rpartition("/")[0] for path in scope.files}
            found = [log.pathspec(path if above.count("/") < _DEEP else f"{above}/") for path, above in below.items()]
        elif scope.prefix:
            coarser = [f"{folder}/{scope.prefix[:count]}.jsonl" for count in range(1, len(scope.prefix))]
            found = [f"{folder}/{scope.prefix}*", *coarser]
        else:
            found = [folder]
        found = list(dict.fromkeys(found))
        return [*found, f"{folder}.dvc"] if scope.layer == "annotations" else found

    def item(self, item: str, layer: Layer) -> Scope:
        """Return the scope of one item's lines: every shard that may ever have held them.

        A coarser sharding's name begins a finer one's; another `group` may have put the item elsewhere.
        """
        return self._scope(item, layer, self.groups())

    def _scope(self, item: str, layer: Layer, groups: Iterable[str | None]) -> Scope:
        patterns = [expression.compiled(group) for group in groups]
        names = sorted({shard.place(shard.group_of(item, pattern), _MOST_DIGITS) for pattern in patterns})
        counts = range(1, _MOST_DIGITS + 1)
        files = [shard.path(self.dataset.name, layer, name[:count]) for name in names for count in counts]
        first = Key(self.dataset.name, item, "")
        start = shard.prefix(first) if layer == "items" else b'{"item":' + shard.prefix(first).removeprefix(b'{"id":')
        return Scope(layer, tuple(dict.fromkeys(files)), start=start)

    def groups(self) -> set[str | None]:
        """Return every `group` expression the dataset ever had, None for having none."""
        if self._groups is None:
            told = list(self._documents())
            found = {self.dataset.group}
            if not told or any(b"group" not in data for data in told):
                found.add(None)
            grouped = [("dataset", data) for data in told if b"group" in data]
            for value in projects.values(self.git, grouped, self._cache):
                group = value.get("group") if isinstance(value, dict) else None
                found.add(group if isinstance(group, str) and not expression.trouble(group) else None)
            self._groups = found
        return self._groups

    @property
    def sensitive(self) -> tuple[Sensitive, ...]:
        """The fields that the dataset ever declared sensitive (YAML may escape a name)."""
        told = [data for data in self._documents() if b"sensitive" in data or b"\\" in data]
        return tuple([field for data in told for field in projects.sensitive(self.git, data, self._cache)])

    @property
    def governed(self) -> bool:
        """Whether there ever was a policy."""
        return any(path.startswith(f"{_TRUST}/") for path in self._governing())

    def _documents(self) -> Iterator[bytes]:
        """Yield every version that the dataset's document ever had."""
        versions = filter(None, self._governing().get(self._document, ()))
        for _, data in self._folders.reader.many((self._document, Entry("git", oid)) for oid in versions):
            yield data

    def _governing(self) -> Mapping[str, Iterable[str]]:
        """Return the paths of what governs the dataset, each with the ids of all its versions."""
        if self._versions is None:
            self._versions = {}
            for entry in log.apart(self.git, self.parents, [log.pathspec(self._document), _TRUST]):
                for file in entry.parted().files:
                    self._note(file)
        return self._versions

    def _note(self, file: Versions) -> None:
        governs = file.path == self._document or file.path.startswith(f"{_TRUST}/")
        if self._versions is not None and governs:
            self._versions.setdefault(file.path, {}).update(dict.fromkeys((file.new, *file.olds)))

    def line(self, commit: str, key: Key) -> bytes | None:
        """Return a line as it was at a commit."""
        found = self.lines(commit, self.item(key.item, "annotations" if key.id else "items"))
        return found.get(key)

    def lines(self, commit: str, scope: Scope) -> dict[Key, bytes]:
        """Return the lines of a scope with `files` at a commit, through the DVC pointer where there is one."""
        if not commit:
            return {}
        entries = self._folders.snapshot(commit, scope.files).entries
        wanted = [(path, entries[path]) for path in scope.files if path in entries]
        found: dict[Key, bytes] = {}
        for path, entry in wanted:
            for raw in shard.starting(self._folders.reader.read(path, entry), scope.start):
                key = shard.key_of(raw, self.dataset.name, scope.layer)
                if key:
                    found[key] = raw
        return found

    def _sides(self, one: Parted, scope: Scope, compared: _Comparing) -> _Sides:
        """Return the lines in scope that differ between a commit and its only parent, by the bytes that name them."""
        own = [file for file in one.files if file.path.endswith(".dvc") or self._covers(scope, file.path)]
        if any(file.path.endswith(".dvc") for file in own):
            return self._compared(one.parent, one.commit, scope)
        return self._named((compared(file.path, file.olds[0], file.new) for file in own), scope)

    def _covers(self, scope: Scope, path: str) -> bool:
        found = shard.parse_path(path)
        if found is None or found[:2] != (self.dataset.name, scope.layer):
            return False
        return path in scope.files if scope.files else found[2].startswith(scope.prefix[: len(found[2])])

    def _compared(self, parent: str, commit: str, scope: Scope) -> _Sides:
        """Return what differs between two commits by their files, in git or behind pointers."""
        folder = f"datasets/{self.dataset.name}/{scope.layer}"
        under = scope.files or (folder,)
        tree = importlib.import_module("labelvc.store.tree")  # only pointers are compared by whole files
        old, new = [tree.commit(self.git, rev, under) if rev else tree.empty() for rev in (parent, commit)]
        old, new = [
            one._replace(entries={path: e for path, e in one.entries.items() if self._covers(scope, path)})
            for one in (old, new)
        ]
        return self._named(tree.changes(self.git, old, new, f"{folder}/"), scope)

    def _named(self, files: Iterable[FileChange], scope: Scope) -> _Sides:
        """Return the lines that went and those that came, by what names them; what only moved is in neither."""
        gone: dict[life.Name, bytes] = {}
        come: dict[life.Name, bytes] = {}
        match, start = shard.HEADS[scope.layer].match, scope.start
        for file in files:
            for lines, into in ((file.old, gone), (file.new, come)):
                for raw in lines:
                    head = match(raw)
                    if head is not None and (not start or _within(raw, start)):
                        into[head[0]] = raw
        for name in [name for name, raw in gone.items() if come.get(name) == raw]:
            del gone[name], come[name]
        return gone, come


def commits(reader: Reader, ids: Sequence[str]) -> dict[str, Commit]:
    """Return commits by their full ids.

    Raises:
        StoreError: one is not here.
    """
    read = reader.many([("", Entry("git", own)) for own in ids])
    found = {own: objects.read(own, data) for own, (_, data) in zip(ids, read, strict=True)}
    odd = log.named(reader.git, [own for own, commit in found.items() if commit is None])
    return {own: commit or odd[own] for own, commit in found.items()}


def _each(sides: Mapping[str, _Sides], parents: Sequence[str]) -> life.Sides:
    """Return a side for every parent, empty for one from which nothing differs."""
    return [sides.get(parent, ({}, {})) for parent in parents or ("",)]


def _joined(
    wanted: Mapping[str, Sequence[str]], made: Iterable[tuple[Commit, _Sides]]
) -> Iterator[tuple[Commit, life.Sides]]:
    """Put together what was told of a merge for each of its parents."""
    for own, some in groupby(made, lambda one: one[0].id):
        each, parents = list(some), tuple(wanted[own])
        sides = {"".join(one.parents): side for one, side in each}
        yield each[0][0]._replace(parents=parents), _each(sides, parents)


def _within(raw: bytes, start: bytes) -> bool:
    """Tell whether a line begins with some whole members."""
    return raw.startswith(start) and raw[len(start) : len(start) + 1] in (b",", b"}")


def _both(picked: Mapping[str, list[bytes]], path: str, old: str, new: str) -> FileChange:
    """Return all picked lines of two versions of a file, since equal ones cancel out."""
    return FileChange(path, picked[old], picked[new])


def _walked(known: Mapping[str, bytes], path: str, old: str, new: str) -> FileChange:
    return patch.walk(path, known[old], known[new])

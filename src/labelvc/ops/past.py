"""The past of one dataset: what each commit made of its lines, whatever shard or storage held them then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from labelvc.codec import expression, shard
from labelvc.core import life
from labelvc.model.commit import Commit
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset
from labelvc.model.snapshot import Entry, FileChange
from labelvc.ops import project as projects
from labelvc.store import log, patch, tree
from labelvc.store.git import Git
from labelvc.store.log import Merged
from labelvc.store.reader import Reader

_MOST_DIGITS = 10
_Sides = tuple[Mapping[life.Name, bytes], Mapping[life.Name, bytes]]


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
        reader: reads objects.
        dataset: the dataset, as it is at the end of the history.
        head: full id of the commit where the history ends.
        groups: every `group` expression the dataset ever had, when that is known.
    """

    def __init__(
        self, git: Git, reader: Reader, dataset: Dataset, head: str, groups: set[str | None] | None = None
    ) -> None:
        self.git, self._reader, self.head = git, reader, head
        self.dataset = dataset
        self._groups = groups

    def changes(self, scope: Scope, base: str = "") -> Iterator[tuple[Commit, life.Sides]]:
        """Yield each commit with the lines in scope that differ from those of its parents, newest first.

        Args:
            scope: which lines.
            base: commit to end before; empty for all of history.

        Raises:
            StoreError: an object is missing, or the clone is shallow.
        """
        for entry in log.read(self.git, self.head, self.specs(scope), base=base):
            yield entry.commit, self.sides(entry, scope)

    def specs(self, scope: Scope) -> list[str]:
        """Return git's pathspecs for a scope, the DVC pointer of the annotations with them."""
        folder = log.pathspec(f"datasets/{self.dataset.name}/{scope.layer}")
        if scope.files:
            found = [log.pathspec(path) for path in scope.files]
        elif scope.prefix:
            coarser = [f"{folder}/{scope.prefix[:count]}.jsonl" for count in range(1, len(scope.prefix))]
            found = [f"{folder}/{scope.prefix}*", *coarser]
        else:
            found = [folder]
        return [*found, f"{folder}.dvc"] if scope.layer == "annotations" else found

    def item(self, item: str, layer: Layer) -> Scope:
        """Return the scope of one item's lines: every shard that may ever have held them.

        A coarser sharding's name begins a finer one's; another `group` may have put the item elsewhere.
        """
        patterns = [expression.compiled(group) for group in self.groups()]
        names = sorted({shard.place(shard.group_of(item, pattern), _MOST_DIGITS) for pattern in patterns})
        counts = range(1, _MOST_DIGITS + 1)
        files = [shard.path(self.dataset.name, layer, name[:count]) for name in names for count in counts]
        first = Key(self.dataset.name, item, "")
        start = shard.prefix(first) if layer == "items" else b'{"item":' + shard.prefix(first).removeprefix(b'{"id":')
        return Scope(layer, tuple(dict.fromkeys(files)), start=start)

    def groups(self) -> set[str | None]:
        """Return every `group` expression the dataset ever had, None for having none."""
        if self._groups is None:
            path = f"datasets/{self.dataset.name}/dataset.yaml"
            self._groups = {None, self.dataset.group}
            versions = [self._reader.read(path, Entry("git", oid)) for oid in log.blobs(self.git, self.head, path)]
            for value in projects.values(self.git, [("dataset", data) for data in versions if b"group" in data]):
                group = value.get("group") if isinstance(value, dict) else None
                if isinstance(group, str) and not expression.trouble(group):
                    self._groups.add(group)
        return self._groups

    def line(self, commit: str, key: Key) -> bytes | None:
        """Return a line as it was at a commit."""
        found = self.lines(commit, self.item(key.item, "annotations" if key.id else "items"))
        return found.get(key)

    def lines(self, commit: str, scope: Scope) -> dict[Key, bytes]:
        """Return the lines of a scope with `files` at a commit, through the DVC pointer where there is one."""
        if not commit:
            return {}
        entries = tree.commit(self.git, commit, scope.files).entries
        wanted = [(path, entries[path]) for path in scope.files if path in entries]
        found: dict[Key, bytes] = {}
        for path, entry in wanted:
            for raw in shard.lines(self._reader.read(path, entry)):
                if _within(raw, scope.start):
                    key = shard.key_of(raw, self.dataset.name, scope.layer)
                    if key:
                        found[key] = raw
        return found

    def sides(self, entry: log.Entry, scope: Scope) -> life.Sides:
        """Return for each parent of a commit the lines in scope that differ, by the bytes that name them."""
        files = [file for file in entry.files if file.path.endswith(".dvc") or self._covers(scope, file.path)]
        parents = entry.commit.parents or ("",)
        if any(file.path.endswith(".dvc") or (isinstance(file, Merged) and not _whole(file)) for file in files):
            return [self._compared(parent, entry.commit.id, scope) for parent in parents]
        merged = [file for file in files if isinstance(file, Merged)]
        plain = [file for file in files if isinstance(file, FileChange)]
        if not merged:
            return [self._named(plain, scope)]
        return [self._named(self._walked(merged, at), scope) for at in range(len(parents))]

    def _covers(self, scope: Scope, path: str) -> bool:
        found = shard.parse_path(path)
        if found is None or found[:2] != (self.dataset.name, scope.layer):
            return False
        return path in scope.files if scope.files else found[2].startswith(scope.prefix[: len(found[2])])

    def _compared(self, parent: str, commit: str, scope: Scope) -> _Sides:
        """Return what differs between two commits by their files, in git or behind pointers."""
        folder = f"datasets/{self.dataset.name}/{scope.layer}"
        under = scope.files or (folder,)
        old, new = [tree.commit(self.git, rev, under) if rev else tree.empty() for rev in (parent, commit)]
        old, new = [
            one._replace(entries={path: e for path, e in one.entries.items() if self._covers(scope, path)})
            for one in (old, new)
        ]
        return self._named(tree.changes(self.git, old, new, f"{folder}/"), scope)

    def _walked(self, files: list[Merged], parent: int) -> Iterator[FileChange]:
        for path, olds, new in files:
            one, two = [self._reader.read(path, Entry("git", oid)) for oid in (olds[parent], new)]
            yield patch.walk(path, one, two)

    def _named(self, files: Iterator[FileChange] | list[FileChange], scope: Scope) -> _Sides:
        """Return the lines that went and those that came, by what names them; what only moved is in neither."""
        gone: dict[life.Name, bytes] = {}
        come: dict[life.Name, bytes] = {}
        match = shard.HEADS[scope.layer].match
        for file in files:
            for lines, into in ((file.old, gone), (file.new, come)):
                for raw in lines:
                    head = match(raw)
                    if head is not None and _within(raw, scope.start):
                        into[head.group()] = raw
        for name in [name for name, raw in gone.items() if come.get(name) == raw]:
            del gone[name], come[name]
        return gone, come


def _within(raw: bytes, start: bytes) -> bool:
    """Tell whether a line begins with some whole members."""
    return not start or (raw.startswith(start) and raw[len(start) : len(start) + 1] in (b",", b"}"))


def _whole(file: Merged) -> bool:
    return bool(file.new) and all(file.olds)

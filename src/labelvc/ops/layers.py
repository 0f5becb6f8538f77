"""Layers: the shards of a project's datasets at one commit, cut into cells that hold the same items in every version."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from labelvc.codec import shard
from labelvc.errors import DataError
from labelvc.model.names import Layer
from labelvc.model.project import Project
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import project as projects
from labelvc.store import git as plumbing
from labelvc.store import pointer, treewalk
from labelvc.store.git import Git
from labelvc.store.reader import Reader
from labelvc.store.treewalk import Outline, Stage

_MARKER = b"<<<<<<< "
Side = Mapping[str, Entry]
"""Path to entry of some shards of one version."""
Sides = tuple[Side, ...]
"""The same cell in several versions."""


class Layout(NamedTuple):
    """Where a dataset's annotations or items lie.

    Attributes:
        digits: number of digits in a shard's name.
        storage: `git` or `dvc`.
        group: the dataset's `group` expression.
    """

    digits: int
    storage: str
    group: str | None


class Version(NamedTuple):
    """The project at a commit.

    Attributes:
        git: the repository.
        snapshot: all files that are no shards.
        rows: the same with their modes.
        project: what its documents say; None when they cannot be read.
        digits: dataset and layer to the numbers of digits in the names of the shards that git holds, each with how many.
        members: dataset and layer to the shards behind a DVC pointer.
        base: commit from which it was told; empty where its files were listed.
        moves: what differs from that, as `treewalk.moves` tells it.
    """

    git: Git
    snapshot: Snapshot
    rows: dict[str, Stage]
    project: Project | None
    digits: dict[tuple[str, Layer], dict[int, int]]
    members: Mapping[tuple[str, Layer], Side]
    base: str = ""
    moves: Mapping[str, str] | None = None

    @property
    def layers(self) -> set[tuple[str, Layer]]:
        """Each dataset and layer that has shards."""
        return {*self.digits, *self.members}

    def shards(self, dataset: str, layer: Layer) -> dict[str, Entry]:
        """Return the shards of a layer by path; what git itself holds is not hidden by a pointer."""
        found = dict(self.members.get((dataset, layer), {}))
        if (dataset, layer) in self.digits:
            for row in treewalk.files(self.git, self.snapshot.commit, f"datasets/{dataset}/{layer}"):
                if shard.parse_path(row.path) and row.entry is not None:
                    found[row.path] = row.entry
        return found


def version_of(git: Git, commit: str, reader: Reader) -> Version:
    """Return the project at a commit.

    Args:
        git: the repository.
        commit: full id.
        reader: reads its documents.

    Raises:
        StoreError: an object that is nowhere.
    """
    return _version(git, commit, treewalk.outline(git, commit), reader)


def version_after(base: Version, commit: str, reader: Reader) -> Version:
    """Return the project at a commit that came from another: what both have is listed and read once.

    Args:
        base: the other.
        commit: full id.
        reader: reads its documents.

    Raises:
        StoreError: an object that is nowhere.
    """
    start = base.snapshot.commit
    moves = treewalk.moves(base.git, start, commit)
    told = treewalk.outline_after(Outline(base.rows, base.digits), moves)
    if told.rows == base.rows:
        found = base._replace(snapshot=_documents(commit, told.rows), digits=told.digits)
    else:
        found = _version(base.git, commit, told, reader)
    return found._replace(base=start, moves=moves)


def _version(git: Git, commit: str, told: Outline, reader: Reader) -> Version:
    rows, digits = told
    snapshot = _documents(commit, rows)
    entries = snapshot.entries
    project = projects.examine(git, snapshot, reader)[1] if projects.TOP in entries else None
    members: dict[tuple[str, Layer], dict[str, Entry]] = defaultdict(dict)
    for path, entry in entries.items():
        if path.endswith(".dvc") and pointer.stands_for_shards(path):
            for name, member in reader.members(path, entry, entries.get(pointer.manifest_path(path))).items():
                found = shard.parse_path(name)
                if found:
                    members[found[:2]][name] = member
    return Version(git, snapshot, rows, project, digits, members)


def project_at(git: Git, rev: str) -> Project | None:
    """Return what the documents of a commit say; None when they cannot be read.

    Raises:
        StoreError: no such commit, or an object that is nowhere.
    """
    commit = plumbing.resolve(git, rev)
    snapshot = _documents(commit, treewalk.outline(git, commit).rows)
    with Reader(git) as reader:
        return projects.examine(git, snapshot, reader)[1] if projects.TOP in snapshot.entries else None


def project_here(start: Path) -> Project | None:
    """Return what HEAD's documents say in the repository that a folder belongs to; None when they cannot be read.

    Raises:
        StoreError: as for `project_at`, or there is no repository.
    """
    return project_at(plumbing.find(start), "HEAD")


def _documents(commit: str, rows: Mapping[str, Stage]) -> Snapshot:
    entries = {path: entry for path, row in rows.items() if (entry := row.entry) is not None}
    return Snapshot(commit, "commit", commit, entries)


def layout(version: Version, name: str, layer: Layer) -> Layout | None:
    """Return the layout of a layer in one version; None when it is not there."""
    dataset = version.project.datasets.get(name) if version.project else None
    members = version.members.get((name, layer), {})
    lengths = [abs(count) for count in version.digits.get((name, layer), ())]
    lengths += [len(parsed[2]) for path in members if (parsed := shard.parse_path(path))]
    if dataset is None and not lengths:
        return None
    digits = min(lengths) if lengths else shard.digits(dataset.shards) if dataset else 0
    storage = "dvc" if members or f"datasets/{name}/{layer}.dvc" in version.snapshot.entries else "git"
    return Layout(digits, storage, dataset.group if dataset else None)


def cells(versions: Sequence[Version], dataset: str, layer: Layer) -> Iterator[Sides]:
    """Yield the shards of a layer that may differ between versions, in cells that hold the same items in each.

    Args:
        versions: the first is the one the others come from.
        dataset: name.
        layer: of the shards.

    Yields:
        A cell's shards in each version.

    Raises:
        StoreError: an object is missing.
    """
    yield from (_moved if _is_one_layout(versions, dataset, layer) else _parted)(versions, dataset, layer)


def _is_one_layout(versions: Sequence[Version], dataset: str, layer: Layer) -> bool:
    """Tell whether a layer lies in git in all versions, with equal shards under equal names."""
    lengths = set().union(*[version.digits.get((dataset, layer), set()) for version in versions])
    layouts = {found for version in versions if (found := layout(version, dataset, layer)) is not None}
    return len(layouts) == len(lengths) == 1 and next(iter(layouts)).storage == "git" and min(lengths) > 0


def _moved(versions: Sequence[Version], dataset: str, layer: Layer) -> Iterator[Sides]:
    """Yield the shards that some version has otherwise than the first, from sorted streams, so that memory stays flat."""
    streams = [_changes(versions, number, f"datasets/{dataset}/{layer}") for number in range(1, len(versions))]
    for _, changes in groupby(heapq.merge(*streams), itemgetter(0)):
        found: list[Side] = []
        for _, number, was, new in changes:
            found = found or [was] * len(versions)
            found[number] = new
        yield tuple(found)


def _changes(versions: Sequence[Version], number: int, folder: str) -> Iterator[tuple[str, int, Side, Side]]:
    """Yield path, number and both sides of each shard in which a version differs from the first; what is no shard may lie out of order."""
    base, version = versions[0].snapshot.commit, versions[number]
    if version.moves is not None and version.base == base:
        rows = treewalk.moved_in(version.moves.get(folder, ""))
    else:
        rows = treewalk.moved(version.git, base, version.snapshot.commit, folder)
    for path, was, new in rows:
        if shard.parse_path(path):
            yield path, number, {path: was} if was else {}, {path: new} if new else {}


def _parted(versions: Sequence[Version], dataset: str, layer: Layer) -> Iterator[Sides]:
    """Yield all shards of a layer, whatever layout each version has."""
    files = [version.shards(dataset, layer) for version in versions]
    groups = {found.group for version in versions if (found := layout(version, dataset, layer)) is not None}
    names = [parsed[2] for side in files for path in side if (parsed := shard.parse_path(path))]
    # a name's first digits are those of one digest whatever the number of shards; in another group an item may lie anywhere
    width = min(map(len, names), default=0) if len(groups) <= 1 else 0
    sides = [_by_digits(side, width) for side in files]
    for name in sorted(set().union(*sides)):
        yield tuple([side.get(name, {}) for side in sides])


def _by_digits(files: Side, width: int) -> dict[str, dict[str, Entry]]:
    """Return the files by the first digits of their names."""
    found: dict[str, dict[str, Entry]] = defaultdict(dict)
    for path, entry in files.items():
        parsed = shard.parse_path(path)
        if parsed:
            found[parsed[2][:width]][path] = entry
    return found


def joined(parts: Iterable[tuple[str, bytes]]) -> bytes:
    """Return the lines of a cell's files as one text.

    Raises:
        DataError: a file holds conflict markers.
    """
    found = []
    for path, data in parts:
        if b"<" in data and (data.startswith(_MARKER) or b"\n" + _MARKER in data):
            raise DataError("conflict markers were committed", where=path, hint=f"git log -- {path}")
        found.append(data if data.endswith(b"\n") or not data else data + b"\n")
    return found[0] if len(found) == 1 else b"".join(found)

"""Layers: the shards of a project's datasets at one moment, cut into cells that hold the same items in every version."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from labelvc.codec import shard
from labelvc.errors import DataError
from labelvc.model.names import Layer
from labelvc.model.project import Project
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import project as projects
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_MARKER = b"<<<<<<< "


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
        snapshot: its files.
        project: what its documents say; None when they cannot be read.
        layers: dataset and layer to the shards, by path.
    """

    snapshot: Snapshot
    project: Project | None
    layers: Mapping[tuple[str, Layer], Mapping[str, Entry]]


def version_of(git: Git, commit: str, reader: Reader) -> Version:
    """Return the project at a commit.

    Raises:
        StoreError: an object that is nowhere.
    """
    snapshot = tree.commit(git, commit)
    project = projects.examine(git, snapshot, reader)[1] if projects.TOP in snapshot.entries else None
    layers: dict[tuple[str, Layer], dict[str, Entry]] = defaultdict(dict)
    for path, entry in snapshot.entries.items():
        found = shard.parse_path(path)
        if found:
            layers[found[:2]][path] = entry
    return Version(snapshot, project, layers)


def layout(version: Version, name: str, layer: Layer, files: Mapping[str, Entry]) -> Layout | None:
    """Return the layout of a layer in one version; None when it is not there."""
    dataset = version.project.datasets.get(name) if version.project else None
    if dataset is None and not files:
        return None
    path, entry = next(iter(files.items()), ("", None))
    found = shard.parse_path(path)
    digits = len(found[2]) if found else shard.digits(dataset.shards) if dataset else 0
    pointed = f"datasets/{name}/{layer}.dvc" in version.snapshot.entries
    storage = "dvc" if pointed or (entry and entry.kind == "dvc") else "git"
    return Layout(digits, storage, dataset.group if dataset else None)


def width(files: Sequence[Mapping[str, Entry]], layouts: Sequence[Layout | None]) -> int:
    """Return how many digits of a name tell apart cells that hold the same items in every version: 0 when grouping differs."""
    if len({layout.group for layout in layouts if layout is not None}) > 1:
        return 0
    return min([len(found[2]) for side in files for path in side if (found := shard.parse_path(path))], default=0)


def cells(files: Mapping[str, Entry], width: int) -> dict[str, dict[str, Entry]]:
    """Return the files by the first digits of their names, which are prefixes of one digest whatever the number of shards."""
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
        if data.startswith(_MARKER) or b"\n" + _MARKER in data:
            raise DataError("conflict markers were committed", where=path, hint=f"git log -- {path}")
        found.append(data if data.endswith(b"\n") or not data else data + b"\n")
    return found[0] if len(found) == 1 else b"".join(found)

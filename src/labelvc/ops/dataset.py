"""Datasets: what there is, what one holds, a new one, and whether one may be rewritten mechanically."""

from __future__ import annotations

import importlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from labelvc.codec import document, expression, shard
from labelvc.codec.quick import UNREADABLE
from labelvc.errors import ConfigurationError, DataError, RefusedError, StoreError
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import project as projects
from labelvc.ops import sizes
from labelvc.store import conflicts, disk, files, stale, tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

Advance = Callable[[int], None]
_CONFLICT = (b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_DOCUMENT = "schema: urn:labelvc:schema:dataset:1\nname: {name}\nid: {id}\n"
_readable = msgspec.json.Decoder(msgspec.Raw).decode


class Shown(NamedTuple):
    """What a dataset holds.

    Attributes:
        dataset: its document.
        items, records, gone: how many, tombstones counted apart; -1 items when they are not on this machine.
        shards: files of annotations.
        sizes: bytes of a shard of annotations.
        lines: records of a shard, tombstones included.
        advice: whether another number of shards would fit.
        coverage: task to items that have a record of it; None when it was not asked for.
    """

    dataset: Dataset
    items: int
    records: int
    gone: int
    shards: int
    sizes: sizes.Spread
    lines: sizes.Spread
    advice: sizes.Advice
    coverage: Mapping[str, int] | None


class Wanted(NamedTuple):
    """A dataset to be made: see `model.project.Dataset`; `id` is a fresh UUID."""

    name: str
    id: str
    tasks: tuple[str, ...]
    storage: str = "git"
    shards: int = 16
    group: str | None = None
    natural_key: tuple[str, ...] = ()


def listing(git: Git) -> list[Shown]:
    """Return every dataset of the work tree by name; lines are counted, not decoded.

    Raises:
        ConfigurationError: no project here, or its documents are wrong.
        StoreError: a file cannot be read.
    """
    work, project = opened(git)
    return [_shown(git, work, project.datasets[name], tasks=False) for name in sorted(project.datasets)]


def show(git: Git, name: str, advance: Advance | None = None) -> tuple[Shown, Project]:
    """Return what one dataset of the work tree holds, with the coverage of its tasks, and its project.

    Args:
        git: the repository.
        name: the dataset.
        advance: called with the number of shards looked at.

    Raises:
        ConfigurationError: there is no such dataset, or no project.
        StoreError: a file cannot be read.
    """
    work, project = opened(git)
    return _shown(git, work, projects.dataset(project, name), tasks=True, advance=advance), project


def opened(git: Git) -> tuple[Snapshot, Project]:
    """Return the work tree and the project in it.

    Raises:
        ConfigurationError: no project here, or its documents are wrong.
        StoreError: a file cannot be read.
    """
    work = tree.work(git)
    with tree.reader(git) as reader:
        return work, projects.load(git, work, reader)


def new(git: Git, wanted: Wanted) -> str:
    """Write the document of a new dataset.

    Args:
        git: the repository.
        wanted: the dataset.

    Returns:
        The document's path.

    Raises:
        RefusedError: something of that name is there.
        ConfigurationError: a task does not exist, the name or another value cannot be, or DVC is not set up.
        StoreError: the disk is full or not ours.
    """
    path = f"datasets/{wanted.name}/dataset.yaml"
    with files.lock(git):
        work, project = opened(git)
        data = _document(wanted, project, path)
        if wanted.storage == "dvc":
            refuse_without_dvc(git)
        there = next((entry for entry in work.entries if entry.startswith(f"datasets/{wanted.name}/")), None)
        if there or os.path.lexists(git.top / "datasets" / wanted.name):
            place = there or f"datasets/{wanted.name}"
            raise RefusedError("a dataset of that name is there", where=place, hint="choose another name")
        disk.write_all({git.top / path: data}, git.top)
    return path


def refuse_without_dvc(git: Git) -> None:
    """Refuse to put something behind DVC where it is not set up.

    Raises:
        ConfigurationError: there is no .dvc/config.
    """
    if not (git.top / ".dvc" / "config").is_file():
        raise ConfigurationError("DVC is not set up in this repository", where=".dvc/config", hint="dvc init")


def refuse_dirty(git: Git, dataset: Dataset, work: Snapshot, *, staged: bool = False) -> None:
    """Refuse to rewrite a dataset that has changes which are not committed: they could not be told apart afterwards.

    Args:
        git: the repository.
        dataset: the dataset.
        work: the work tree.
        staged: what is staged may differ from HEAD: a merge put it there, and the index tells it apart.

    Raises:
        StoreError: a merge left it in conflict, or another branch's shards lie behind its DVC pointer.
        RefusedError: a shard or the dataset's document differs from HEAD.
    """
    folder = f"datasets/{dataset.name}/"
    conflict = next((path for path in conflicts.unmerged(git) if path.startswith(folder)), None)
    if conflict:
        raise StoreError("a merge left conflicts", where=conflict, hint="mend them, git add them and commit")
    if dataset.storage == "dvc":
        stale.refuse(git, f"{folder}annotations")
    if not any(shard.parse_path(path) for path in work.entries if path.startswith(folder)):
        return
    index = tree.index(git)
    head = tree.commit(git, "HEAD") if index.commit else tree.empty()
    for old, later in ((index, work),) if staged else ((head, index), (index, work)):
        for change in tree.changes(git, old, later, folder):
            if shard.parse_path(change.path) or change.path == f"{folder}dataset.yaml":
                message = f"{dataset.name} has changes that are not committed"
                hint = "labelvc diff, then git commit or git stash --include-untracked"
                raise RefusedError(message, where=change.path, hint=hint)


def layer_lines(
    reader: Reader, work: Snapshot, dataset: Dataset, paths: list[str]
) -> Iterator[tuple[Layer, str, str, bytes]]:
    """Yield the lines of some shards of a work tree with what decides their place; all of them can be read.

    Args:
        reader: reads them.
        work: the work tree.
        dataset: the dataset.
        paths: paths of shards.

    Yields:
        (layer, path, item id, line); memory holds one shard at a time.

    Raises:
        DataError: a conflict marker, a line without a key or one that is no JSON.
        StoreError: a file cannot be read.
    """
    pairs = [(path, work.entries[path]) for path in paths]
    behind = any(entry.kind == "dvc" for _, entry in pairs)
    for path, data in reader.many(pairs) if behind else reader.lying(pairs):
        layer: Layer = "items" if f"/{dataset.name}/items/" in path else "annotations"
        for number, raw in enumerate(shard.lines(data), 1):
            key = shard.key_of(raw, dataset.name, layer)
            if key is None or not _is_json(raw):
                raise _unreadable(raw, f"{path}:{number}")
            yield layer, path, key.item, raw


def _is_json(raw: bytes) -> bool:
    try:
        _readable(raw)
    except UNREADABLE:
        return False
    return True


def _unreadable(raw: bytes, where: str) -> DataError:
    if raw.startswith(_CONFLICT):
        return DataError(
            "a conflict marker is left", where=where, hint="keep one line of each key, delete the markers, commit"
        )
    return DataError("the line cannot be read", where=where, hint="labelvc check --all, and mend what it finds")


def _shown(git: Git, work: Snapshot, dataset: Dataset, *, tasks: bool, advance: Advance | None = None) -> Shown:
    try:
        found = sizes.of_dataset(git, work, dataset.name, tasks=tasks, advance=advance)
    except StoreError:  # DVC objects that nobody has pulled
        nothing = sizes.Spread(0, 0, 0)
        places = filter(None, map(shard.parse_path, work.entries))
        shards = sum(place[:2] == (dataset.name, "annotations") for place in places)
        advice = sizes.Advice(dataset.shards, wanted=False)
        return Shown(dataset, -1, -1, 0, shards, nothing, nothing, advice, None)
    mine = [size for (layer, _), size in found.items() if layer == "annotations"]
    gone, coverage = sum(size.gone for size in mine), Counter[str]()
    for size in mine:
        coverage.update(size.covered)
    return Shown(
        dataset,
        sum(size.lines for (layer, _), size in found.items() if layer == "items"),
        sum(size.lines for size in mine) - gone,
        gone,
        len(mine),
        sizes.spread(size.bytes for size in mine),
        sizes.spread(size.lines for size in mine),
        sizes.advice(dataset, [size.bytes for size in mine]),
        {name: coverage[name] for name in dataset.tasks} if tasks else None,
    )


def _document(wanted: Wanted, project: Project, path: str) -> bytes:
    """Return the bytes of a new dataset's document, held against its schema."""
    if not _NAME.fullmatch(wanted.name):
        message = "a dataset's name consists of letters, digits, _ and -, at most 64"
        raise ConfigurationError(message, where=wanted.name[:64], hint="labelvc dataset new my-texts --task TASK")
    unknown = [name for name in wanted.tasks if name not in project.tasks]
    if unknown or not wanted.tasks:
        message = f"there is no task {unknown[0]!r}" if unknown else "a dataset needs a task"
        hint = f"--task with one of: {', '.join(project.tasks)}"
        raise ConfigurationError(message, where=projects.TOP, hint=hint)
    expression.compiled(wanted.group)
    shard.digits(wanted.shards)
    values: dict[tuple[str, ...], Any] = {("tasks",): dict.fromkeys(wanted.tasks, True)}
    values |= {("storage",): wanted.storage, ("shards",): wanted.shards}
    values |= {("group",): wanted.group} if wanted.group else {}
    values |= {("natural_key",): list(wanted.natural_key)} if wanted.natural_key else {}
    data = document.edit(_DOCUMENT.format(name=wanted.name, id=wanted.id).encode(), values)
    # Reading a document against its schema brings ruamel.yaml and jsonschema: only who makes one pays.
    troubles = importlib.import_module("labelvc.ops.parsing").parse("dataset", data).troubles
    if troubles:
        message = f"{troubles[0].pointer} {troubles[0].message}".strip()
        raise ConfigurationError(message, where=path, hint="labelvc dataset new --help")
    return data

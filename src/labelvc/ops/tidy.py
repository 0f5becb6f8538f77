"""Tidy: bring the work tree into canonical form, with `rev` and tombstones set against HEAD."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from labelvc.codec import canonical, shard
from labelvc.errors import DataError, StoreError
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset
from labelvc.model.snapshot import Snapshot
from labelvc.ops import project as projects
from labelvc.ops import rewrite
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git

_FIRST: dict[Layer, tuple[str, ...]] = {"annotations": canonical.RECORD_FIRST, "items": canonical.ITEM_FIRST}


class Tidied(NamedTuple):
    """What formatting changed: dataset to its rewrite, datasets without a change left out."""

    rewrites: dict[str, rewrite.Rewrite]


def tidy(git: Git, *, staged: bool = False) -> Tidied:
    """Rewrite every shard that is not as it should be.

    Args:
        git: the repository.
        staged: work on what is staged and stage the result; files that also have unstaged edits are refused.

    Returns:
        What was changed.

    Raises:
        DataError: a line cannot be read; says which.
        StoreError: with `staged`, a shard differs between index and work tree.
    """
    head = tree.commit(git, "HEAD") if plumbing.head(git) else tree.empty()
    work, index = tree.work(git), tree.index(git)
    if staged:
        _refuse_half_staged(head, index, work)
    with tree.reader(git) as reader:
        project = projects.load(git, work, reader)
    done: dict[str, rewrite.Rewrite] = {}
    for dataset in project.datasets.values():
        touched = [path for path in tree.changed(head, work, f"datasets/{dataset.name}/") if shard.parse_path(path)]
        if not touched:
            continue
        change = _rewritten(git, dataset, head, work, touched)
        unstored = dataset.storage == "dvc"
        if change.files or unstored:
            rewrite.write(git, dataset, change)
            done[dataset.name] = change
        if staged and change.files:
            plumbing.add(git, list(change.files))
    return Tidied({name: change for name, change in done.items() if change.files})


def _refuse_half_staged(head: Snapshot, index: Snapshot, work: Snapshot) -> None:
    staged = {path for path in tree.changed(head, index, "datasets/") if shard.parse_path(path)}
    mixed = sorted(staged & set(tree.changed(index, work, "datasets/")))
    if mixed:
        raise StoreError(
            f"{len(mixed)} staged shards also have unstaged edits",
            where=mixed[0],
            hint="git add datasets, or git stash --keep-index; then labelvc format --staged",
        )


def _rewritten(git: Git, dataset: Dataset, head: Snapshot, work: Snapshot, touched: Iterable[str]) -> rewrite.Rewrite:
    """Return the rewrite of the touched shards, seen as a dataset of their own lines."""
    paths = set(touched)
    lines: dict[Layer, dict[Key, bytes]] = {"items": {}, "annotations": {}}
    with tree.reader(git) as reader:
        for path, data in reader.many([(path, work.entries[path]) for path in sorted(paths) if path in work.entries]):
            parsed = shard.parse_path(path)
            for number, raw in enumerate(shard.lines(data), 1):
                if parsed:
                    key, line = _canonical(raw, dataset, parsed[1], f"{path}:{number}")
                    if lines[parsed[1]].setdefault(key, line) != line:
                        raise DataError(
                            f"the key {key} occurs twice", where=f"{path}:{number}", hint="keep one of the lines"
                        )
    return rewrite.plan(git, dataset, head, work, rewrite.Wanted(lines))


def _canonical(raw: bytes, dataset: Dataset, layer: Layer, where: str) -> tuple[Key, bytes]:
    if raw.startswith((b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>")):
        raise DataError("a conflict marker is left", where=where, hint="keep one line of each key, delete the markers")
    try:
        fields = canonical.decode(raw)
        if isinstance(fields, dict):
            value = fields.get("value")
            if isinstance(value, dict) and isinstance(value.get("labels"), list):
                value["labels"] = sorted(set(value["labels"]))
            line = canonical.encode(fields, _FIRST[layer])
            key = shard.key_of(line, dataset.name, layer)
            if key is not None:
                return key, line
    except (DataError, TypeError) as error:
        raise DataError(str(error), where=where, hint="correct the line by hand, or git checkout the file") from None
    raise DataError("the line has no key", where=where, hint="a record starts with item and id, an item with id")

"""Rewrite: turn lines as they should be into files, with `rev` and tombstones set against HEAD, all or nothing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping
from typing import NamedTuple

from labelvc.codec import shard
from labelvc.core import revise
from labelvc.core.diff import decoded, live
from labelvc.errors import DataError
from labelvc.model.change import Delta
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.journal import Transaction
from labelvc.store.reader import Reader

_LAYERS: tuple[Layer, ...] = ("annotations", "items")


class Wanted(NamedTuple):
    """How a dataset should look.

    Attributes:
        lines: for each layer, key to canonical line; the `rev` in a line is ignored.
        whole: layers whose other lines are to go (records leave tombstones); otherwise they stay.
        tasks: with `whole`, only records of these tasks go; empty means all. An item stays while a record of it does.
        mended: work-tree shards whose lines, whatever their form, are all in `lines`; any other shard must be sound.
    """

    lines: Mapping[Layer, Mapping[Key, bytes]]
    whole: frozenset[Layer] = frozenset()
    tasks: frozenset[str] = frozenset()
    mended: frozenset[str] = frozenset()


class Rewrite(NamedTuple):
    """What writing would do.

    Attributes:
        files: path to new bytes, None to delete; only files that differ from the work tree.
        deltas: what changes against the work tree, items first.
    """

    files: dict[str, bytes | None]
    deltas: list[Delta]


def plan(
    git: Git, dataset: Dataset, head: Snapshot, work: Snapshot, wanted: Wanted, since: Snapshot | None = None
) -> Rewrite:
    """Work out which files to write so that a dataset looks as wanted.

    Args:
        git: the repository.
        dataset: the dataset, with the number of shards it shall have.
        head: the commit that `rev` counts from: importing twice before a commit raises `rev` once.
        work: the work tree.
        wanted: how it should look.
        since: an earlier commit whose `rev` must have been outgrown as well.

    Returns:
        The files that differ, and the deltas.

    Raises:
        DataError: a shard holds a line without a key, or two lines of one key, of which rewriting would lose one; or a
            record of one task would take the place of another task's.
    """
    folder = f"datasets/{dataset.name}/"
    k, pattern = shard.digits(dataset.shards), re.compile(dataset.group) if dataset.group else None
    new: dict[str, bytes | None] = {}
    deltas: dict[Layer, list[Delta]] = {}
    with tree.reader(git) as reader:
        needed: set[str] = set()
        for layer in _LAYERS:
            present = _keyed(reader, work, folder, layer, wanted.mended)
            committed = _keyed(reader, head, folder, layer)
            if layer == "annotations":
                _refuse_other_tasks(wanted, present)
            result = _result(present, committed, wanted, layer, needed)
            if since is not None and layer == "annotations":
                for key, raw in _keyed(reader, since, folder, layer).items():
                    grown = revise.past(raw, result.get(key), key)
                    if grown is not None:
                        result[key] = grown
            if "items" in wanted.whole:
                needed.update([key.item for key, raw in result.items() if live(raw) is not None])
            deltas[layer] = [
                *[Delta(key, present.get(key), raw) for key, raw in sorted(result.items()) if present.get(key) != raw],
                *[Delta(key, raw, None) for key, raw in sorted(present.items()) if key not in result],
            ]
            new.update(_files(dataset.name, layer, result, k, pattern))
        old = [path for path in work.entries if path.startswith(folder) and shard.parse_path(path)]
        for path in old:
            if path not in new:
                new[path] = None
            elif _lies(git, path, work.entries[path]) and reader.read(path, work.entries[path]) == new[path]:
                del new[path]
    return Rewrite(dict(sorted(new.items())), [*deltas["items"], *deltas["annotations"]])


def put(change: Transaction, dataset: Dataset, rewrite: Rewrite, extra: Mapping[str, bytes] | None = None) -> None:
    """Put the files of a rewrite into a transaction; those of a DVC dataset will be stored with DVC as well.

    The caller holds `files.lock` since before it listed the work tree: what another command writes between a plan and its
    writing would be overwritten.

    Args:
        change: takes the files.
        dataset: the dataset they belong to.
        rewrite: what to write.
        extra: documents to write in the same step.

    Raises:
        StoreError: the disk is full or read-only; then nothing has changed.
    """
    for path, data in {**rewrite.files, **(extra or {})}.items():
        if data is None:
            change.delete(path)
        else:
            change.write(path, data)
    if dataset.storage == "dvc":
        change.then("store", [f"datasets/{dataset.name}/annotations"])


def _lies(git: Git, path: str, entry: Entry) -> bool:
    """Tell whether a file is in the work tree: what only the pointer names must be written before DVC stores the folder anew."""
    return entry.kind != "dvc" or (git.top / path).exists()


def _result(
    present: Mapping[Key, bytes],
    committed: Mapping[Key, bytes],
    wanted: Wanted,
    layer: Layer,
    needed: Container[str] = (),
) -> dict[Key, bytes]:
    """Return a layer as it is to be: what is asked, what stays, and tombstones of records that went since the commit."""
    asked = wanted.lines.get(layer, {})
    result = (
        dict(asked) if layer == "items" else {key: _follow(committed.get(key), key, raw) for key, raw in asked.items()}
    )
    for key, raw in present.items():
        if key in asked:
            continue
        if layer not in wanted.whole or (wanted.tasks and layer == "annotations" and _task(raw) not in wanted.tasks):
            result[key] = raw
        elif layer == "annotations":
            buried = revise.successor(committed.get(key), None, key)
            if buried is not None:
                result[key] = buried
        elif key.item in needed:
            result[key] = raw
    for key, raw in committed.items():
        if layer == "annotations" and key not in result and (key not in present or layer in wanted.whole):
            buried = revise.successor(raw, None, key)
            if buried is not None:
                result[key] = buried
    return result


def _refuse_other_tasks(wanted: Wanted, present: Mapping[Key, bytes]) -> None:
    """Refuse to write a record over one that answers another task: their sources happen to use the same ids."""
    for key, raw in wanted.lines.get("annotations", {}).items():
        old = live(present.get(key)) if wanted.tasks else None
        if old is not None and _task(old) not in wanted.tasks and _task(old) != _task(raw):
            hint = "choose another --key, or import each task into a dataset of its own"
            raise DataError(f"{key} already answers the task {_task(old)!r}", hint=hint)


def _follow(old: bytes | None, key: Key, raw: bytes) -> bytes:
    if old == raw:
        return raw
    fields = decoded(raw)
    if old is None and fields.get("rev") == 1:
        return raw
    line = revise.successor(old, None if fields.get("gone") is True else fields, key)
    return raw if line is None else line


def _task(raw: bytes) -> str:
    return str(decoded(raw).get("task", ""))


def _keyed(
    reader: Reader, snapshot: Snapshot, folder: str, layer: Layer, mended: Container[str] | None = None
) -> dict[Key, bytes]:
    """Return the lines of a layer by key.

    A work tree's shard (`mended` is given) must be sound unless it is among the mended: what cannot be named would be lost.
    Of a key that a commit holds twice, the line with the highest `rev` counts.
    """
    found: dict[Key, bytes] = {}
    for path, data in reader.many(list(_shards(snapshot, folder, layer))):
        dataset, strict = path.split("/")[1], mended is not None and path not in mended
        for number, raw in enumerate(shard.lines(data), 1):
            key = shard.key_of(raw, dataset, layer)
            if strict and (key is None or found.get(key, raw) != raw):
                said = "the line has no key" if key is None else f"the key {key} occurs twice"
                raise DataError(said, where=f"{path}:{number}", hint="labelvc check --all, and mend what it finds")
            if key is not None and (key not in found or revise.revision(raw) >= revise.revision(found[key])):
                found[key] = raw
    return found


def _shards(snapshot: Snapshot, folder: str, layer: Layer) -> Iterator[tuple[str, Entry]]:
    for path, entry in snapshot.entries.items():
        parsed = shard.parse_path(path) if path.startswith(folder) else None
        if parsed and parsed[1] == layer:
            yield path, entry


def _files(
    dataset: str, layer: Layer, lines: Mapping[Key, bytes], k: int, pattern: re.Pattern[str] | None
) -> dict[str, bytes | None]:
    names: dict[str, str] = {}
    cells: dict[str, list[bytes]] = defaultdict(list)
    for key, raw in lines.items():
        name = names.get(key.item)
        if name is None:
            name = names[key.item] = shard.place(shard.group_of(key.item, pattern), k)
        cells[name].append(raw)
    return {shard.path(dataset, layer, name): shard.write(raws) for name, raws in cells.items()}

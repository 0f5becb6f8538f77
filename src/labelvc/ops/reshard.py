"""Reshard: another number of shards or another group, every line as it was; and annotations moved between git and DVC."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from typing import Literal, NamedTuple

import msgspec

from labelvc.codec import document, expression, shard
from labelvc.errors import DataError
from labelvc.model.names import Layer
from labelvc.model.project import Dataset
from labelvc.model.snapshot import Snapshot
from labelvc.ops import dataset as datasets
from labelvc.ops import project as projects
from labelvc.ops import sizes
from labelvc.ops.dataset import Advance
from labelvc.spill import Spill
from labelvc.store import files, journal, tree
from labelvc.store.git import Git
from labelvc.store.journal import Transaction

Batch = dict[tuple[Layer, str], list[bytes]]
_DIGITS = 5  # 1,024 parts: of ten million records, one is some MiB


class Layout(NamedTuple):
    """How a dataset's lines are spread: over how many shards, by which `group` expression."""

    shards: int
    group: str | None


class Done(NamedTuple):
    """What a mechanical rewrite did, or would do.

    Attributes:
        old, new: the two layouts.
        storage: `git` or `dvc`, after.
        lines: how many items and records were looked at.
        written, deleted: how many shards; equal ones are left alone.
        sizes: bytes of a shard of annotations afterwards.
        documents: other files that change.
        moved: whether there was anything to do.
        advice: whether another number of shards would fit what the dataset is afterwards; None when it was not asked.
    """

    old: Layout
    new: Layout
    storage: str
    lines: int
    written: int
    deleted: int
    sizes: sizes.Spread
    documents: list[str]
    moved: bool = True
    advice: sizes.Advice | None = None


class Request(NamedTuple):
    """What a person asked for: a number of shards (0 lets `sizes.fitting` choose), and whether to set another group."""

    name: str
    shards: int | None = None
    group: str | None = None
    regroup: bool = False


def reshard(git: Git, request: Request, *, dry: bool = False, advance: Advance | None = None) -> Done:
    """Spread a dataset's lines over another number of shards or by another group; no line changes.

    Args:
        git: the repository.
        request: what is asked.
        dry: only say what would happen.
        advance: called with the number of lines done.

    Returns:
        What happened.

    Raises:
        ConfigurationError: no such dataset, number of shards or expression.
        RefusedError: the dataset has changes that are not committed.
        DataError: a line cannot be read, or is not in its shard.
        StoreError: a conflict, another command writes here, or the disk, git or DVC could not do it.
    """
    with nullcontext(0) if dry else files.lock(git) as since:
        work, project = datasets.opened(git)
        dataset = projects.dataset(project, request.name)
        layout = _asked(git, work, dataset, request)
        old = Layout(dataset.shards, dataset.group)
        if layout == old:
            return Done(old, old, dataset.storage, 0, 0, 0, sizes.Spread(0, 0, 0), [], moved=False)
        datasets.refuse_dirty(git, dataset, work)
        if dry:
            return _respread(git, work, dataset, layout, None, advance)
        with journal.transaction(git, f"dataset reshard {dataset.name}", since) as change:
            return _respread(git, work, dataset, layout, change, advance)


def store(
    git: Git, name: str, storage: Literal["git", "dvc"], *, dry: bool = False, advance: Advance | None = None
) -> Done:
    """Move a dataset's annotations between git and DVC; no line changes, and the result is staged.

    Args:
        git: the repository.
        name: the dataset.
        storage: where they shall lie.
        dry: only say what would happen.
        advance: called with the number of lines looked at.

    Returns:
        What happened.

    Raises:
        ConfigurationError: no such dataset, or DVC is not set up.
        RefusedError: the dataset has changes that are not committed.
        DataError: a line cannot be read.
        StoreError: a conflict, another command writes here, or the disk, git or DVC could not do it.
    """
    with nullcontext(0) if dry else files.lock(git) as since:
        work, project = datasets.opened(git)
        dataset = projects.dataset(project, name)
        layout = Layout(dataset.shards, dataset.group)
        if dataset.storage == storage:
            return Done(layout, layout, storage, 0, 0, 0, sizes.Spread(0, 0, 0), [], moved=False)
        if storage == "dvc":
            datasets.refuse_without_dvc(git)
        datasets.refuse_dirty(git, dataset, work)
        lines = _looked_at(git, work, dataset, advance)
        if dry:
            return _moved(git, work, dataset, storage, None)._replace(lines=lines)
        with journal.transaction(git, f"dataset storage {dataset.name} {storage}", since) as change:
            return _moved(git, work, dataset, storage, change)._replace(lines=lines)


def _asked(git: Git, work: Snapshot, dataset: Dataset, request: Request) -> Layout:
    group = request.group if request.regroup else dataset.group
    expression.compiled(group)
    shards = dataset.shards if request.shards is None else request.shards
    if not shards:
        found = sizes.of_dataset(git, work, dataset.name)
        total = sum(size.bytes for (layer, _), size in found.items() if layer == "annotations")
        shards = sizes.fitting(dataset.storage, total)
    shard.digits(shards)
    return Layout(shards, group)


def _respread(
    git: Git, work: Snapshot, dataset: Dataset, layout: Layout, change: Transaction | None, advance: Advance | None
) -> Done:
    """Write every line to its new shard, some shards at a time, then delete what is left of the old ones."""
    old = _paths(dataset, work)
    new: set[str] = set()
    lines = written = 0
    lengths: list[int] = []
    for batch in _batches(git, work, dataset, layout):
        for (layer, name), raws in sorted(batch.items()):
            path, data = shard.path(dataset.name, layer, name), shard.write(raws)
            new.add(path)
            if change is not None:
                change.write(path, data)
            lines, written = lines + len(raws), written + 1
            lengths += [len(data)] if layer == "annotations" else []
        if advance:
            advance(sum(map(len, batch.values())))
    gone = [path for path in old if path not in new]
    document_path = f"datasets/{dataset.name}/dataset.yaml"
    if change is not None:
        for path in gone:
            change.delete(path)
        edits: dict[tuple[str, ...], object] = {("shards",): layout.shards}
        if layout.group != dataset.group:
            edits["group",] = layout.group
        change.write(document_path, document.edit((git.top / document_path).read_bytes(), edits))
        if dataset.storage == "dvc" and old:
            change.then("store", [f"datasets/{dataset.name}/annotations"])
            change.then("stage", [document_path, f"datasets/{dataset.name}/items"])
    before = Layout(dataset.shards, dataset.group)
    spread = sizes.spread(lengths)
    return Done(before, layout, dataset.storage, lines, written, len(gone), spread, [document_path])


def _paths(dataset: Dataset, work: Snapshot) -> dict[str, str]:
    """Return path to shard name of a dataset's shards.

    Raises:
        DataError: one lies elsewhere than the dataset's document says.
    """
    found = {path: place for path in work.entries if (place := shard.parse_path(path)) and place[0] == dataset.name}
    for path, place in found.items():
        if 4 ** len(place[2]) != dataset.shards or shard.path(*place) != path:
            raise DataError(
                "the shard is none of those the dataset has", where=path, hint="labelvc format, then commit"
            )
    return {path: place[2] for path, place in found.items()}


def _batches(git: Git, work: Snapshot, dataset: Dataset, layout: Layout) -> Iterator[Batch]:
    """Yield the new shards, some at a time, each whole: memory holds what shares the first digits of both layouts."""
    if layout.group == dataset.group:
        yield from _by_digits(git, work, dataset, layout)
    else:
        yield from _by_spilling(git, work, dataset, layout)


def _by_digits(git: Git, work: Snapshot, dataset: Dataset, layout: Layout) -> Iterator[Batch]:
    """With the same group, a line stays among the shards whose names begin alike: those are read and written together."""
    digits = min(shard.digits(dataset.shards), shard.digits(layout.shards))
    sources: dict[str, list[str]] = defaultdict(list)
    for path, name in _paths(dataset, work).items():
        sources[name[:digits]].append(path)
    with tree.reader(git) as reader:
        for start, paths in sorted(sources.items()):
            batch: Batch = defaultdict(list)
            lines = datasets.layer_lines(reader, work, dataset, paths)
            for layer, path, name, raw in _placed(lines, layout):
                if not name.startswith(start):
                    raise DataError("a line is not in its shard", where=path, hint="labelvc format, then commit")
                batch[layer, name].append(raw)
            yield batch


def _by_spilling(git: Git, work: Snapshot, dataset: Dataset, layout: Layout) -> Iterator[Batch]:
    """With another group a line may go anywhere: all are sorted into a temporary file by the first digits of their shard."""
    digits = min(shard.digits(layout.shards), _DIGITS)
    with Spill(4**digits) as parts:
        with tree.reader(git) as reader:
            lines = datasets.layer_lines(reader, work, dataset, list(_paths(dataset, work)))
            for layer, _, name, raw in _placed(lines, layout):
                parts.add(int(name[:digits], 4), (layer, name, raw), len(raw))
        for rows in parts.all():
            batch: Batch = defaultdict(list)
            for layer, name, raw in rows:
                batch[layer, name].append(raw)
            yield batch


def _placed(lines: Iterable[tuple[Layer, str, str, bytes]], layout: Layout) -> Iterator[tuple[Layer, str, str, bytes]]:
    """Yield (layer, old path, new shard name, line); records of one item follow each other, so it is hashed once."""
    k, pattern = shard.digits(layout.shards), expression.compiled(layout.group)
    last, name = None, ""
    for layer, path, item, raw in lines:
        if item != last:
            last, name = item, shard.place(shard.group_of(item, pattern), k)
        yield layer, path, name, raw


def _looked_at(git: Git, work: Snapshot, dataset: Dataset, advance: Advance | None) -> int:
    """Count a dataset's lines, all of which can be read."""
    count = 0
    with tree.reader(git) as reader:
        for path in _paths(dataset, work):
            found = sum(1 for _ in datasets.layer_lines(reader, work, dataset, [path]))
            count += found
            if advance:
                advance(found)
    return count


def _moved(git: Git, work: Snapshot, dataset: Dataset, storage: str, change: Transaction | None) -> Done:
    """Write what differs between the two ways to store; DVC itself does the storing once the files are in place."""
    folder = f"datasets/{dataset.name}"
    layout = Layout(dataset.shards, dataset.group)
    mine = [path for path in _paths(dataset, work) if path.startswith(f"{folder}/annotations/")]
    ends = (".dvc", ".sha256")
    documents = [f"{folder}/dataset.yaml", f"{folder}/.gitignore", *[f"{folder}/annotations{end}" for end in ends]]
    documents = documents if mine else documents[:1]
    known = sizes.of_dataset(git, work, dataset.name)
    lengths = [size.bytes for (layer, _), size in known.items() if layer == "annotations"]
    advice = sizes.advice(msgspec.structs.replace(dataset, storage=storage), lengths)
    written = 0
    if storage == "git":
        written = _brought(git, work, mine, change)
    if change is not None:
        data = document.edit((git.top / documents[0]).read_bytes(), {("storage",): storage})
        change.write(documents[0], data)
        if storage == "git":
            for path in documents[2:]:
                change.delete(path)
            _unignored(git, folder, change)
            change.then("stage", [*documents, *([f"{folder}/annotations"] if mine else [])])
        else:
            if mine:
                change.then("unstage", [f"{folder}/annotations"])
                change.then("store", [f"{folder}/annotations"])
            change.then("stage", documents[:1])
    return Done(layout, layout, storage, 0, written, 0, sizes.spread(lengths), documents, advice=advice)


def _brought(git: Git, work: Snapshot, paths: list[str], change: Transaction | None) -> int:
    """Write the shards that lie in DVC's cache alone, or in the work tree as links to it; return how many."""
    behind = [(path, work.entries[path]) for path in paths if work.entries[path].kind == "dvc"]
    if change is not None:
        with tree.reader(git) as reader:
            for path, data in reader.many(behind):
                change.write(path, data, fresh=True)
    return len(behind)


def _unignored(git: Git, folder: str, change: Transaction) -> None:
    """Take DVC's line out of the `.gitignore` beside the annotations; a file without another line goes."""
    path = git.top / folder / ".gitignore"
    if path.is_file():
        kept = [line for line in path.read_bytes().splitlines(keepends=True) if line.strip() != b"/annotations"]
        if b"".join(kept).strip():
            change.write(path, b"".join(kept))
        else:
            change.delete(path)

"""Tidy: bring the work tree into canonical form, with `rev` and tombstones set against HEAD, or an earlier commit too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from labelvc.codec import canonical, shard
from labelvc.errors import DataError, StoreError
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset, Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import look, rewrite
from labelvc.ops import project as projects
from labelvc.ops.cells import cells_of
from labelvc.ops.incoming import ITEM, RECORD, Incoming, TwiceError
from labelvc.ops.look import Advance
from labelvc.store import conflicts, files, stale, tree
from labelvc.store import git as plumbing
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.journal import Transaction
from labelvc.store.reader import Reader

_HINT = "labelvc format"
_BY_HAND = "correct the line by hand, or git checkout the file"
_FIRST: dict[Layer, tuple[str, ...]] = {"annotations": canonical.RECORD_FIRST, "items": canonical.ITEM_FIRST}


class Tidied(NamedTuple):
    """What formatting changed.

    Attributes:
        rewrites: dataset to its rewrite, datasets without a change left out.
        stored: datasets whose work tree DVC had not stored before.
    """

    rewrites: dict[str, rewrite.Rewrite]
    stored: list[str]


def tidy(
    git: Git,
    *,
    staged: bool = False,
    since: str | None = None,
    edited: bool = False,
    advance: Advance | None = None,
) -> Tidied:
    """Rewrite every shard that is not as it should be, all datasets or, when one cannot be read, none.

    Args:
        git: the repository.
        staged: work on what is staged and stage the result; what is not staged stays as it is.
        since: a revision; every record that differs from it, where the two histories parted, grows past its `rev` too.
        edited: what lies in a DVC folder is an edit of this branch, even when it looks like another one's shards.
        advance: called with the number of shards looked at.

    Returns:
        What was changed.

    Raises:
        DataError: a line cannot be read; says which.
        StoreError: no such revision; another command writes here; a DVC folder is stale; or with `staged`, a file is in conflict, or a shard that
            must be rewritten also has unstaged edits.
    """
    with files.lock(git) as began:
        return _tidy(git, began, staged=staged, since=since, edited=edited, advance=advance)


def _tidy(git: Git, began: int, *, staged: bool, since: str | None, edited: bool, advance: Advance | None) -> Tidied:
    head = tree.commit(git, "HEAD") if plumbing.head(git) else tree.empty()
    past = tree.commit(git, plumbing.merge_base(git, since, "HEAD")) if since else None
    work = tree.work(git)
    judged = tree.index(git) if staged else work
    if staged:
        conflicts.refuse(git)
    with tree.reader(git) as reader:
        project = projects.load(git, judged, reader)
    for dataset in () if staged else project.datasets.values():
        _refuse_stale(git, dataset, edited=edited)
    unsound = set() if staged else _unsound(git, project, judged, advance)
    asked: list[tuple[Dataset, frozenset[str]]] = []
    for dataset in project.datasets.values():
        touched = {path for path in unsound if path.startswith(_folder(dataset))}
        touched.update(*[_touched(dataset, old, judged) for old in (head, past) if old])
        asked += [(dataset, frozenset(touched))] if touched else []
    if not asked:
        return Tidied({}, [])
    before = {dataset.name: _manifest(git, dataset) for dataset, _ in asked if dataset.storage == "dvc"}

    def rewritten(change: Transaction, aside: bool) -> dict[str, rewrite.Rewrite]:
        done: dict[str, rewrite.Rewrite] = {}
        for dataset, touched in asked:
            sides = [judged, head, *([past] if past else [])]
            found = _rewritten(git, dataset, sides, touched, change, aside=aside)
            if staged and found.files:
                _refuse_stale(git, dataset)
            if staged:
                _refuse_half_staged(git, dataset, found, judged, work)
            if found.files:
                done[dataset.name] = found
            if dataset.storage == "dvc" and (found.files or not staged):
                change.then("store", [_annotations(dataset).rstrip("/")])
            if staged and found.files:
                hidden = _annotations(dataset) if dataset.storage == "dvc" else "\0"
                change.then("stage", [path for path in found.files if not path.startswith(hidden)])
        return done

    done = rewrite.carried_out(git, "format", began, rewritten)
    stored = [
        dataset.name
        for dataset, _ in asked
        if dataset.storage == "dvc" and _manifest(git, dataset) != before[dataset.name]
    ]
    return Tidied(done, stored)


def _manifest(git: Git, dataset: Dataset) -> bytes:
    path = git.top / "datasets" / dataset.name / "annotations.sha256"
    return path.read_bytes() if dataset.storage == "dvc" and path.is_file() else b""


def _folder(dataset: Dataset) -> str:
    return f"datasets/{dataset.name}/"


def _annotations(dataset: Dataset) -> str:
    return f"{_folder(dataset)}annotations/"


def _touched(dataset: Dataset, head: Snapshot, judged: Snapshot) -> set[str]:
    """Return the shards that differ from a commit; all of them when what decides their places may have changed."""
    changed = tree.changed(head, judged, _folder(dataset))
    paths = judged.entries if f"{_folder(dataset)}dataset.yaml" in changed else changed
    return {path for path in paths if path.startswith(_folder(dataset)) and shard.parse_path(path)}


def _unsound(git: Git, project: Project, snapshot: Snapshot, advance: Advance | None) -> set[str]:
    """Return the shards that `labelvc check` says this command mends, whoever committed them."""
    with Cache(git) as cache:
        cells = cells_of(project, snapshot, (), set(project.datasets))
        outcomes = look.outcomes_of(git, project, cells, cache, 1, advance)
    found = {finding.place.path for finding in outcomes.findings if finding.hint == _HINT}
    for path in snapshot.entries:
        parsed = shard.parse_path(path)
        dataset = project.datasets.get(parsed[0]) if parsed else None
        if not parsed or not dataset:
            continue
        unlisted = dataset.storage == "dvc" and f"{_folder(dataset)}annotations.sha256" not in snapshot.entries
        if unlisted or shard.path(*parsed) != path or 4 ** len(parsed[2]) != dataset.shards:
            found.add(path)
    return found


def _refuse_stale(git: Git, dataset: Dataset, *, edited: bool = False) -> None:
    """Refuse to store shards of another branch that lie behind this one's pointer, unless a person calls them edits."""
    if dataset.storage == "dvc":
        stale.refuse(git, _annotations(dataset).rstrip("/"), edited=edited)


def _refuse_half_staged(git: Git, dataset: Dataset, change: rewrite.Rewrite, index: Snapshot, work: Snapshot) -> None:
    """Refuse when writing would take unstaged edits along: of the files to write, or behind the pointer to be stored."""
    paths = set(change.files)
    if change.files and dataset.storage == "dvc":
        paths |= {path for path in (*index.entries, *work.entries) if path.startswith(_annotations(dataset))}
    suspects = sorted(paths & set(tree.changed(index, work, "datasets/")))
    with tree.reader(git) as reader:
        mixed = [path for path in suspects if _bytes(reader, index, path) != _bytes(reader, work, path)]
    if mixed:
        raise StoreError(
            f"{len(mixed)} staged shards also have unstaged edits",
            where=mixed[0],
            hint="git add datasets, or git stash --keep-index; then labelvc format --staged",
        )


def _bytes(reader: Reader, snapshot: Snapshot, path: str) -> bytes | None:
    entry = snapshot.entries.get(path)
    return None if entry is None else reader.read(path, entry)


def _rewritten(
    git: Git,
    dataset: Dataset,
    snapshots: Sequence[Snapshot],
    touched: frozenset[str],
    change: Transaction,
    *,
    aside: bool,
) -> rewrite.Rewrite:
    """Rewrite the touched shards, seen as a dataset of their own lines."""
    wanted = rewrite.Wanted(mended=touched)
    with Incoming(dataset) as incoming:
        for layer, key, line, _ in _lines(git, dataset, snapshots[0], touched):
            incoming.add(RECORD if layer == "annotations" else ITEM, key.item, line)
        try:
            return rewrite.plan(git, dataset, snapshots, wanted, incoming, rewrite.putting(change), aside=aside)
        except TwiceError as twice:
            first = None
            for layer, key, line, where in _lines(git, dataset, snapshots[0], touched):
                first = line if first is None and (layer, key) == (twice.layer, twice.key) else first
                if (layer, key) == (twice.layer, twice.key) and line != first:
                    raise DataError(f"the key {key} occurs twice", where=where, hint="keep one of the lines") from None
            raise


def _lines(git: Git, dataset: Dataset, work: Snapshot, paths: Iterable[str]) -> Iterator[tuple[Layer, Key, bytes, str]]:
    """Yield the lines of some shards in canonical form, with layer, key and place."""
    with tree.reader(git) as reader:
        for path, data in reader.many([(path, work.entries[path]) for path in sorted(paths) if path in work.entries]):
            parsed = shard.parse_path(path)
            for number, raw in enumerate(shard.lines(data), 1):
                if parsed:
                    where = f"{path}:{number}"
                    yield (parsed[1], *_canonical(raw, dataset, parsed[1], where), where)


def _canonical(raw: bytes, dataset: Dataset, layer: Layer, where: str) -> tuple[Key, bytes]:
    if raw.startswith((b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>")):
        raise DataError("a conflict marker is left", where=where, hint="keep one line of each key, delete the markers")
    if len(raw) > shard.LONGEST:
        raise DataError(f"the line is longer than {shard.LONGEST >> 20} MiB", where=where, hint=_BY_HAND)
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
        raise DataError(str(error), where=where, hint=_BY_HAND) from None
    raise DataError("the line has no key", where=where, hint="a record starts with item and id, an item with id")

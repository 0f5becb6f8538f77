"""Apply: bring the changes of a diff into the work tree, all of them or none."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from labelvc.codec import document, expression, shard
from labelvc.errors import ConfigurationError, DataError, RefusedError, StoreError
from labelvc.model.change import Delta
from labelvc.model.names import Key, Layer
from labelvc.model.snapshot import Snapshot
from labelvc.ops.naming import is_document
from labelvc.store import files, journal, stale, tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_NAMED = 10
_GIT = re.compile(r"(\.git|git~1)[ .]*", re.IGNORECASE)


class _Layout(NamedTuple):
    """How a dataset lies, as its document says: number of digits in a shard's name, grouping, storage."""

    digits: int
    group: re.Pattern[str] | None
    storage: str

    def path(self, key: Key) -> str:
        layer: Layer = "annotations" if key.id else "items"
        return shard.path(key.dataset, layer, shard.place(shard.group_of(key.item, self.group), self.digits))


_Recipe = Callable[[], bytes | None]


class _Plan(NamedTuple):
    """How the bytes of each file to write are made, what does not fit, and which datasets DVC must store anew."""

    contents: dict[str, _Recipe]
    misfits: list[str]
    stored: list[str]


def apply(git: Git, deltas: Iterable[Delta]) -> list[Delta]:
    """Apply deltas to the work tree.

    Every old line and document must lie there byte for byte, and what is new must not be there yet; otherwise nothing is
    written. Records go to the shard where their dataset's document, as the deltas leave it, puts them.

    Args:
        git: the repository.
        deltas: what to do.

    Returns:
        The deltas.

    Raises:
        RefusedError: something does not fit; names the first keys. Nothing was written.
        DataError: a key twice, a path that is no document, or a shard that is not in canonical form.
        ConfigurationError: records of a dataset that has no document.
        StoreError: a storage move, which moves files that no diff holds; another branch's shards lie behind a DVC pointer;
            the disk is full, then nothing has changed; or DVC
            could not store the files.
    """
    asked: dict[Key | str, Delta] = {}
    for delta in deltas:
        if asked.setdefault(delta.key, delta) is not delta:
            raise DataError(f"the diff changes {delta.key} twice")
    with files.lock(git) as since, tree.reader(git) as reader:
        plan = _plan(git, reader, tree.work(git), asked)
        if plan.misfits:
            raise _refused(plan.misfits, len(asked))
        with journal.transaction(git, "plumbing apply", since) as change:
            for path, recipe in plan.contents.items():  # memory holds one shard at a time
                data = recipe()
                if data is None:
                    change.delete(path)
                else:
                    change.write(path, data)
            if plan.stored:
                change.then("store", [f"datasets/{name}/annotations" for name in plan.stored])
    return list(asked.values())


def _plan(git: Git, reader: Reader, work: Snapshot, asked: Mapping[Key | str, Delta]) -> _Plan:
    plan = _Plan({}, [], [])
    documents = {key: delta for key, delta in asked.items() if isinstance(key, str)}
    for path, delta in documents.items():
        _check_path(path)
        if _there(git, reader, work, path) == delta.old:
            plan.contents[path] = partial(_given, delta.new)
        else:
            plan.misfits.append(path)
    lines: dict[str, list[Delta]] = defaultdict(list)
    for key, delta in asked.items():
        if isinstance(key, Key):
            lines[key.dataset].append(delta)
    touched = {path.split("/")[1] for path in documents if re.fullmatch(r"datasets/[^/]+/dataset\.yaml", path)}
    for name in sorted(touched | set(lines)):
        _plan_dataset(git, reader, work, name, lines[name], documents.get(f"datasets/{name}/dataset.yaml"), plan)
    return plan


def _plan_dataset(
    git: Git, reader: Reader, work: Snapshot, name: str, lines: list[Delta], changed: Delta | None, plan: _Plan
) -> None:
    """Add to a plan what becomes of a dataset's shards."""
    path = f"datasets/{name}/dataset.yaml"
    if changed is not None and path in plan.misfits:
        plan.misfits.extend(str(delta.key) for delta in lines)  # where they lie is not known
        return
    before = _layout(changed.old if changed else _there(git, reader, work, path), path)
    after = _layout(changed.new, path) if changed else before
    if before and after and before.storage != after.storage:
        raise StoreError(
            f"the diff moves {name} from {before.storage} to {after.storage}, which moves files that it does not hold",
            where=path,
            hint="move the dataset first, then apply the rest",
        )
    layout = after or before
    if layout is None:
        if lines:
            raise ConfigurationError(f"there is no dataset {name!r}", where=path, hint="apply its dataset.yaml with it")
        return
    moving = before is not None and after is not None and before != after
    shards = {where for where in work.entries if (parsed := shard.parse_path(where)) and parsed[0] == name}
    cells: dict[str, list[Delta]] = defaultdict(list)
    for delta in lines:
        cells[(before or layout).path(delta.key)].append(delta)  # type: ignore[arg-type]
    found: dict[str, bytes | None] = {}
    new: dict[str, _Recipe] = {}
    for where in sorted(shards | set(cells)) if moving else sorted(cells):
        data = _patched(where, _shard(reader, work, where), cells[where], plan.misfits)
        if moving:
            found[where] = data
        else:
            new[where] = partial(_again, reader, work, where, cells[where])
    new.update({where: partial(_given, data) for where, data in _moved(name, layout, found).items()})
    if layout.storage == "dvc" and any("/annotations/" in where for where in new):
        stale.refuse(git, f"datasets/{name}/annotations")
        plan.stored.append(name)
        for where in shards - set(new):
            if work.entries[where].kind == "dvc" and not (git.top / where).exists():
                new[where] = partial(reader.read, where, work.entries[where])
    plan.contents.update(new)


def _given(data: bytes | None) -> bytes | None:
    return data


def _shard(reader: Reader, work: Snapshot, path: str) -> bytes:
    return reader.read(path, work.entries[path]) if path in work.entries else b""


def _again(reader: Reader, work: Snapshot, path: str, deltas: list[Delta]) -> bytes | None:
    """Return what becomes of a shard that fitted when all were looked at."""
    misfits: list[str] = []
    data = _patched(path, _shard(reader, work, path), deltas, misfits)
    if misfits:
        raise StoreError(
            "the shard changed while the diff was applied; nothing was written",
            where=path,
            hint="run the command again",
        )
    return data


def _patched(path: str, data: bytes, deltas: list[Delta], misfits: list[str]) -> bytes | None:
    """Return a shard with some lines exchanged, None when none is left; names of what does not fit go to `misfits`."""
    lines = shard.lines(data)
    if data != shard.write(lines):
        raise DataError("the shard is not in canonical form", where=path, hint="labelvc format")
    present = set(lines)
    for delta in deltas:
        fits = delta.old in present if delta.old is not None else shard.find(data, delta.key) is None  # type: ignore[arg-type]
        if not fits:
            misfits.append(str(delta.key))
            continue
        present.discard(delta.old or b"")
        if delta.new is not None:
            present.add(delta.new)
    if len(set(lines)) != len(lines):
        raise DataError("the shard holds a line twice", where=path, hint="labelvc check")
    return shard.write(present) or None


def _moved(name: str, layout: _Layout, shards: Mapping[str, bytes | None]) -> dict[str, bytes | None]:
    """Return the lines of all shards of a dataset in the shards of another layout."""
    cells: dict[str, list[bytes]] = defaultdict(list)
    for path, data in shards.items():
        parsed = shard.parse_path(path)
        for raw in shard.lines(data or b""):
            key = shard.key_of(raw, name, parsed[1]) if parsed else None
            if key is None:
                raise DataError("the line has no key, so its new shard is not known", where=path, hint="labelvc check")
            cells[layout.path(key)].append(raw)
    return {**dict.fromkeys(shards), **{path: shard.write(lines) for path, lines in cells.items()}}


def _layout(data: bytes | None, path: str) -> _Layout | None:
    """Return how a dataset lies; None when it has no document."""
    if data is None:
        return None
    said: dict[str, Any] = document.read(data, path)
    group, shards = said.get("group"), said.get("shards", 16)
    pattern = expression.compiled(group) if isinstance(group, str) else None
    return _Layout(shard.digits(shards if isinstance(shards, int) else 0), pattern, str(said.get("storage", "git")))


def _there(git: Git, reader: Reader, work: Snapshot, path: str) -> bytes | None:
    """Return the bytes of a document in the work tree, of a file that git ignores too; a link is not what it points to."""
    entry = work.entries.get(path)
    if entry is not None and entry.kind != "link":
        return reader.read(path, entry)
    place = git.top / path
    return b"\0" if entry is not None or place.exists() or place.is_symlink() else None


def _check_path(path: str) -> None:
    """Refuse a path that is no document or leads elsewhere: a diff may come from anybody."""
    parts = path.split("/")
    odd = any(part in ("", ".", "..") or _GIT.fullmatch(part) or not part.isprintable() for part in parts)
    if odd or not is_document(path) or shard.parse_path(path.rpartition(":")[0]):
        raise DataError(f"{path!r} is no document that a diff may change", hint="leave it out of the diff")


def _refused(misfits: list[str], total: int) -> RefusedError:
    more = f" and {len(misfits) - _NAMED:,} more" if len(misfits) > _NAMED else ""
    return RefusedError(
        f"{len(misfits):,} of {total:,} changes do not fit what lies there; nothing was written",
        where=f"{', '.join(misfits[:_NAMED])}{more}",
        hint="check out the revision that the diff starts from, or make the diff anew",
    )


def turned(deltas: Iterable[Delta]) -> Iterator[Delta]:
    """Yield the deltas that undo some deltas."""
    for delta in deltas:
        yield ~delta

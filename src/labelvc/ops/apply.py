"""Apply: bring the changes of a diff into the work tree, all of them or none."""

from __future__ import annotations

import os
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

from labelvc.codec import document, expression, shard
from labelvc.core import diff
from labelvc.errors import ConfigurationError, DataError, RefusedError, StoreError
from labelvc.model import shell
from labelvc.model.change import Delta
from labelvc.model.names import Key, Layer
from labelvc.model.snapshot import EXECUTABLE, FILE, LINK, Snapshot
from labelvc.ops.naming import is_document
from labelvc.spill import Spill
from labelvc.store import files, journal, stale, tree
from labelvc.store.git import Git
from labelvc.store.journal import Transaction
from labelvc.store.reader import Reader

_NAMED = 10
_DIGITS = 5  # 1,024 parts: of a million changes, one is about a megabyte
_OVERHEAD = 200
_DATASET = re.compile(r"datasets/[^/]+/dataset\.yaml")
_GIT = re.compile(r"(\.git|git~1)[ .]*", re.IGNORECASE)


class _Layout(NamedTuple):
    """How a dataset lies, as its document says: number of digits in a shard's name, grouping, storage."""

    digits: int = _DIGITS
    group: re.Pattern[str] | None = None
    storage: str = "git"

    def name(self, item: str) -> str:
        return shard.place(shard.group_of(item, self.group), self.digits)


class _Way(NamedTuple):
    """How a dataset lies, None while it has no document, and how it shall lie."""

    old: _Layout | None
    new: _Layout

    @property
    def moves(self) -> bool:
        """Tell whether its lines go to other shards."""
        return self.old != self.new


def apply(git: Git, deltas: Iterable[Delta]) -> diff.Summary:
    """Apply deltas to the work tree; memory holds some shards and their deltas at a time, however many there are.

    Every old line and document must lie there byte for byte, and what is new must not be there yet; otherwise nothing is
    written. Records go to the shard where their dataset's document, as the deltas leave it, puts them.

    Args:
        git: the repository.
        deltas: what to do.

    Returns:
        What was done, in numbers.

    Raises:
        RefusedError: something does not fit; names the first keys. Nothing was written.
        DataError: a key twice, a path that is no document, or a shard that is not in canonical form.
        ConfigurationError: records of a dataset that has no document.
        StoreError: a storage move, which moves files that no diff holds; another branch's shards lie behind a DVC pointer;
            the disk is full, then nothing has changed; or DVC could not store the files.
    """
    tally = diff.Tally()
    with files.lock(git) as since, tree.reader(git) as reader, Patch(git, reader, tree.work(git)) as patch:
        for delta in deltas:
            patch.take(delta)
            tally.add(diff.compare(delta))
        with journal.transaction(git, "plumbing apply", since) as change:
            patch.write(change)
    return tally.summary()


class Patch:
    """Deltas set aside by the shard they belong to, then brought into the files of a transaction; a context manager."""

    def __init__(self, git: Git, reader: Reader, work: Snapshot) -> None:
        self._git, self._reader, self._work = git, reader, work
        self._documents: dict[str, Delta] = {}
        self._layouts: dict[str, _Layout | None] = {}
        self._number = self._misfits = 0
        self._first: list[str] = []
        self._lines, self._moved = Spill(4**_DIGITS), Spill(4**_DIGITS)
        self._stored: set[str] = set()
        self._read: set[str] = set()
        self._written: set[str] = set()
        self._lying: dict[str, list[str]] = defaultdict(list)
        for path in sorted(work.entries):
            parsed = shard.parse_path(path)
            if parsed:
                self._lying[parsed[0]].append(path)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the temporary files."""
        for spill in (self._lines, self._moved):
            spill.__exit__()

    def take(self, delta: Delta) -> None:
        """Set a delta aside.

        Raises:
            DataError: a second one of a document, or a path that is no document.
            ConfigurationError: the document of its dataset cannot be read.
        """
        self._number += 1
        if isinstance(delta.key, str):
            _check_path(delta.key)
            if LINK in delta.modes[1:] and delta.new is not None:
                _check_link(delta.key, delta.new)
            if self._documents.setdefault(delta.key, delta) is not delta:
                raise _twice(delta.key)
            return
        key = delta.key
        if key.dataset not in self._layouts:
            path = f"datasets/{key.dataset}/dataset.yaml"
            self._layouts[key.dataset] = _layout(_there(self._git, self._reader, self._work, path), path)
        name = (self._layouts[key.dataset] or _Layout()).name(key.item)
        self._stored.update([key.dataset] if key.id else [])
        row = (_path(key, name), key.item, key.id, delta.old, delta.new)
        self._lines.add(_part(name), row, _OVERHEAD + len(delta.old or b"") + len(delta.new or b""))

    def write(self, change: Transaction) -> None:
        """Give the transaction every file that differs.

        Raises:
            Error: as for `apply`.
        """
        self._refuse_inside()
        for path, delta in self._documents.items():
            if not self._fits(path, delta):
                self._misfit(path)
            else:
                self._put(change, path, delta.new, delta.modes[1] if delta.modes else "")
        ways = {name: way for name in sorted(self._touched()) if (way := self._way(name))}
        for rows in self._lines.all():
            self._patch_all(rows, ways, change)
        self._move({name: way for name, way in ways.items() if way.moves}, change)
        if self._misfits:
            raise self._refused()
        for name in sorted(name for name, way in ways.items() if way.new.storage == "dvc" and name in self._stored):
            self._store(name, change)

    def _fits(self, path: str, delta: Delta) -> bool:
        """Tell whether a document lies there as a delta says; a delta without modes speaks of no link, and of no right to execute."""
        data, mode = _lying(self._git, self._reader, self._work, path)
        told = delta.modes[0] if delta.modes else FILE
        return data == delta.old and (data is None or told == mode or (not delta.modes and mode == EXECUTABLE))

    def _refuse_inside(self) -> None:
        """Refuse a diff that makes a path both a file and a folder of what else it brings: one could not be put in place."""
        coming = {path for path, delta in self._documents.items() if delta.new is not None}
        homes = {f"datasets/{name}/{layer}" for name in self._layouts for layer in ("annotations", "items")}
        for path in sorted(coming | homes):
            above = next((one for one in _above(path, own=path in homes) if one in coming), None)
            if above is not None:
                raise DataError(f"{path} lies in {above}, which the diff makes a file", hint="leave one of them out")

    def _touched(self) -> set[str]:
        """Return the datasets whose lines or document the deltas change."""
        homes = (path.split("/") for path in self._documents if _DATASET.fullmatch(path))
        return {*self._layouts, *(parts[1] for parts in homes)}

    def _way(self, name: str) -> _Way | None:
        """Return how a dataset lies and how it shall lie; None where its document does not fit, so that nobody can tell.

        Raises:
            StoreError: it moves between git and DVC; or shards of another branch lie behind its pointer.
            ConfigurationError: it has no document and gets none, or its shards are there before its document.
        """
        path = f"datasets/{name}/dataset.yaml"
        changed, here = self._documents.get(path), _there(self._git, self._reader, self._work, path)
        if changed is not None and changed.old != here:
            return None
        before = _layout(here, path)
        after = (_layout(changed.new, path) if changed else None) or before
        if after is None:
            raise ConfigurationError(f"there is no dataset {name!r}", where=path, hint="apply its dataset.yaml with it")
        if before is None and self._lying[name]:
            message, hint = (
                f"shards of {name!r} lie here without its document",
                f"write {path} first, or move them away",
            )
            raise ConfigurationError(message, where=self._lying[name][0], hint=hint)
        way = _Way(before, after)
        if before is not None and before.storage != after.storage:
            message = f"the diff moves {name} from {before.storage} to {after.storage}, which moves files that it does not hold"
            raise StoreError(message, where=path, hint="move the dataset first, then apply the rest")
        self._stored.update([name] if way.moves else [])
        if after.storage == "dvc" and name in self._stored:
            stale.refuse(self._git, f"datasets/{name}/annotations")
        return way

    def _patch_all(self, rows: list[Any], ways: Mapping[str, _Way], change: Transaction) -> None:
        """Patch the shards of one part."""
        cells: dict[str, list[Delta]] = defaultdict(list)
        for path, item, name, old, new in rows:
            dataset = path.split("/")[1]
            key, way = Key(dataset, item, name), ways.get(dataset)
            if way is None or (way.old is None and old is not None):
                self._misfit(str(key))
            else:
                cells[path].append(Delta(key, old, new))
        for path, deltas in sorted(cells.items()):
            way = ways[path.split("/")[1]]
            data = self._patched(path, deltas)
            if way.moves:
                self._read.add(path)
                self._spread(path, data, way.new)
            else:
                self._put(change, path, data)

    def _patched(self, path: str, deltas: Sequence[Delta]) -> bytes | None:
        """Return a shard with some lines exchanged, None when none is left; what does not fit is counted."""
        data = self._reader.read(path, self._work.entries[path]) if path in self._work.entries else b""
        lines = shard.lines(data)
        if data != shard.write(lines):
            raise DataError("the shard is not in canonical form", where=path, hint="labelvc format")
        present, keys = set(lines), set[Key | str]()
        for delta in deltas:
            if delta.key in keys:
                raise _twice(str(delta.key))
            keys.add(delta.key)
            fits = delta.old in present if delta.old is not None else shard.find(data, delta.key) is None  # type: ignore[arg-type]
            if not fits:
                self._misfit(str(delta.key))
                continue
            present.discard(delta.old or b"")
            present.update([delta.new] if delta.new is not None else [])
        if len(set(lines)) != len(lines):
            raise DataError("the shard holds a line twice", where=path, hint="labelvc check")
        return shard.write(present) or None

    def _move(self, ways: Mapping[str, _Way], change: Transaction) -> None:
        """Write the lines of datasets that are laid out anew to their new shards, and delete what is left of the old ones."""
        for name, way in ways.items():
            for path in self._lying[name]:
                if path not in self._read:
                    self._spread(path, self._patched(path, ()), way.new)
        for rows in self._moved.all():
            shards: dict[str, list[bytes]] = defaultdict(list)
            for path, raw in rows:
                shards[path].append(raw)
            for path, lines in sorted(shards.items()):
                self._put(change, path, shard.write(lines))
        for path in [path for name in ways for path in self._lying[name] if path not in self._written]:
            self._put(change, path, None)

    def _spread(self, path: str, data: bytes | None, layout: _Layout) -> None:
        """Set the lines of a shard aside by the shards of another layout."""
        dataset, layer, _ = shard.parse_path(path) or ("", "annotations", "")
        for raw in shard.lines(data or b""):
            key = shard.key_of(raw, dataset, layer)
            if key is None:
                raise DataError("the line has no key, so its new shard is not known", where=path, hint="labelvc check")
            name = layout.name(key.item)
            self._moved.add(_part(name), (_path(key, name), raw), len(raw) + _OVERHEAD)

    def _put(self, change: Transaction, path: str, data: bytes | None, mode: str = "") -> None:
        """Give the transaction a file; not after something did not fit, since it will be dropped."""
        self._written.add(path)
        if self._misfits:
            return
        if data is None:
            change.delete(path)
        else:
            change.write(path, data, mode=mode)

    def _store(self, name: str, change: Transaction) -> None:
        """Have DVC store a dataset; shards that only its cache holds come back before that."""
        for path in self._lying[name]:
            entry = self._work.entries[path]
            if entry.kind == "dvc" and path not in self._written and not (self._git.top / path).exists():
                change.write(path, self._reader.read(path, entry))
        change.then("store", [f"datasets/{name}/annotations"])

    def _misfit(self, name: str) -> None:
        self._misfits += 1
        self._first += [name] if len(self._first) < _NAMED else []

    def _refused(self) -> RefusedError:
        more = f" and {self._misfits - _NAMED:,} more" if self._misfits > _NAMED else ""
        return RefusedError(
            f"{self._misfits:,} of {self._number:,} changes do not fit what lies there; nothing was written",
            where=f"{', '.join(self._first)}{more}",
            hint="check out the revision that the diff starts from, or make the diff anew",
        )


def turned(deltas: Iterable[Delta]) -> Iterator[Delta]:
    """Yield the deltas that undo some deltas."""
    for delta in deltas:
        yield ~delta


def _path(key: Key, name: str) -> str:
    layer: Layer = "annotations" if key.id else "items"
    return shard.path(key.dataset, layer, name)


def _part(name: str) -> int:
    """Return the part in which a shard's lines wait."""
    return int(name[:_DIGITS], 4)


def _twice(key: str) -> DataError:
    return DataError(f"the diff changes {key} twice")


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
    data, mode = _lying(git, reader, work, path)
    return b"\0" if mode == LINK else data


def _lying(git: Git, reader: Reader, work: Snapshot, path: str) -> tuple[bytes | None, str]:
    """Return what lies in the work tree at the path of a document, and as what; what nobody can read fits nothing."""
    entry = work.entries.get(path)
    if entry is not None:
        return reader.read(path, entry), entry.mode
    return (b"\0", "") if os.path.lexists(git.top / path) else (None, "")


def _above(path: str, *, own: bool) -> Iterator[str]:
    """Yield the folders above a path, and it itself where it is a folder."""
    parts = path.split("/")
    yield from ["/".join(parts[:end]) for end in range(1, len(parts) + own)]


def _check_path(path: str) -> None:
    """Refuse a path that is no document or leads elsewhere: a diff may come from anybody."""
    parts = path.split("/")
    odd = any(part in ("", ".", "..") or _GIT.fullmatch(part) or not part.isprintable() for part in parts)
    if odd or not is_document(path) or not is_document(path.lower()) or shard.parse_path(path.rpartition(":")[0]):
        raise DataError(f"{path!r} is no document that a diff may change", hint="leave it out of the diff")


def _check_link(path: str, leads: bytes) -> None:
    """Refuse a link that leads out of the project, or that no system can make."""
    place = posixpath.normpath(posixpath.join(posixpath.dirname(path), os.fsdecode(leads)))
    if not leads or b"\0" in leads or posixpath.isabs(place) or place.split("/")[0] == "..":
        raise DataError(f"the link {path} leads out of the project", hint=f"git checkout REV -- {shell.word(path)}")

"""Rewrite: turn lines as they should be into files, shard by shard, with `rev` and tombstones set against HEAD."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from labelvc.codec import canonical, shard
from labelvc.core import revise
from labelvc.core.diff import decoded, live
from labelvc.errors import DataError
from labelvc.model.change import Delta
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset
from labelvc.model.snapshot import Snapshot
from labelvc.ops import sides
from labelvc.ops.changes import Changes
from labelvc.ops.incoming import NOTHING, Lines, Rows, heads_of
from labelvc.ops.sides import LAYERS, AstrayError, Held, Sides
from labelvc.store import journal
from labelvc.store.git import Git
from labelvc.store.journal import Transaction

Heads = dict[tuple[bytes, bytes], bytes]
Put = Callable[[str, bytes | None], object]
_Done = TypeVar("_Done")
_MIGRATION = b'"migration":"'
_DIGEST = b'"sha256":"'


class Wanted(NamedTuple):
    """How a dataset, or one shard of it, should look.

    Attributes:
        lines: for each layer, key to canonical line; the `rev` in a line is ignored.
        whole: layers whose other lines are to go (records leave tombstones); otherwise they stay.
        tasks: with `whole`, only records of these tasks go; empty means all. An item stays while a record of it does.
        mended: work-tree shards whose lines, whatever their form, are all in `lines`; any other shard must be sound.
        fresh: the lines come from a source that knows neither their `rev`, which is 1, nor which migration brought them.
        assumed: task to the `under` that its lines have because their source names none: a record that says the same as
            before was not decided again, and keeps the version it was made under.
    """

    lines: Mapping[Layer, Mapping[Key, bytes]] = {}
    whole: frozenset[Layer] = frozenset()
    tasks: frozenset[str] = frozenset()
    mended: frozenset[str] = frozenset()
    fresh: bool = False
    assumed: Mapping[str, str] = {}


class Source(Protocol):
    """Where the lines that are wanted come from, shard by shard."""

    def cells(self, k: int) -> Iterable[str]:
        """Return the first digits of the names of shards for which there are lines, as `Incoming.cells` does."""
        ...

    def shards(self, cell: str, k: int) -> Mapping[str, Rows]:
        """Return the lines of a cell by the name of their shard, as `Incoming.shards` does."""
        ...

    def lines(self, rows: Rows, stored: Sequence[bytes]) -> dict[Layer, Lines]:
        """Return the lines of one shard, given what is stored there of records."""
        ...


class Rewrite(NamedTuple):
    """What writing does, or would do.

    Attributes:
        files: path to number of bytes, None when it is deleted; only files that differ from the work tree.
        deltas: what changes against the work tree, items first.
    """

    files: dict[str, int | None]
    deltas: Changes


def carried_out(git: Git, command: str, since: int, work: Callable[[Transaction, bool], _Done]) -> _Done:
    """Do something in one transaction, and anew with lines set aside when one turns out to be astray.

    Args:
        git: the repository.
        command: as for `journal.transaction`.
        since: as for `journal.transaction`.
        work: given the transaction and whether lines are to be set aside, as for `plan`.

    Returns:
        What `work` returned.

    Raises:
        StoreError: as for `journal.transaction`.
    """
    try:
        with journal.transaction(git, command, since) as change:
            return work(change, False)
    except AstrayError:
        with journal.transaction(git, command, since) as change:
            return work(change, True)


def putting(change: Transaction) -> Put:
    """Return what hands the files of a plan to a transaction.

    The caller holds `files.lock` since before it listed the work tree: what another command writes between a plan and its
    writing would be overwritten.
    """

    def put(path: str, data: bytes | None) -> None:
        if data is None:
            change.delete(path)
        else:
            change.write(path, data)

    return put


def plan(
    git: Git,
    dataset: Dataset,
    snapshots: Sequence[Snapshot],
    wanted: Wanted,
    source: Source,
    put: Put,
    *,
    aside: bool = False,
) -> Rewrite:
    """Work out which files to write so that a dataset looks as wanted, and hand them on one by one.

    Args:
        git: the repository.
        dataset: the dataset, with the number of shards it shall have.
        snapshots: the work tree; the commit that `rev` counts from (importing twice before a commit raises `rev` once);
            perhaps an earlier commit whose `rev` must have been outgrown as well.
        wanted: how it should look, its lines left out.
        source: the lines.
        put: takes path and bytes, None to delete, of each file that differs.
        aside: set all stored lines aside first, wherever they lie.

    Returns:
        Which files differ, and the deltas.

    Raises:
        AstrayError: a line is not in its shard: to be called anew with `aside`; what was put is void.
        DataError: a shard holds a line without a key, or two lines of one key, of which rewriting would lose one; or a
            record of one task would take the place of another task's.
        TwiceError: two lines of one key are wanted.
    """
    done = Rewrite({}, Changes(dataset.name))
    kept: set[str] = set()
    with Sides(git, dataset, snapshots, aside=aside, mended=wanted.mended) as stored:
        known = stored.cells()
        for cell in sorted({*known, *source.cells(stored.k)}):
            rows = source.shards(cell, stored.k)
            for name, held in stored.held(cell, {*known.get(cell, ()), *rows}):
                lines = source.lines(rows.get(name, NOTHING), held["annotations"][0].lines)
                one = _Shard(stored, wanted, name, done.deltas)
                data = {layer: one.revised(layer, held[layer], lines[layer]) for layer in LAYERS}
                for layer, new in data.items():
                    path = shard.path(dataset.name, layer, name)
                    kept.update([path] if new else [])
                    _settle(stored, done, put, path, new, held[layer][0])
        if aside:
            for path in sorted(path for path, *_ in sides.shards_of(snapshots[0], dataset.name) if path not in kept):
                done.files[path] = None
                put(path, None)
    return done._replace(files=dict(sorted(done.files.items())))


def _settle(stored: Sides, done: Rewrite, put: Put, path: str, new: bytes, held: Held) -> None:
    """Put a shard when it differs from the work tree."""
    old = held.data if held.data is not None else stored.written(path)
    if old == new and stored.lies(path):
        return
    if new or held.data is not None:
        done.files[path] = len(new) if new else None
        put(path, new or None)


class _Shard:
    """One shard of both layers as it is revised: records first, since they decide which items stay."""

    def __init__(self, stored: Sides, wanted: Wanted, name: str, deltas: Changes) -> None:
        self._stored, self._wanted, self._name, self._deltas = stored, wanted, name, deltas
        self._dataset = stored.dataset.name
        self._records = b""

    def revised(self, layer: Layer, held: Sequence[Held], asked: Lines) -> bytes:
        """Return the bytes of a layer as they are to be, empty when no line is left."""
        work, head, *past = held
        there = asked.data and not past and self._is_there(work, head, asked.data)
        data = asked.data if there else self._worked_out(layer, held, asked)
        if layer == "annotations":
            self._records = data
        return data

    def _worked_out(self, layer: Layer, held: Sequence[Held], asked: Lines) -> bytes:
        work, head, *past = held
        tables = [None if past else self._table(layer, side) for side in (work, head)]
        present, committed = tables[0], tables[0] if head is work else tables[1]
        if present is None or committed is None:
            return shard.write(self._by_key(layer, held, shard.lines(asked.data)))
        if not present and not committed and self._wanted.fresh and b'"gone":true' not in asked.data:
            if asked.data:
                self._deltas.add_new(layer, asked)
            return asked.data
        return shard.write(self._by_head(layer, (present, committed), asked))

    def _is_there(self, work: Held, head: Held, asked: bytes) -> bool:
        """Tell from their bytes alone that all lines that are asked for, and no others, are there and were committed so."""
        return work.data == asked and (head.data == asked or (not head.lines and self._wanted.fresh))

    def _table(self, layer: Layer, held: Held) -> Heads | None:
        """Return lines by item and id as they are written; None when only reading each tells the keys."""
        if not held.lines:
            return {}
        heads = heads_of(b"\n".join(held.lines), layer)
        table = dict(zip(heads, held.lines, strict=False))
        if len(heads) != len(held.lines) or len(table) != len(heads):
            return None
        written = b"".join([item + name for item, name in heads])
        if b"\\" in written or not _is_text(written):
            return None
        self._stored.home(self._name, {item for item, _ in heads})
        return table

    def _by_head(self, layer: Layer, tables: tuple[Heads, Heads], asked: Lines) -> list[bytes]:
        """Return the lines as they are to be, those that stay found by the bytes of their keys."""
        present, committed = tables
        new = dict(zip(heads_of(asked.data, layer), shard.lines(asked.data), strict=True))
        if layer in self._wanted.whole:
            still = {head for head, raw in new.items() if present.get(head) == raw}
        else:
            still = {head for head, raw in present.items() if new.get(head, raw) == raw}
        if committed is not present:
            uncommitted = {head for head in still & new.keys() if not self._wanted.fresh or head in committed}
            still -= {head for head in uncommitted if committed.get(head) != present[head]}
        rest = [
            {self._key(layer, raw): raw for head, raw in table.items() if head not in still}
            for table in (present, committed, new)
        ]
        return [*[present[head] for head in still], *self._result(layer, *rest)]

    def _by_key(self, layer: Layer, held: Sequence[Held], asked: list[bytes]) -> list[bytes]:
        """Return the lines as they are to be, every key read."""
        work, head, *past = held
        mended = self._wanted.mended
        present = sides.keyed(work, self._dataset, layer, mended)
        committed = sides.keyed(head, self._dataset, layer)
        for side in (present, committed):
            self._stored.home(self._name, {key.item.encode() for key in side})
        before = sides.keyed(past[0], self._dataset, layer) if past and layer == "annotations" else {}
        self._stored.home(self._name, {key.item.encode() for key in before})
        return self._result(layer, present, committed, {self._key(layer, raw): raw for raw in asked}, before)

    def _result(
        self,
        layer: Layer,
        present: Mapping[Key, bytes],
        committed: Mapping[Key, bytes],
        asked: Mapping[Key, bytes],
        before: Mapping[Key, bytes] = {},
    ) -> list[bytes]:
        wanted = self._wanted._replace(lines={layer: asked})
        needed: Collection[str] = ()
        if layer == "annotations":
            _refuse_other_tasks(wanted, present)
        elif layer in wanted.whole:
            needed = self._needed({key.item for key in present if key not in asked})
        result = _result(present, committed, wanted, layer, needed)
        for key, raw in before.items():
            grown = revise.past(raw, result.get(key), key)
            if grown is not None:
                result[key] = grown
        changed = [Delta(key, present.get(key), raw) for key, raw in result.items() if present.get(key) != raw]
        gone = [Delta(key, raw, None) for key, raw in present.items() if key not in result]
        if changed or gone:
            self._deltas.add(layer, [*changed, *gone])
        return list(result.values())

    def _needed(self, items: Collection[str]) -> set[str]:
        """Return those of some items that a live record is about."""
        found: set[str] = set()
        for raw in shard.lines(self._records) if items else ():
            key = shard.key_of(raw, self._dataset)
            if key is not None and key.item in items and live(raw) is not None:
                found.add(key.item)
        return found

    def _key(self, layer: Layer, raw: bytes) -> Key:
        key = shard.key_of(raw, self._dataset, layer)
        if key is None:
            raise DataError("a line has no key", where=shard.path(self._dataset, layer, self._name))
        return key


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


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
        {key: _pictured(present.get(key), raw) if wanted.fresh else raw for key, raw in asked.items()}
        if layer == "items"
        else {key: _follow(committed.get(key), key, raw, wanted) for key, raw in asked.items()}
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


def _follow(old: bytes | None, key: Key, raw: bytes, wanted: Wanted) -> bytes:
    if old == raw:
        return raw
    fields = decoded(raw)
    if wanted.fresh and old is not None and _MIGRATION in old:
        fields = _migrated(decoded(old), fields)
    if wanted.assumed and old is not None and fields.get("under") == wanted.assumed.get(str(fields.get("task"))):
        known = decoded(old).get("under")
        if known is not None and revise.successor(old, {**fields, "under": known}, key) == old:
            return old
    if old is None and fields.get("rev") == 1:
        return raw
    line = revise.successor(old, None if fields.get("gone") is True else fields, key)
    return raw if line is None else line


def _migrated(before: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record that still says which migration brought its value: no source can tell, and one that says the same took nothing back."""
    said, origin = before.get("origin"), fields.get("origin", {})
    if not isinstance(said, dict) or "migration" not in said or fields.get("value") != before.get("value"):
        return dict(fields)
    return {**fields, "origin": {**origin, "migration": origin.get("migration", said["migration"])}}


def _pictured(old: bytes | None, raw: bytes) -> bytes:
    """Return an item that still says of which bytes its labels are: no source can tell, and one that names another file does not."""
    if old is None or old == raw or _DIGEST not in old:
        return raw
    item = decoded(raw)
    was, media = [one.get("media") for one in (decoded(old), item)]
    if not isinstance(was, dict) or not isinstance(media, dict) or media.get("path") != was.get("path"):
        return raw
    if "sha256" in media or "sha256" not in was:
        return raw
    return canonical.encode_item({**item, "media": {**media, "sha256": was["sha256"]}})


def _task(raw: bytes) -> str:
    return str(decoded(raw).get("task", ""))

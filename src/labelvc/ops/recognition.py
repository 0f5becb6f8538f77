"""Recognition: which stored items the items of a source are, by their natural key, and where that moved by their content.

What is found keeps the name it has here, whatever the source calls it today. All comparing is done part by part of what was
set aside; memory holds the names that differ.
"""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Self

from labelvc.codec import canonical, expression, shard
from labelvc.core import match
from labelvc.core.diff import decoded, live
from labelvc.formats.spool import counting
from labelvc.model.project import Dataset
from labelvc.ops.identity import Asked, spellings
from labelvc.ops.incoming import DIGITS, ITEM, NOTHING, RECORD, UNNAMED, Incoming, Rows
from labelvc.ops.sides import Held, Sides
from labelvc.spill import Spill

_PARTS = 256
_OVERHEAD = 150
Opened = Callable[[], Sides]
"""Begins to read what is stored: the work tree alone."""


def renamed(incoming: Incoming, called: Mapping[str, str], k: int, fresh: Incoming) -> Incoming:
    """Return incoming lines under the names that their items have here.

    Args:
        incoming: under the names of the source.
        called: name in the source to name here, where they differ.
        k: number of digits in a shard's name.
        fresh: takes the lines.

    Returns:
        `fresh`.
    """
    for cell in sorted(incoming.cells(k)):
        for _, rows in sorted(incoming.shards(cell, k).items()):
            for kind, lines in ((ITEM, rows.items), (RECORD, rows.records), (UNNAMED, rows.unnamed)):
                for raw in lines:
                    fields = decoded(raw)
                    member = "id" if kind == ITEM else "item"
                    here = called.get(fields[member])
                    if here is None:
                        fresh.add(kind, fields[member], raw)
                    else:
                        first = canonical.ITEM_FIRST if kind == ITEM else canonical.RECORD_FIRST
                        fresh.add(kind, here, canonical.encode({**fields, member: here}, first))
    return fresh


class Recognition:
    """The items of a source and those stored, as they find each other; a context manager, since both are set aside.

    Args:
        incoming: what was read.
        opened: begins to read what is stored.
        dataset: the dataset, with the number of shards it shall have.
        asked: what decides identity.
    """

    def __init__(self, incoming: Incoming, opened: Opened, dataset: Dataset, asked: Asked) -> None:
        self._incoming, self._opened, self._asked = incoming, opened, asked
        self._k = shard.digits(dataset.shards)
        self._pattern = expression.compiled(dataset.group)
        self._stack = ExitStack()
        self._unknown = self._stack.enter_context(Spill(4**DIGITS))
        self._free = self._stack.enter_context(Spill(4**DIGITS))
        self._known: dict[str, str] = {}

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the temporary files."""
        self._stack.close()

    def called(self) -> dict[str, str]:
        """Return the items of the source that have another name here: their name in the source to the one stored.

        Raises:
            OSError: the disk of temporary files is full.
        """
        if self._is_as_stored():
            return {}
        self._pair_by_key()
        if self._unknown.parts():
            if self._asked.whole and self._free.parts():
                self._find_by_content()
            self._name()
        return {name: here for name, here in self._known.items() if name != here}

    def _walk(self) -> Iterator[tuple[str, Rows, Held, Held]]:
        """Yield, shard by shard, the cell, what was read, and the items and records stored."""
        with self._opened() as stored:
            known = stored.cells()
            for cell in sorted({*known, *self._incoming.cells(stored.k)}):
                rows = self._incoming.shards(cell, stored.k)
                for name, held in stored.held(cell, {*known.get(cell, ()), *rows}):
                    yield name, rows.get(name, NOTHING), held["items"][0], held["annotations"][0]

    def _is_as_stored(self) -> bool:
        """Tell whether the items read are those stored byte for byte: then each is called what it is called."""
        return all(set(rows.items) == set(items.lines) for _, rows, items, _ in self._walk())

    def _told(self, lines: Iterable[bytes]) -> dict[str, bytes | None]:
        """Return what items say under the fields of the key."""
        return {name: values(fields, self._asked.keys, self._asked.tool) for name, fields in _items(lines)}

    def _pair_by_key(self) -> None:
        """Pair items of equal key values, and set aside the names of those that are left over on either side."""
        with Spill(_PARTS) as keys:
            for _, rows, items, _ in self._walk():
                self._incoming.lines(rows)  # proves that no two lines of one key differ
                old, new = self._told(items.lines), self._told(rows.items)
                for name, told in old.items():
                    if told is not None:
                        _set_key(keys, (0, told, name, False))
                    elif name not in new:
                        self._set(self._free, name, None)
                for name, told in new.items():
                    bare = name in old and old[name] is None
                    if told is not None:
                        _set_key(keys, (1, told, name, bare))
                    elif not bare:  # where neither says the key, the same name is the same item
                        self._set(self._unknown, name, None)
            for group in keys.all():
                self._pair(group)

    def _pair(self, group: Iterable[tuple[int, bytes, str, bool]]) -> None:
        old: dict[str, bytes | None] = {}
        new: dict[str, bytes | None] = {}
        bare: set[str] = set()
        for side, told, name, is_bare in group:
            (new if side else old)[name] = told
            bare.update([name] if is_bare else [])
        found = _by_key(old, new)
        self._known.update({name: here for name, here in found.items() if name != here})
        for name in old.keys() - set(found.values()):
            self._set(self._free, name, old[name])
        for name in new.keys() & bare & found.keys():
            self._set(self._free, name, None)
        for name in new.keys() - bare - found.keys():
            self._set(self._unknown, name, new[name])

    def _set(self, spill: Spill, name: str, told: bytes | None) -> None:
        spill.add(_part(self._place(name)), (name, told is not None), len(name) + _OVERHEAD)

    def _place(self, name: str) -> str:
        return shard.place(shard.group_of(name, self._pattern), max(self._k, DIGITS))

    def _in(self, spill: Spill, name: str) -> dict[str, bool]:
        """Return the names that were set aside for a shard, and whether they come with a key."""
        cell = name[:DIGITS]
        wide = 4 ** (DIGITS - len(cell))
        first = int(cell, 4) * wide
        rows = (row for part in range(first, first + wide) for row in spill.rows(part))
        return {item: keyed for item, keyed in rows if self._place(item).startswith(name)}

    def _find_by_content(self) -> None:
        """Call items of the source whose key is not stored as those stored items that they share most with."""
        with Spill(_PARTS) as seen:
            for name, rows, items, records in self._walk():
                left = {item for item, keyed in self._in(self._unknown, name).items() if keyed}
                free = self._in(self._free, name)
                live_ones = [raw for raw in records.lines if live(raw) is not None]
                for side, wanted, lines, told in (
                    (0, free, items.lines, live_ones),
                    (1, left, rows.items, [*rows.unnamed, *rows.records]),
                ):
                    for item, found in _evidences(wanted, lines, told):
                        for one in found:
                            seen.add(zlib.crc32(one) % _PARTS, (side, one, item, len(found)), len(item) + _OVERHEAD)
            shared: Counter[tuple[str, str]] = Counter()
            poorer: dict[tuple[str, str], int] = {}
            for group in seen.all():
                sizes = ({item: size for side, _, item, size in group if side == at} for at in (0, 1))
                old, new = sizes
                found_here = match.unmistakable((side, one, item) for side, one, item, _ in group)
                shared.update(found_here)
                poorer.update({(mine, theirs): min(new[mine], old[theirs]) for mine, theirs in found_here})
        self._known.update(match.paired(shared, poorer))

    def _name(self) -> None:
        """Give the items that are new a name that nobody has."""
        taken = set(self._known.values())
        colliding: list[str] = []
        for name, _, items, records in self._walk():
            unknown = self._in(self._unknown, name).keys() - self._known.keys()
            old = {item for item, _ in _items(items.lines)} & unknown
            staying = self._others(records.lines, old)
            held = staying if self._asked.whole else old
            colliding += [item for item in unknown if item in taken or item in held]
        if colliding:
            with self._opened() as stored:
                for item in sorted(colliding):
                    self._known[item] = next(
                        here
                        for here in spellings(item)
                        if here != item and here not in taken and self._is_free(stored, here)
                    )
                    taken.add(self._known[item])

    def _others(self, records: Iterable[bytes], items: Collection[str]) -> set[str]:
        """Return those of some items that stay for the sake of records of another task."""
        found: set[str] = set()
        for raw in records if items else ():
            fields = decoded(raw)
            if fields.get("item") in items and live(raw) is not None and fields.get("task") != self._asked.task:
                found.add(fields["item"])
        return found

    def _is_free(self, stored: Sides, here: str) -> bool:
        """Tell whether no item of the source has a name, and no stored one that stays."""
        name = shard.place(shard.group_of(here, self._pattern), self._k)
        rows = self._incoming.shards(name[:DIGITS], self._k).get(name, NOTHING)
        if any(item == here for item, _ in _items(rows.items)):
            return False
        if all(item != here for item, _ in _items(stored.lying("items", name).lines)):
            return True
        return self._asked.whole and not self._others(stored.lying("annotations", name).lines, {here})


def values(item: Mapping[str, Any], keys: Sequence[str], tool: str) -> bytes | None:
    """Return what an item says under the fields of a key, in canonical JSON; None when it lacks one of them.

    An item that was imported without the key says it among the format's own fields.
    """
    natural, ext = item.get("natural"), item.get("ext")
    space = ext.get(tool) if isinstance(ext, dict) else None
    told = []
    for wanted in keys:
        name, _, column = wanted.partition("=")
        for held, member in ((natural, wanted), (natural, name), (space, column or name)):
            if isinstance(held, dict) and held.get(member) not in (None, ""):
                told.append(held[member])
                break
    return canonical.encode(told) if len(told) == len(keys) else None


def _by_key(old: Mapping[str, bytes | None], new: Mapping[str, bytes | None]) -> dict[str, str]:
    """Pair items of equal key values; where several share them, they are called by their lines and stay in that order."""
    holders: dict[bytes, list[str]] = defaultdict(list)
    for name, told in old.items():
        if told is not None:
            holders[told].append(name)
    asking: dict[bytes, list[str]] = defaultdict(list)
    for name, told in new.items():
        if told in holders:
            asking[told].append(name)
    found: dict[str, str] = {}
    for told, names in asking.items():
        found.update(zip(sorted(names, key=counting), sorted(holders[told], key=counting), strict=False))
    return found


def _evidences(
    wanted: Collection[str], items: Iterable[bytes], records: Iterable[bytes]
) -> Iterator[tuple[str, set[bytes]]]:
    if not wanted:
        return
    told: dict[str, list[bytes]] = defaultdict(list)
    for raw in records:
        told[str(decoded(raw).get("item"))].append(raw)
    for raw in items:
        name = str(decoded(raw).get("id"))
        if name in wanted:
            yield name, _evidence(raw, told[name])


def _evidence(item: bytes, records: Iterable[bytes]) -> set[bytes]:
    """Return digests of what tells an item from others whatever it is called: its text, or the shapes drawn on it."""
    fields = decoded(item)
    text, media = fields.get("text"), fields.get("media")
    if isinstance(text, str) and text:
        return {canonical.digest(canonical.encode(text)).encode()}
    size = [media.get("width"), media.get("height")] if isinstance(media, dict) else []
    shapes = [match.place(decoded(raw).get("value")) for raw in records]
    return {canonical.digest(canonical.encode([size, shape])).encode() for shape in shapes if shape}


def _items(lines: Iterable[bytes]) -> Iterator[tuple[str, dict[str, Any]]]:
    for raw in lines:
        fields = decoded(raw)
        name = fields.get("id")
        if isinstance(name, str):
            yield name, fields


def _set_key(keys: Spill, row: tuple[int, bytes, str, bool]) -> None:
    keys.add(zlib.crc32(row[1]) % _PARTS, row, len(row[1]) + len(row[2]) + _OVERHEAD)


def _part(place: str) -> int:
    return int(place[:DIGITS], 4)

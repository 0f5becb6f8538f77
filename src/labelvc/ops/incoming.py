"""Incoming: canonical lines on their way into a dataset, set aside by the shard they belong to."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Self

from labelvc.codec import expression, shard
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset
from labelvc.spill import Spill

ITEM, RECORD, UNNAMED = 0, 1, 2
"""What a line is: an item, a record, or a record that has no id yet (its line lacks the member `id`)."""

DIGITS = 5
"""Of a place, how many digits choose the part: 1,024 parts, of which one at a time is in memory."""

_PLACE = 10
_MASK = (1 << 2 * (_PLACE - DIGITS)) - 1
_OVERHEAD = 60


class Rows(NamedTuple):
    """What was set aside for one shard, in the order it came: lines of items, of records, of records without an id."""

    items: list[bytes]
    records: list[bytes]
    unnamed: list[bytes]


NOTHING = Rows([], [], [])


class Incoming:
    """Lines set aside; a context manager, since it may hold a temporary file.

    Args:
        dataset: where they go; how many shards it shall have need not be known yet.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset.name
        self._pattern = expression.compiled(dataset.group)
        self._spill = Spill(4**DIGITS)
        self._item: str | None = None
        self._part = 0
        self._heads: tuple[bytes, bytes, bytes] = (b"", b"", b"")

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file."""
        self._spill.__exit__()

    def add(self, kind: int, item: str, raw: bytes) -> None:
        """Set a line aside.

        Args:
            kind: `ITEM`, `RECORD` or `UNNAMED`.
            item: the item it is about.
            raw: the canonical line.

        Raises:
            OSError: the disk of temporary files is full.
        """
        if item != self._item:
            place = shard.number(shard.group_of(item, self._pattern), _PLACE)
            self._item, self._part, self._heads = item, place >> 2 * (_PLACE - DIGITS), _heads(place & _MASK)
        self._spill.add(self._part, self._heads[kind] + raw, len(raw) + _OVERHEAD)

    def cells(self, k: int) -> set[str]:
        """Return the first digits of the names of shards, of k digits each, for which there are lines."""
        digits = min(k, DIGITS)
        return {shard.spelled(part >> 2 * (DIGITS - digits), digits) for part in self._spill.parts()}

    def shards(self, cell: str, k: int) -> Mapping[str, Rows]:
        """Return the lines of a cell by the name of their shard.

        Args:
            cell: the first digits of the names, as many as `cells` gives.
            k: number of digits in a shard's name.

        Returns:
            Name to lines.
        """
        wide = 4 ** (DIGITS - len(cell))
        first = int(cell, 4) * wide
        rest = k - len(cell)
        found: dict[bytes, list[bytes]] = defaultdict(list)
        for part in range(first, first + wide):
            for row in self._spill.rows(part):
                found[row[: 1 + rest]].append(row[1 + _PLACE - DIGITS :])
        names = {head[1:].decode() for head in found}
        return {
            f"{cell}{name}": Rows(*(found.get(b"%d%s" % (kind, name.encode()), []) for kind in range(3)))
            for name in names
        }

    def lines(self, rows: Rows, _stored: Sequence[bytes] = ()) -> dict[Layer, list[bytes]]:
        """Return the lines of one shard in order, equal ones once; those without an id are left out.

        Raises:
            TwiceError: two lines of one key differ.
        """
        return {
            "items": distinct(rows.items, self._dataset, "items"),
            "annotations": distinct(rows.records, self._dataset, "annotations"),
        }

    def count(self) -> tuple[int, int]:
        """Return the number of items and of records; equal lines count once, those without an id each time."""
        items = records = 0
        for rows in self._spill.all():
            unnamed = sum(row.startswith(b"%d" % UNNAMED) for row in rows)
            once = {row for row in rows if not row.startswith(b"%d" % UNNAMED)}
            named = sum(row.startswith(b"%d" % RECORD) for row in once)
            items, records = items + len(once) - named, records + named + unnamed
        return items, records


class TwiceError(Exception):
    """Two different lines of one key were set aside.

    Attributes:
        key: the key.
        layer: its layer.
    """

    def __init__(self, key: Key, layer: Layer) -> None:
        super().__init__(str(key))
        self.key, self.layer = key, layer


def distinct(lines: list[bytes], dataset: str, layer: Layer) -> list[bytes]:
    """Return canonical lines in order, equal ones once.

    Raises:
        TwiceError: two lines of one key differ.
    """
    found = sorted(set(lines))
    # lines of one key begin alike and are neighbours
    heads = heads_of(b"\n".join(found), layer)
    if len(set(heads)) != len(heads) or len(heads) != len(found):
        keys: dict[Key | None, bytes] = {}
        for raw in found:
            key = shard.key_of(raw, dataset, layer)
            if key is not None and keys.setdefault(key, raw) != raw:
                raise TwiceError(key, layer)
    return found


def heads_of(data: bytes, layer: Layer) -> list[tuple[bytes, bytes]]:
    """Return item and id, as they are written, of each line that has them; equal keys are written alike in canonical lines."""
    return _heads_of[layer](data)


def _pattern(layer: Layer) -> re.Pattern[bytes]:
    # no string goes on in the next line, and the rest of a line is passed over at once
    head = shard.HEADS[layer].pattern.replace(rb'[^"\\]', rb'[^"\\\n]')
    return re.compile(b"^" + head + rb"[^\n]*+", re.MULTILINE)


def _table() -> Iterator[tuple[bytes, bytes, bytes]]:
    for place in range(_MASK + 1):
        tail = shard.spelled(place, _PLACE - DIGITS).encode()
        yield b"0" + tail, b"1" + tail, b"2" + tail


_KNOWN: list[tuple[bytes, bytes, bytes]] = []


def _heads(place: int) -> tuple[bytes, bytes, bytes]:
    if not _KNOWN:
        _KNOWN.extend(_table())
    return _KNOWN[place]


_heads_of = {layer: _pattern(layer).findall for layer in shard.HEADS}

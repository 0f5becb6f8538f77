"""Incoming: canonical lines on their way into a dataset, set aside by the shard they belong to."""

from __future__ import annotations

import re
import struct
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

from labelvc import digests
from labelvc.codec import expression, shard
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset
from labelvc.spill import Spill

ITEM, RECORD, UNNAMED = 0, 1, 2
"""What a line is: an item, a record, or a record that has no id yet (its line lacks the member `id`)."""

DIGITS = 6
"""Of a place, how many digits choose the part: 4,096 parts, of which one at a time is in memory."""

_PARTS = 4**DIGITS
_OVERHEAD = 60
_ABOUT = re.compile(rb'\{"(?:item|id)":"([^"\\]*+(?:\\.[^"\\]*+)*+)"')
_FIRST_RECORD = b'{"it'  # and every item begins with {"id


class Rows(NamedTuple):
    """What was set aside for one shard: lines of items and of records, equal ones once and in order; records without an id."""

    items: list[bytes]
    records: list[bytes]
    unnamed: list[bytes]


NOTHING = Rows([], [], [])


class Lines(NamedTuple):
    """Lines of one shard, in order and each key once.

    Attributes:
        data: as they stand in a file.
        number: how many lines that are.
        items: how many items they are about.
    """

    data: bytes
    number: int
    items: int


class Incoming:
    """Lines set aside; a context manager, since it may hold a temporary file.

    Args:
        dataset: where they go; how many shards it shall have need not be known yet.

    Attributes:
        records: how many lines of records there are; equal ones count each time.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.records = 0
        self._dataset = dataset.name
        self._pattern = expression.compiled(dataset.group)
        self._spill = Spill(2 * _PARTS)  # lines that have a key, then records without an id
        self._item: str | None = None
        self._part = 0

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
            self._item, self._part = item, shard.number(shard.group_of(item, self._pattern), DIGITS)
        self.records += kind != ITEM
        self._spill.add(self._part + _PARTS * (kind == UNNAMED), raw, len(raw) + _OVERHEAD)

    def parts(self, items: Sequence[bytes]) -> list[int]:
        """Return the parts of items, in UTF-8, for `extend`."""
        groups = items
        if self._pattern is not None:
            groups = [shard.group_of(item.decode(), self._pattern).encode() for item in items]
        sha256 = digests.sha256
        found = struct.unpack(">" + "I28x" * len(groups), b"".join([sha256(group).digest() for group in groups]))
        return [number >> 32 - 2 * DIGITS for number in found]

    def extend(self, kind: int, parts: Sequence[int], lines: Sequence[bytes]) -> None:
        """Set lines of one kind aside, given the parts of the items they are about.

        Raises:
            OSError: the disk of temporary files is full.
        """
        self.records += len(lines) if kind != ITEM else 0
        if kind == UNNAMED:
            parts = [part + _PARTS for part in parts]
        self._spill.extend(parts, lines, sum(map(len, lines)) + _OVERHEAD * len(lines))

    def cells(self, k: int) -> set[str]:
        """Return the first digits of the names of shards, of k digits each, for which there are lines."""
        digits = min(k, DIGITS)
        return {shard.spelled(part % _PARTS >> 2 * (DIGITS - digits), digits) for part in self._spill.parts()}

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
        named, unnamed = [
            [row for part in range(start, start + wide) for row in self._spill.rows(part)]
            for start in (first, first + _PARTS)
        ]
        found = sorted(set(named))
        cut = bisect_left(found, _FIRST_RECORD)
        rows = Rows(found[:cut], found[cut:], unnamed)
        return {cell: rows} if k == len(cell) else self._apart(rows, k)

    def _apart(self, rows: Rows, k: int) -> dict[str, Rows]:
        """Return lines by the name of their shard, where the part they were set aside in stands for several."""
        found: dict[str, Rows] = {}
        for at, lines in enumerate(rows):
            about, name = b"", ""
            for raw in lines:
                head = _ABOUT.match(raw)
                if head is not None and (head[1] != about or not name):
                    about, name = head[1], shard.place(shard.group_of(shard.text(head[1]), self._pattern), k)
                found.setdefault(name, Rows([], [], []))[at].append(raw)
        return found

    def lines(self, rows: Rows, _stored: Sequence[bytes] = ()) -> dict[Layer, Lines]:
        """Return the lines of one shard; those without an id are left out.

        Raises:
            TwiceError: two lines of one key differ.
        """
        return {
            "items": proved(rows.items, self._dataset, "items"),
            "annotations": proved(rows.records, self._dataset, "annotations"),
        }


class TwiceError(Exception):
    """Two different lines of one key were set aside.

    Attributes:
        key: the key.
        layer: its layer.
    """

    def __init__(self, key: Key, layer: Layer) -> None:
        super().__init__(str(key))
        self.key, self.layer = key, layer


def proved(lines: Sequence[bytes], dataset: str, layer: Layer) -> Lines:
    """Return canonical lines that are in order and different, proved to have different keys.

    Raises:
        TwiceError: two lines of one key differ.
    """
    data = b"\n".join(lines) + b"\n" if lines else b""
    rest, items = _runs[layer](b"", data)
    if rest:
        keys: dict[Key | None, bytes] = {}
        for raw in lines:
            key = shard.key_of(raw, dataset, layer)
            if key is not None and keys.setdefault(key, raw) != raw:
                raise TwiceError(key, layer)
    return Lines(data, len(lines), items)


def heads_of(data: bytes, layer: Layer) -> list[tuple[bytes, bytes]]:
    """Return item and id, as they are written, of each line that has them; equal keys are written alike in canonical lines."""
    return _heads_of[layer](data)


# no string goes on in the next line, and the rest of a line is passed over at once
_STRING = rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"'
_REST = rb"[^\n]*+"


def _head(layer: Layer) -> bytes:
    return shard.HEADS[layer].pattern.replace(rb'[^"\\]', rb'[^"\\\n]')


_heads_of = {layer: re.compile(b"^" + _head(layer) + _REST, re.MULTILINE).findall for layer in shard.HEADS}
# lines of one item, none of which begins as the next one does; in order, lines of one key are neighbours
_runs = {
    "items": re.compile(rb'(\{"id":' + _STRING + b")" + _REST + rb"\n(?!\1)").subn,
    "annotations": re.compile(
        rb'(?=(\{"item":' + _STRING + rb'))(?>(?:\1(,"id":' + _STRING + b")" + _REST + rb"\n(?!\1\2))+)"
    ).subn,
}

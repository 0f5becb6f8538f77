"""Changes: the deltas of a rewrite, counted as they come and set aside, so that a million of them can be shown or left."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from labelvc.codec import shard
from labelvc.core import diff
from labelvc.core.diff import Summary, live
from labelvc.model.change import Delta, Kind
from labelvc.model.names import Key, Layer
from labelvc.ops.incoming import Lines
from labelvc.spill import Spill

_RUN = 20_000
_OVERHEAD = 100
_WAITING = 1 << 20  # of so few parts, little is enough for large blocks
_LAYERS: tuple[Layer, ...] = ("items", "annotations")


class Changes(Collection[Delta]):
    """Deltas of items and records of one dataset, items first, each in order of their keys.

    Args:
        dataset: name of the dataset.

    Attributes:
        moved: how many live records are `added` and `changed`.
    """

    def __init__(self, dataset: str) -> None:
        self._dataset = dataset
        self._spill = Spill(len(_LAYERS), _WAITING)
        self._number = self._touched = 0
        self._records: Counter[Kind] = Counter()
        self._items: Counter[Kind] = Counter()
        self.moved: Counter[str] = Counter()

    def add(self, layer: Layer, deltas: Sequence[Delta]) -> None:
        """Take the deltas of one shard.

        Raises:
            OSError: the disk of temporary files is full.
        """
        tally = diff.Tally()
        for delta in deltas:
            tally.add(diff.compare(delta))
            pair = (delta.old, delta.new)
            self._spill.add(_LAYERS.index(layer), pair, sum(len(raw or b"") for raw in pair) + _OVERHEAD)
            if layer == "annotations" and live(delta.new):
                self.moved["changed" if live(delta.old) else "added"] += 1
        counted = tally.summary()
        self._records.update(counted.records)
        self._items.update(counted.items)
        self._touched += counted.touched_items
        self._number += len(deltas)

    def add_new(self, layer: Layer, lines: Lines) -> None:
        """Take lines of one shard that nobody stored yet, none of them a tombstone."""
        number = lines.number
        self._spill.add(_LAYERS.index(layer), lines.data, len(lines.data) + _OVERHEAD)
        self._number += number
        if layer == "items":
            self._items["added"] += number
        else:
            self._records["added"] += number
            self.moved["added"] += number
            self._touched += lines.items

    @property
    def summary(self) -> Summary:
        """Return the counts; which answer became which is not among them."""
        return Summary(Counter(self._records), Counter(self._items), Counter(), self._touched, Counter())

    def first(self, number: int) -> list[Delta]:
        """Return the first deltas."""
        found: list[Delta] = []
        for part, layer in enumerate(_LAYERS):
            found += heapq.nsmallest(number - len(found), self._deltas(part, layer), key=_key)
        return found

    def __len__(self) -> int:
        """Return how many there are."""
        return self._number

    def __iter__(self) -> Iterator[Delta]:
        """Yield them in order; many are sorted in runs on the disk."""
        for part, layer in enumerate(_LAYERS):
            with Spill(1 + self._number // _RUN, 0) as runs:
                yield from _merged(self._deltas(part, layer), runs, self._dataset, layer)

    def __contains__(self, delta: object) -> bool:
        """Tell whether it is one of them."""
        return any(delta == one for one in self)

    def __eq__(self, other: object) -> bool:
        """Compare with any sequence of deltas."""
        if not isinstance(other, Changes | Sequence):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def _deltas(self, part: int, layer: Layer) -> Iterator[Delta]:
        for rows in self._spill.blocks(part):
            for row in rows:
                for old, new in [row] if isinstance(row, tuple) else [(None, raw) for raw in shard.lines(row)]:
                    yield Delta(_named(new or old, self._dataset, layer), old, new)


def _named(raw: bytes, dataset: str, layer: Layer) -> Key:
    key = shard.key_of(raw, dataset, layer)
    if key is None:
        raise ValueError("a line without a key was set aside")
    return key


def _key(delta: Delta) -> Any:
    return delta.key


def _merged(deltas: Iterator[Delta], runs: Spill, dataset: str, layer: Layer) -> Iterator[Delta]:
    run: list[Delta] = []
    for number, delta in enumerate(deltas, 1):
        run.append(delta)
        if number % _RUN == 0:
            run.sort(key=_key)
            for at in range(0, _RUN, _RUN // 100):
                runs.add(number // _RUN - 1, [(one.old, one.new) for one in run[at : at + _RUN // 100]], 1)
            run = []
    run.sort(key=_key)
    kept = [
        (
            Delta(_named(new or old, dataset, layer), old, new)
            for rows in runs.blocks(part)
            for row in rows
            for old, new in row
        )
        for part in runs.parts()
    ]
    yield from heapq.merge(*kept, run, key=_key)

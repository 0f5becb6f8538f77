"""Identity: which stored records those of a source are that come without an id of their own: found by content alone.

What is found keeps the id it has here (`labelvc.core.match`); items are found before (`labelvc.ops.recognition`).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import NamedTuple

from labelvc.codec import canonical, shard
from labelvc.core import match
from labelvc.core.diff import decoded, live
from labelvc.model.names import Layer
from labelvc.ops import remarks
from labelvc.ops.incoming import Incoming, Lines, Rows, proved

_ANNOTATION = shard.HEADS["annotations"]
_ABOUT = re.compile(rb'\{"item":("[^"\\]*+(?:\\.[^"\\]*+)*+")')
_REV = re.compile(rb'"rev":\d+')


class Asked(NamedTuple):
    """What decides identity in one import.

    Attributes:
        dataset: name of the dataset.
        task: name of the task the records answer.
        keys: what was given as `--key`; empty: items are called what the source calls them.
        tool: name of the format, under which `ext` holds its fields.
        prefix: before ids made up here (`Plan.prefix`).
        whole: the source is all there is.
    """

    dataset: str
    task: str
    keys: tuple[str, ...]
    tool: str
    prefix: str
    whole: bool


class Settled:
    """What was read under the names it has here, shard by shard.

    Args:
        incoming: what was read, items under the names they have here.
        asked: what decides identity.

    Attributes:
        read: number of items and records, of the shards that were asked for.
        by_line: how many of them are called by their line.
    """

    def __init__(self, incoming: Incoming, asked: Asked) -> None:
        self._incoming, self._asked = incoming, asked
        self.read: dict[Layer, int] = {"items": 0, "annotations": 0}
        self.by_line: dict[Layer, int] = {"items": 0, "annotations": 0}

    def cells(self, k: int) -> set[str]:
        """Return what `Incoming.cells` does."""
        return self._incoming.cells(k)

    def shards(self, cell: str, k: int) -> Mapping[str, Rows]:
        """Return what `Incoming.shards` does."""
        return self._incoming.shards(cell, k)

    def lines(self, rows: Rows, stored: Sequence[bytes]) -> dict[Layer, Lines]:
        """Return the lines of one shard.

        Args:
            rows: what was read.
            stored: lines of records that are there.

        Raises:
            TwiceError: two lines of one key differ.
        """
        found = self._incoming.lines(rows)
        if rows.unnamed:
            given = self._named(rows.unnamed, rows.records, stored)
            by_key = {shard.key_of(raw, ""): raw for raw in (*rows.records, *given)}
            found["annotations"] = proved(sorted(by_key.values()), self._asked.dataset, "annotations")
        for layer, lines in found.items():
            self.read[layer] += lines.number
            self.by_line[layer] += remarks.by_line(lines.data, layer)
        return found

    def _named(self, unnamed: Iterable[bytes], named: Iterable[bytes], stored: Iterable[bytes]) -> Iterator[bytes]:
        """Yield records that came without an id, with the one they have here or a new one."""
        about: dict[bytes, list[bytes]] = defaultdict(list)
        for raw in unnamed:
            head = _ABOUT.match(raw)
            if head is not None:
                about[head[1]].append(raw)
        held, answers = _by_item(stored, about), _by_item(named, about)
        for item, found in about.items():
            here = held.get(item, {})
            ids = _as_stored(item, found, here) or self._ids(item, found, here, answers.get(item, {}).keys())
            for identifier, raw in zip(ids, found, strict=True):
                start = b'{"item":' + item
                yield start + b',"id":' + canonical.encode(identifier) + raw[len(start) :]

    def _ids(
        self, item: bytes, found: Sequence[bytes], held: Mapping[str, bytes], answers: Collection[str]
    ) -> list[str]:
        """Return the ids of an item's records that came without: those they have here, or new ones made from their shape."""
        old = {name: fields for name, raw in held.items() if (fields := decoded(raw)).get("task") == self._asked.task}
        new = [decoded(raw) for raw in found]
        ids = match.records(old, new, whole=self._asked.whole)
        taken = {*held, *answers, *(name for name in ids if name is not None)}
        for number in sorted(range(len(found)), key=lambda at: found[at]):
            if ids[number] is None:
                made = self._asked.prefix + match.name(new[number])
                ids[number] = next(name for name in spellings(made) if name not in taken)
                taken.add(str(ids[number]))
        return [name for name in ids if name is not None]


def spellings(name: str) -> Iterator[str]:
    """Yield a name, then `name.2`, `name.3` ..."""
    yield name
    for number in count(2):
        yield f"{name}.{number}"


def _by_item(lines: Iterable[bytes], wanted: Collection[bytes]) -> dict[bytes, dict[str, bytes]]:
    """Return live records of some items: item in canonical JSON, to id, to line."""
    found: dict[bytes, dict[str, bytes]] = defaultdict(dict)
    for raw in lines:
        key = shard.key_of(raw, "")
        if key is not None:
            head = _ABOUT.match(raw)
            item = head[1] if head is not None and b"\\" not in head[1] else canonical.encode(key.item)
            if item in wanted and live(raw) is not None:
                found[item][key.id] = raw
    return dict(found)


def _as_stored(item: bytes, found: Sequence[bytes], held: Mapping[str, bytes]) -> list[str]:
    """Return the ids of records each of which is there word for word, whatever its `rev`; empty when one is not."""
    if len(held) < len(found):
        return []
    free: dict[bytes, list[str]] = defaultdict(list)
    for name in sorted(held, reverse=True):
        head, raw = _ANNOTATION.match(held[name]), held[name]
        if head is not None:
            bare = b'{"item":' + item + raw[head.end() :]
            free[_REV.sub(b'"rev":1', bare) if bare.count(b'"rev":') == 1 else bare].append(name)
    return [free[raw].pop() for raw in found] if _covers(free, found) else []


def _covers(free: Mapping[bytes, Sequence[str]], found: Sequence[bytes]) -> bool:
    return all(len(free.get(raw, ())) >= number for raw, number in Counter(found).items())

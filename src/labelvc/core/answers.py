"""Answers: what people said in records that can be compared, and what a change makes of it, packed by shard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import msgspec

from labelvc.core.diff import answer


class Said(NamedTuple):
    """What a person answered to a task."""

    task: str
    by: str
    answer: str


Turns = Mapping[str, Mapping[str, Said | None]]
"""Item to name of record to its new answer; None where it gives none any more."""
_turns = msgspec.msgpack.Decoder(dict[str, dict[str, Said | None]]).decode


def said_of(fields: Mapping[str, Any], compared: Collection[str]) -> Said | None:
    """Return what a person answered in a record; None where it is no person, no answer, or none that can be compared."""
    origin, by, task = fields.get("origin"), fields.get("by"), fields.get("task")
    if {type(task), type(by)} != {str} or task not in compared or (type(origin) is dict and "model" in origin):
        return None
    said = answer(fields)
    return Said(str(task), str(by), said) if said else None


class Changed:
    """What a change makes of answers, by the shard where their items were; but for that of the last one it is kept as bytes.

    Args:
        place: from an item to the name of its shard.
    """

    def __init__(self, place: Callable[[str], str]) -> None:
        self._place, self._shard = place, ""
        self._last: dict[str, dict[str, Said | None]] = {}
        self._packed: dict[str, list[bytes]] = defaultdict(list)

    def add(self, item: str, name: str, now: Said | None) -> None:
        """Take down the new answer of a record; of an item whose records follow each other it takes the least."""
        answers = self._last.get(item)
        if answers is None:
            shard = self._place(item)
            if shard != self._shard:
                self._pack()
                self._shard = shard
            answers = self._last[item] = {}
        answers[name] = now

    def shards(self) -> list[str]:
        """Return the names of the shards whose answers change, in order."""
        self._pack()
        return sorted(self._packed)

    def of(self, shard: str) -> Turns:
        """Return what changes of a shard; nothing where nothing does."""
        self._pack()
        found: dict[str, dict[str, Said | None]] = {}
        for part in map(_turns, self._packed.get(shard, ())):
            for item, answers in part.items():
                found.setdefault(item, {}).update(answers)
        return found

    def _pack(self) -> None:
        if self._last:
            self._packed[self._shard].append(msgspec.msgpack.encode(self._last))
            self._last = {}

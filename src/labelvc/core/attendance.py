"""Attendance: how many people answered each item of a shard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec

from labelvc.codec import shard
from labelvc.codec.quick import UNREADABLE


class _Record(msgspec.Struct, gc=False):
    item: str = ""
    task: str = ""
    by: Any = None
    gone: bool = False
    origin: Any = None


_one = msgspec.json.Decoder(_Record).decode


def of(annotations: bytes, most: int) -> dict[tuple[str, str, str], int]:
    """Count the items of a shard by task and by how many people answered them; a model is nobody.

    Args:
        annotations: bytes of its records.
        most: people that are told apart; more count as so many.

    Returns:
        Task, number of people as text, and the empty text, to the number of items.
    """
    people: dict[tuple[str, str], set[str]] = {}
    for one in _records(annotations):
        if not one.gone and not (isinstance(one.origin, dict) and "model" in one.origin):
            people.setdefault((one.task, one.item), set()).add(str(one.by))
    return dict(Counter((task, str(min(most, len(names))), "") for (task, _), names in people.items()))


def _records(annotations: bytes) -> Iterator[_Record]:
    for line in shard.lines(annotations):
        with suppress(*UNREADABLE):
            yield _one(line)

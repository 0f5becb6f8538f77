"""Skim: what is read of the records of a shard to count them, whatever their members are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec

from labelvc.codec import shard
from labelvc.codec.quick import UNREADABLE
from labelvc.core.veil import HIDDEN


class _Origin(msgspec.Struct, gc=False):
    model: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Record(msgspec.Struct, gc=False):
    """What is read of a record that is as records are."""

    item: str = ""
    id: str = ""
    task: str = ""
    by: str | None = None
    gone: bool = False
    origin: _Origin | None = None
    value: msgspec.Raw = msgspec.Raw(b"null")


class _Odd(msgspec.Struct):
    """What is read of a record whatever its members are."""

    item: str = ""
    id: str = ""
    task: str = ""
    by: Any = None
    gone: bool = False
    origin: Any = None
    value: Any = None


class _Heading(msgspec.Struct, gc=False):
    item: str = ""


_many = msgspec.json.Decoder(Record).decode_lines
_odd = msgspec.json.Decoder(_Odd).decode
_headings = msgspec.json.Decoder(_Heading).decode_lines
_item, _by, _gone = map(attrgetter, ("item", "by", "gone"))
Run = tuple[str, int, int]
"""An item and where its records begin and end."""


def live(annotations: bytes) -> Sequence[Record]:
    """Return the live records, in the order of their lines."""
    try:
        found = _many(annotations)
    except UNREADABLE:
        found = [one for one in map(_alone, shard.lines(annotations)) if one is not None]
    return [one for one in found if not one.gone] if any(map(_gone, found)) else found


def records(annotations: bytes) -> Sequence[Record]:
    """Return the live records, those of an item side by side as they are in all but a broken shard."""
    found = live(annotations)
    apart = [item for item, _ in groupby(map(_item, found))]
    return found if len(set(apart)) == len(apart) else sorted(found, key=_item)


def records_of(annotations: bytes, items: Collection[str]) -> Sequence[Record]:
    """Return the live records of some items, as `records` does."""
    lines = shard.lines(annotations)
    with suppress(*UNREADABLE, ValueError):
        lines = [line for one, line in zip(_headings(annotations), lines, strict=True) if one.item in items]
    return records(b"\n".join(lines))


def _alone(raw: bytes) -> Record | None:
    """Return one record as well as it can be read; None where it cannot."""
    try:
        one = _odd(raw)
    except UNREADABLE:
        return None
    named = one.by is None or isinstance(one.by, str)
    by = one.by if named else HIDDEN
    apart = not named or (isinstance(one.origin, dict) and "model" in one.origin)  # what it says is no person's
    origin = _Origin(msgspec.Raw(b"true")) if apart else None
    return Record(one.item, one.id, one.task, by, one.gone, origin, msgspec.Raw(msgspec.json.encode(one.value)))


def runs(records: Sequence[Record]) -> Iterator[Run]:
    """Yield where the records of each item are."""
    start = 0
    for item, group in groupby(map(_item, records)):
        end = start + len(list(group))
        yield item, start, end
        start = end


def one_each(records: Sequence[Record]) -> bool:
    """Tell whether all records are by people, no two of one item by the same, none twice."""
    if any(map(by_model, records)):
        return False
    people = {(one.item, one.by) for one in records}
    return None not in set(map(_by, records)) and len(people) == len({(one.item, one.id) for one in records}) == len(
        records
    )


def by_model(one: Record) -> bool:
    """Tell whether a record says what a model answered."""
    return one.origin is not None and one.origin.model is not msgspec.UNSET

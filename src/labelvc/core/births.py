"""Births: who made the records of many lines that came at once, and when, read without looking into the rest of them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import NamedTuple

import msgspec

from labelvc.codec import shard
from labelvc.codec.quick import UNREADABLE


class Birth(NamedTuple):
    """What a record says of where it is from.

    Attributes:
        by: who made it; None where it does not say.
        day: when, in UTC; None where it does not say, or its day is in no calendar.
        model: whether a model did.
    """

    by: str | None
    day: date | None
    model: bool


class _Origin(msgspec.Struct, frozen=True, gc=False):
    model: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Record(msgspec.Struct, gc=False):
    item: str
    id: str
    by: str | None = None
    at: datetime | None = None
    gone: bool = False
    origin: _Origin = _Origin()


_records = msgspec.json.Decoder(_Record).decode_lines
_is_headed = shard.HEADS["annotations"].match


def read(lines: Sequence[bytes]) -> list[Birth] | None:
    """Return what each of some lines says that is a live record; None where one of them is not as records are."""
    if not all(map(_is_headed, lines)):
        return None
    try:
        found = _records(b"\n".join(lines))
    except UNREADABLE:
        return None
    return [
        Birth(one.by, one.at and _day(one.at), one.origin.model is not msgspec.UNSET)
        for one in found
        if one.id and not one.gone
    ]


def _day(at: datetime) -> date | None:
    if at.tzinfo is UTC:
        return at.date()
    with suppress(OverflowError):
        return at.astimezone(UTC).date()
    return None

"""Births: who made the records of many lines that came at once, and when, read without looking into the rest of them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from labelvc.codec import shard
from labelvc.codec.quick import UNREADABLE

Birth = tuple[str | None, int | None, bool]
"""What a record says of where it is from: who made it, the ordinal of the day in UTC, and whether a model did.

None where it does not say; of a day also where it is in no calendar. A number is counted quicker than a date.
"""


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
        (one.by, None if one.at is None else _day(one.at), one.origin.model is not msgspec.UNSET)
        for one in found
        if one.id and not one.gone
    ]


def _day(at: datetime) -> int | None:
    if at.tzinfo is UTC:
        return at.toordinal()
    with suppress(OverflowError):
        return at.astimezone(UTC).toordinal()
    return None

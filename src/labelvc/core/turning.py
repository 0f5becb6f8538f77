"""Turning: what becomes of shapes on a picture when it is turned upright."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from labelvc.errors import DataError

SIDEWAYS = frozenset((5, 6, 7, 8))
"""Orientations of Exif that exchange width and height."""

_LISTS = ("polygon", "polyline", "points")
_Number = Any


def turned(value: Mapping[str, Any], orientation: int, width: int, height: int) -> dict[str, Any]:
    """Return the value of a record for the picture that is upright.

    Args:
        value: for the picture as it is stored.
        orientation: how it was to be turned (CIPA DC-008, tag 274), 1 to 8.
        width: as it is stored.
        height: as it is stored.

    Raises:
        DataError: it is a mask of run lengths or in a file, which is not turned.
    """
    if "rle" in value or "media" in value:
        raise DataError("a mask is not turned with its picture", hint="turn picture and mask before, with one tool")
    found = dict(value)
    if "box" in value:
        x, y, wide, high = value["box"]
        one = _point(x, y, orientation, width, height)
        two = _point(_sum(x, wide), _sum(y, high), orientation, width, height)
        sizes = (high, wide) if orientation in SIDEWAYS else (wide, high)
        found["box"] = [min(one[0], two[0]), min(one[1], two[1]), *sizes]
    for name in _LISTS:
        if name in value:
            found[name] = [[*_point(x, y, orientation, width, height)] for x, y in value[name]]
    return found


def _point(x: _Number, y: _Number, orientation: int, width: int, height: int) -> tuple[_Number, _Number]:
    """Return where a point is; coordinates count edges of pixels, so the right edge is at the width."""
    right, below = _sum(width, x, -1), _sum(height, y, -1)
    return {
        1: (x, y), 2: (right, y), 3: (right, below), 4: (x, below), 5: (y, x), 6: (below, x), 7: (below, right), 8: (y, right),
    }[orientation]  # fmt: skip


def _sum(one: _Number, two: _Number, sign: int = 1) -> _Number:
    """Add as people do, in decimal."""
    found = Decimal(str(one)) + sign * Decimal(str(two))
    return int(found) if found == found.to_integral_value() else float(found)
